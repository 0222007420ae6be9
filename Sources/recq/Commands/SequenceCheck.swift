import Identity

/// What came of one sequence, in the order in which it came.
///
/// A record costs the same however many came before: ids that follow are appended to a set, those
/// that come late are put aside and sorted at the end.
struct SequenceCheck {
    let sequence: SequenceID
    /// True for gap records, whose ids are those of other sequences.
    let isUncounted: Bool
    private(set) var records = 0
    /// Ids of records above all that came before.
    private var ahead = IDSet()
    /// Ids of the others.
    private var behind: [ClosedRange<Int64>] = []

    init(_ sequence: SequenceID) {
        self.sequence = sequence
        isUncounted = sequence.kind == .gap
    }

    mutating func add(_ ids: ClosedRange<Int64>) {
        records += 1
        if isUncounted { return }
        if let last = ahead.last, ids.lowerBound <= last {
            behind.append(ids)
            // The ids above the last one that came follow it.
            if ids.upperBound > last { ahead.insert((last + 1)...ids.upperBound) }
        } else {
            ahead.insert(ids)
        }
    }

    /// What was wrong.
    struct Result {
        /// Records whose ids had all come.
        var duplicates = 0
        /// Records with ids below the highest that came before, at least one of them new.
        var disordered = 0
        /// Ranges of ids that did not come; 0 where nothing is known of ids between two records.
        var holes = 0
    }

    /// Counts; after that nothing may be added.
    consuming func result() -> Result {
        var result = Result()
        behind.sort { ($0.lowerBound, $1.upperBound) < ($1.lowerBound, $0.upperBound) }
        // What came late, as sorted ranges that do not touch, and whether a record adds to it.
        var late: [ClosedRange<Int64>] = []
        for ids in behind {
            let isKnown = late.last.map {
                $0.contains(ids.lowerBound) && $0.upperBound >= ids.upperBound
            }
            if isKnown == true || ahead.contains(ids) {
                result.duplicates += 1
            } else {
                result.disordered += 1
            }
            if let last = late.last,
                last.upperBound == .max || ids.lowerBound <= last.upperBound + 1
            {
                late[late.count - 1] = last.lowerBound...max(last.upperBound, ids.upperBound)
            } else {
                late.append(ids)
            }
        }
        if sequence.numbering == .contiguous { result.holes = holes(late) }
        return result
    }

    /// Ranges that are neither ahead nor late, between the first and the last id.
    private func holes(_ late: [ClosedRange<Int64>]) -> Int {
        guard !late.isEmpty else { return max(0, ahead.intervalCount - 1) }
        var holes = 0
        var end: Int64?
        let ranges = ahead.ranges
        var (one, other) = (0, 0)
        while one < ranges.count || other < late.count {
            let range: ClosedRange<Int64>
            if other == late.count
                || one < ranges.count && ranges[one].lowerBound <= late[other].lowerBound
            {
                range = ranges[one]
                one += 1
            } else {
                range = late[other]
                other += 1
            }
            if let reached = end {
                if reached != .max && range.lowerBound > reached + 1 { holes += 1 }
                end = max(reached, range.upperBound)
            } else {
                end = range.upperBound
            }
        }
        return holes
    }
}
