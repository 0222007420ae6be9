/// A set of 64-bit ids, kept as the closed intervals that it is made of.
///
/// Ids that follow each other cost one interval however many they are, so that the memory for
/// a contiguous sequence stays flat over its whole history.
public struct IDSet: Sendable, Equatable {
    /// First ids of the intervals, ascending; no two intervals touch.
    @usableFromInline var lower: [Int64] = []
    /// Last ids of the intervals.
    @usableFromInline var upper: [Int64] = []

    /// The empty set.
    public init() {}

    /// The union of some ranges.
    public init(_ ranges: some Sequence<ClosedRange<Int64>>) {
        for range in ranges { insert(range) }
    }

    // MARK: - Looking

    /// The intervals, ascending; there is an id missing between any two.
    public var ranges: [ClosedRange<Int64>] { zip(lower, upper).map { $0...$1 } }
    /// How many intervals there are.
    public var intervalCount: Int { lower.count }
    /// True without ids.
    public var isEmpty: Bool { lower.isEmpty }
    /// The smallest id.
    public var first: Int64? { lower.first }
    /// The largest id.
    @inlinable public var last: Int64? { upper.last }

    /// How many ids there are; 2^64 − 1 also for all 2^64 of them.
    public var total: UInt64 {
        var total: UInt64 = 0
        for index in lower.indices {
            let length = UInt64(bitPattern: upper[index] &- lower[index])
            let (sum, overflow) = total.addingReportingOverflow(length)
            let (next, overflowed) = sum.addingReportingOverflow(1)
            if overflow || overflowed { return .max }
            total = next
        }
        return total
    }

    /// True when the id is in the set.
    @inlinable
    public func contains(_ id: Int64) -> Bool {
        let index = firstInterval(endingAtOrAfter: id)
        return index < lower.count && lower[index] <= id
    }

    /// True when every id of the range is in the set.
    public func contains(_ range: ClosedRange<Int64>) -> Bool {
        let index = firstInterval(endingAtOrAfter: range.lowerBound)
        return index < lower.count && lower[index] <= range.lowerBound
            && upper[index] >= range.upperBound
    }

    /// True when any id of the range is in the set.
    public func overlaps(_ range: ClosedRange<Int64>) -> Bool {
        let index = firstInterval(endingAtOrAfter: range.lowerBound)
        return index < lower.count && lower[index] <= range.upperBound
    }

    /// The parts of a range that are not in the set, ascending.
    public func missing(in range: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        var missing: [ClosedRange<Int64>] = []
        var next = range.lowerBound
        var index = firstInterval(endingAtOrAfter: next)
        while index < lower.count, lower[index] <= range.upperBound {
            if lower[index] > next { missing.append(next...(lower[index] - 1)) }
            guard upper[index] < range.upperBound else { return missing }
            next = upper[index] + 1
            index += 1
        }
        missing.append(next...range.upperBound)
        return missing
    }

    /// The parts of a range that are in the set, ascending.
    public func covered(in range: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        var covered: [ClosedRange<Int64>] = []
        var index = firstInterval(endingAtOrAfter: range.lowerBound)
        while index < lower.count, lower[index] <= range.upperBound {
            covered.append(
                max(lower[index], range.lowerBound)...min(upper[index], range.upperBound))
            index += 1
        }
        return covered
    }

    /// The holes between the first and the last id, ascending.
    public var holes: [ClosedRange<Int64>] {
        lower.indices.dropFirst().map { (upper[$0 - 1] + 1)...(lower[$0] - 1) }
    }

    // MARK: - Adding

    /// Adds an id.
    ///
    /// - Returns: false when it was there already.
    @inlinable
    @discardableResult
    public mutating func insert(_ id: Int64) -> Bool {
        // The next id of a sequence, which is what comes nearly always.
        if let last = upper.last, id > last {
            if id == last &+ 1 {
                upper[upper.count - 1] = id
            } else {
                lower.append(id)
                upper.append(id)
            }
            return true
        }
        return insertInside(id...id)
    }

    /// Adds every id of a range.
    ///
    /// - Returns: false when at least one of them was there already.
    @inlinable
    @discardableResult
    public mutating func insert(_ range: ClosedRange<Int64>) -> Bool {
        if let last = upper.last, range.lowerBound > last {
            if range.lowerBound == last &+ 1 {
                upper[upper.count - 1] = range.upperBound
            } else {
                lower.append(range.lowerBound)
                upper.append(range.upperBound)
            }
            return true
        }
        return insertInside(range)
    }

    @usableFromInline
    mutating func insertInside(_ range: ClosedRange<Int64>) -> Bool {
        let start = firstInterval(endingAtOrAfter: range.lowerBound)
        var end = start
        var first = range.lowerBound
        var last = range.upperBound
        while end < lower.count, lower[end] <= range.upperBound { end += 1 }
        let isNew = start == end
        if !isNew {
            first = min(first, lower[start])
            last = max(last, upper[end - 1])
        }
        // Neighbours that touch become one interval.
        var from = start
        if from > 0, upper[from - 1] == first &- 1, first != .min {
            from -= 1
            first = lower[from]
        }
        if end < lower.count, last != .max, lower[end] == last + 1 {
            last = upper[end]
            end += 1
        }
        if end == from + 1 {
            lower[from] = first
            upper[from] = last
        } else {
            lower.replaceSubrange(from..<end, with: CollectionOfOne(first))
            upper.replaceSubrange(from..<end, with: CollectionOfOne(last))
        }
        return isNew
    }

    /// Drops the lowest intervals until at most `count` are left.
    ///
    /// - Returns: the highest id that was dropped; nil when none was.
    @discardableResult
    public mutating func keepLast(intervals count: Int) -> Int64? {
        guard lower.count > count else { return nil }
        let excess = lower.count - count
        let dropped = upper[excess - 1]
        lower.removeFirst(excess)
        upper.removeFirst(excess)
        return dropped
    }

    /// The first interval whose last id is `id` or above.
    @usableFromInline
    func firstInterval(endingAtOrAfter id: Int64) -> Int {
        var low = 0
        var high = upper.count
        while low < high {
            let middle = (low + high) / 2
            if upper[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
