extension IDSet {
    // MARK: - Sets with sets

    /// Adds another set.
    ///
    /// Takes time in proportion to both sets' intervals, or to the other one's alone where it is
    /// behind this one or is small.
    public mutating func formUnion(_ other: IDSet) {
        if other.intervalCount <= 4 || isBefore(other) {
            for index in other.lower.indices { insert(other.lower[index]...other.upper[index]) }
            return
        }
        if isEmpty {
            self = other
            return
        }
        var union = IDSet()
        union.lower.reserveCapacity(lower.count + other.lower.count)
        union.upper.reserveCapacity(lower.count + other.lower.count)
        var (mine, theirs) = (0, 0)
        while mine < lower.count || theirs < other.lower.count {
            let isMine =
                theirs == other.lower.count
                || (mine < lower.count && lower[mine] <= other.lower[theirs])
            if isMine {
                union.append(lower[mine]...upper[mine])
                mine += 1
            } else {
                union.append(other.lower[theirs]...other.upper[theirs])
                theirs += 1
            }
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
        guard let last = upper.last, last != .max, range.lowerBound <= last + 1 else {
            if upper.last == .max { return }
            lower.append(range.lowerBound)
            upper.append(range.upperBound)
            return
        }
        upper[upper.count - 1] = max(last, range.upperBound)
    }

    /// Takes every id of a range out.
    ///
    /// - Returns: how many of them were there; `UInt64.max` also for all 2^64.
    @discardableResult
    public mutating func remove(_ range: ClosedRange<Int64>) -> UInt64 {
        let start = firstInterval(endingAtOrAfter: range.lowerBound)
        var end = start
        while end < lower.count, lower[end] <= range.upperBound { end += 1 }
        guard start < end else { return 0 }
        var removed = IDSet()
        removed.lower = Array(lower[start..<end])
        removed.upper = Array(upper[start..<end])
        removed.lower[0] = max(removed.lower[0], range.lowerBound)
        removed.upper[end - start - 1] = min(removed.upper[end - start - 1], range.upperBound)
        var kept: [ClosedRange<Int64>] = []
        if lower[start] < range.lowerBound { kept.append(lower[start]...(range.lowerBound - 1)) }
        if upper[end - 1] > range.upperBound {
            kept.append((range.upperBound + 1)...upper[end - 1])
        }
        lower.replaceSubrange(start..<end, with: kept.map(\.lowerBound))
        upper.replaceSubrange(start..<end, with: kept.map(\.upperBound))
        return removed.total
    }

    // MARK: - Holes

    /// How many holes there are between the first and the last id.
    public var holeCount: Int { max(0, lower.count - 1) }

    /// Gives each hole between the first and the last id of this set and another, taken together,
    /// to `body`, ascending, until it returns false. Neither set is copied.
    public func forEachHole(with other: IDSet, _ body: (ClosedRange<Int64>) throws -> Bool) rethrows
    {
        var (mine, theirs) = (0, 0)
        var covered: Int64?
        while mine < lower.count || theirs < other.lower.count {
            let isMine =
                theirs == other.lower.count
                || (mine < lower.count && lower[mine] <= other.lower[theirs])
            let range =
                isMine
                ? lower[mine]...upper[mine] : other.lower[theirs]...other.upper[theirs]
            if isMine { mine += 1 } else { theirs += 1 }
            if let end = covered {
                if end == .max { return }
                if range.lowerBound > end + 1 {
                    guard try body((end + 1)...(range.lowerBound - 1)) else { return }
                }
                covered = max(end, range.upperBound)
            } else {
                covered = range.upperBound
            }
        }
    }
}
