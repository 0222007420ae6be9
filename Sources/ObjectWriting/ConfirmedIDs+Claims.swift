package import Bronze
import Identity
package import Ledger
package import Sink

extension ConfirmedIDs {
    /// What gap records among the records say, in an order that does not depend on theirs.
    package var observedGaps: [ObservedGap] {
        gaps.map { key, note in
            ObservedGap(
                sequence: key.sequence, reason: key.reason, source: key.source,
                isDeclared: key.isDeclared, ids: note.ids.ranges, seen: note.seen,
                evidence: key.evidence)
        }.sorted {
            ($0.sequence, $0.reason, $0.source, $0.evidence)
                < ($1.sequence, $1.reason, $1.source, $1.evidence)
        }
    }

    /// Of an increasing sequence: the records as a piece of one reading.
    package var run: Run? {
        guard sequence.numbering == .increasing, let first = exact.first, let last = exact.last
        else { return nil }
        return Run(
            first: first, last: last, firstTime: firstTime, lastTime: lastTime, count: records,
            previous: previous)
    }
}

extension StoredObject {
    /// What a manifest says of an object with some records.
    package init(key: String, bytes: Int64, sha256: String, _ confirmed: ConfirmedIDs) {
        self.init(
            key: key, bytes: bytes, sha256: sha256, records: confirmed.records,
            sequence: confirmed.sequence)
        ids = confirmed.held.ranges
        run = confirmed.run
        if confirmed.records > 0 {
            firstTime = confirmed.firstTime
            lastTime = confirmed.lastTime
        }
        repaired = confirmed.repaired.ranges
        gaps = confirmed.observedGaps
    }
}
