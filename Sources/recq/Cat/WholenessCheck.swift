import Encoding
import Identity
import Records
import Stage

/// Finds out whether the records of a selection have holes among them.
struct WholenessCheck {
    private var ids: [SequenceID: IDSet] = [:]
    /// Ids that gap records say will never come.
    private var declared: [SequenceID: IDSet] = [:]
    private var current: SequenceID?
    private var currentIDs = IDSet()
    private(set) var records = 0

    mutating func add(_ frame: borrowing FrameView) {
        records += 1
        if frame.kind == .gap {
            if let sequence = frame.missingSequence, let gap = frame.declaredGap {
                declared[sequence, default: IDSet()].insert(gap)
            }
            return
        }
        guard frame.numbering == .contiguous else { return }
        let sequence = frame.sequence
        if sequence != current {
            close()
            current = sequence
            currentIDs = ids.removeValue(forKey: sequence) ?? IDSet()
        }
        currentIDs.insert(frame.occupiedIDs)
    }

    private mutating func close() {
        if let current { ids[current] = currentIDs }
        current = nil
        currentIDs = IDSet()
    }

    /// What is missing, in words; nil when nothing is.
    ///
    /// - Parameter selected: ids at which the range has to begin and to end, where it has such.
    mutating func problem(_ selected: SelectedRecords) -> String? {
        close()
        guard records > 0 else { return "no records match" }
        for (sequence, held) in ids.sorted(by: { $0.key < $1.key }) {
            var known = held
            for range in declared[sequence]?.ranges ?? [] { known.insert(range) }
            guard let first = held.first, let last = held.last else { continue }
            let begin = selected.firstID == .min ? first : selected.firstID
            let end = selected.lastID == .max ? last : selected.lastID
            guard begin <= end else { continue }
            let missing = known.missing(in: begin...end)
            guard let hole = missing.first else { continue }
            let ids =
                hole.lowerBound == hole.upperBound
                ? "id \(hole.lowerBound)" : "ids \(hole.lowerBound) to \(hole.upperBound)"
            let more =
                missing.count > 1 ? ", and \(Spoken.count(missing.count - 1, "more range"))" : ""
            return "\(sequence.title) has a hole: \(ids)\(more)"
        }
        return nil
    }
}
