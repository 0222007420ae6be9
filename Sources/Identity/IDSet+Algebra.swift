extension IDSet {
    // MARK: - Sets with sets

    /// Adds another set.
    ///
    /// Takes time in proportion to both sets' intervals, or to the other one's alone where it is
    /// behind this one or is small.
    public mutating func formUnion(_ other: IDSet) {
        if other.intervalCount <= 4 || isBefore(other) {
            for range in other.ranges { insert(range) }
            return
        }
        if isEmpty {
            self = other
            return
        }
        var union = IDSet()
        forEachInterval(with: other) { range in
            union.append(range)
            return true
        }
        self = union
    }

    /// True when all of another set is above this one.
    private func isBefore(_ other: IDSet) -> Bool {
        guard let last, let first = other.first else { return true }
        return first > last
    }

    /// Adds a range that begins at or above the first id of the last interval.
    private mutating func append(_ range: ClosedRange<Int64>) {
        guard let last = intervals.last?.last,
            last >= range.lowerBound || last + 1 == range.lowerBound
        else { return intervals.append(range) }
        intervals.extendLast(to: max(last, range.upperBound))
    }

    /// Gives the intervals of both sets to `body`, by their first ids, until it returns false.
    private func forEachInterval(
        with other: IDSet, _ body: (ClosedRange<Int64>) throws -> Bool
    ) rethrows {
        var (mine, theirs) = (intervals.start, other.intervals.start)
        while true {
            let (one, two) = (intervals[mine], other.intervals[theirs])
            if let one, one.first <= two?.first ?? .max {
                mine = intervals.after(mine)
                guard try body(one.range) else { return }
            } else if let two {
                theirs = other.intervals.after(theirs)
                guard try body(two.range) else { return }
            } else {
                return
            }
        }
    }

    /// Takes every id of a range out.
    ///
    /// - Returns: how many of them were there; `UInt64.max` also for all 2^64.
    @discardableResult
    public mutating func remove(_ range: ClosedRange<Int64>) -> UInt64 {
        let removed = IDSet(covered(in: range))
        guard let first = removed.first, let last = removed.last else { return 0 }
        let start = intervals.firstEnding(atOrAfter: first)
        let final = intervals.firstEnding(atOrAfter: last)
        var kept: [IDIntervals.Interval] = []
        if let found = intervals[start], found.first < first {
            kept.append(IDIntervals.Interval(found.first...(first - 1)))
        }
        if let found = intervals[final], found.last > last {
            kept.append(IDIntervals.Interval((last + 1)...found.last))
        }
        intervals.replace(start, intervals.after(final), with: kept)
        return removed.total
    }

    // MARK: - Holes

    /// How many holes there are between the first and the last id.
    public var holeCount: Int { max(0, intervalCount - 1) }

    /// Gives each hole between the first and the last id of this set and another, taken together,
    /// to `body`, ascending, until it returns false. Neither set is copied.
    public func forEachHole(with other: IDSet, _ body: (ClosedRange<Int64>) throws -> Bool) rethrows
    {
        var covered: Int64?
        try forEachInterval(with: other) { range in
            guard let end = covered else {
                covered = range.upperBound
                return true
            }
            if end == .max { return false }
            if range.lowerBound > end + 1 {
                guard try body((end + 1)...(range.lowerBound - 1)) else { return false }
            }
            covered = max(end, range.upperBound)
            return true
        }
    }
}
