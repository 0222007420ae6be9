import Identity
import Ledger
import Records
import Sink
import Stage

/// What is confirmed, and what is refused because of it.
///
/// Records are booked in the order of their keys. A run of ids is one range; of sequences whose
/// ids have holes by nature, what lies between one record and the next never comes, so that one
/// range covers both.
struct ConfirmedIDs: ~Copyable {
    private var ledger: Ledger
    private var holdings = Holdings()
    /// Ids that are confirmed and not yet in the ledger.
    private var run: (sequence: SequenceID, ids: ClosedRange<Int64>)?
    /// The last record confirmed in this run, of sequences with holes.
    private var lastSparse: [SequenceID: Int64] = [:]
    /// Ids of those records that are not in the ledger yet.
    private var observed: [SequenceID: [Int64]] = [:]
    private var isEmpty = true
    /// Sequences of which the figures do not tell the latest yet.
    private var changed: Set<SequenceID>

    init(ledger: consuming Ledger) {
        changed = Set(ledger.sequences)
        self.ledger = ledger
    }

    /// Notes a record that came in.
    ///
    /// - Returns: false when it is held already.
    mutating func accept(_ frame: borrowing FrameView) -> Bool { holdings.take(frame, ledger) }

    /// Notes a record that the service confirmed.
    mutating func confirm(_ frame: borrowing FrameView) {
        if let missing = frame.missingSequence {
            guard let gap = frame.declaredGap else { return }
            ledger.add(missing, declared: [gap])
            changed.insert(missing)
            isEmpty = false
            return
        }
        let sequence = frame.sequence
        var ids = frame.occupiedIDs
        switch frame.numbering {
        case .arrival, .none: return
        case .increasing:
            if let last = lastSparse[sequence], last <= ids.lowerBound {
                ids = last...ids.upperBound
            }
            lastSparse[sequence] = ids.upperBound
            observed[sequence, default: []].append(frame.firstID)
        case .contiguous: break
        }
        isEmpty = false
        if let current = run, current.sequence == sequence,
            ids.lowerBound <= current.ids.upperBound &+ 1, ids.lowerBound >= current.ids.lowerBound
        {
            run?.ids = current.ids.lowerBound...max(current.ids.upperBound, ids.upperBound)
        } else {
            closeRun()
            run = (sequence, ids)
        }
    }

    /// Hands what was confirmed to the system, so that the end of this process does not undo it.
    mutating func write() throws(LedgerError) {
        guard !isEmpty else { return }
        closeRun()
        for (sequence, ids) in observed { ledger.note(sequence, recent: ids) }
        observed.removeAll(keepingCapacity: true)
        try ledger.write()
        isEmpty = true
    }

    /// Makes what was confirmed durable.
    mutating func sync() throws(LedgerError) {
        try write()
        try ledger.sync()
    }

    /// Tells what is held of the sequences that have changed.
    mutating func noteCoverage(in figures: inout CoverageFigures) {
        for key in changed {
            if let coverage = ledger.coverage(of: key) { figures.note(coverage, of: key) }
        }
        changed.removeAll(keepingCapacity: true)
    }

    private mutating func closeRun() {
        guard let run else { return }
        changed.insert(run.sequence)
        ledger.add(run.sequence, held: [run.ids])
        self.run = nil
    }
}
