/// A set of 64-bit ids, kept as the closed intervals that it is made of.
///
/// Ids that follow each other cost one interval however many they are, so that the memory for
/// a contiguous sequence stays flat over its whole history. An id that comes late costs the same
/// however many holes there are.
public struct IDSet: Sendable, Equatable {
    /// No two intervals touch.
    @usableFromInline var intervals = IDIntervals()

    /// The empty set.
    public init() {}

    /// The union of some ranges.
    public init(_ ranges: some Sequence<ClosedRange<Int64>>) {
        for range in ranges { insert(range) }
    }

    // MARK: - Looking

    /// The intervals, ascending; there is an id missing between any two.
    public var ranges: [ClosedRange<Int64>] { intervals.pieces.joined().map(\.range) }
    /// How many intervals there are.
    public var intervalCount: Int { intervals.count }
    /// True without ids.
    public var isEmpty: Bool { intervals.count == 0 }
    /// The smallest id.
    public var first: Int64? { intervals.first?.first }
    /// The largest id.
    @inlinable public var last: Int64? { intervals.last?.last }

    /// How many ids there are; 2^64 − 1 also for all 2^64 of them.
    public var total: UInt64 {
        var total: UInt64 = 0
        for interval in intervals.pieces.joined() {
            let length = UInt64(bitPattern: interval.last &- interval.first)
            let (sum, overflow) = total.addingReportingOverflow(length)
            let (next, overflowed) = sum.addingReportingOverflow(1)
            if overflow || overflowed { return .max }
            total = next
        }
        return total
    }

    /// True when the id is in the set.
    public func contains(_ id: Int64) -> Bool {
        guard let found = firstInterval(endingAtOrAfter: id) else { return false }
        return found.first <= id
    }

    /// True when every id of the range is in the set.
    public func contains(_ range: ClosedRange<Int64>) -> Bool {
        guard let found = firstInterval(endingAtOrAfter: range.lowerBound) else { return false }
        return found.first <= range.lowerBound && found.last >= range.upperBound
    }

    /// True when any id of the range is in the set.
    public func overlaps(_ range: ClosedRange<Int64>) -> Bool {
        guard let found = firstInterval(endingAtOrAfter: range.lowerBound) else { return false }
        return found.first <= range.upperBound
    }

    /// The parts of a range that are not in the set, ascending.
    public func missing(in range: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        var missing: [ClosedRange<Int64>] = []
        var next = range.lowerBound
        var place = intervals.firstEnding(atOrAfter: next)
        while let found = intervals.take(&place), found.first <= range.upperBound {
            if found.first > next { missing.append(next...(found.first - 1)) }
            guard found.last < range.upperBound else { return missing }
            next = found.last + 1
        }
        missing.append(next...range.upperBound)
        return missing
    }

    /// The parts of a range that are in the set, ascending.
    public func covered(in range: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        var covered: [ClosedRange<Int64>] = []
        var place = intervals.firstEnding(atOrAfter: range.lowerBound)
        while let found = intervals.take(&place), found.first <= range.upperBound {
            covered.append(max(found.first, range.lowerBound)...min(found.last, range.upperBound))
        }
        return covered
    }

    /// The holes between the first and the last id, ascending.
    public var holes: [ClosedRange<Int64>] {
        var holes: [ClosedRange<Int64>] = []
        holes.reserveCapacity(holeCount)
        var place = intervals.start
        guard var last = intervals.take(&place)?.last else { return [] }
        while let next = intervals.take(&place) {
            holes.append((last + 1)...(next.first - 1))
            last = next.last
        }
        return holes
    }

    private func firstInterval(endingAtOrAfter id: Int64) -> IDIntervals.Interval? {
        // What is asked for nearly always is above all ids, or the newest one.
        guard let last = intervals.last, id <= last.last else { return nil }
        return id >= last.first ? last : intervals[intervals.firstEnding(atOrAfter: id)]
    }

    // MARK: - Adding

    /// Adds an id.
    ///
    /// - Returns: false when it was there already.
    @inlinable
    @discardableResult
    public mutating func insert(_ id: Int64) -> Bool { insert(id...id) }

    /// Adds every id of a range.
    ///
    /// - Returns: false when at least one of them was there already.
    @inlinable
    @discardableResult
    public mutating func insert(_ range: ClosedRange<Int64>) -> Bool {
        // The next id of a sequence, which is what comes nearly always.
        if let last = intervals.last?.last, range.lowerBound > last {
            if range.lowerBound == last &+ 1 {
                intervals.extendLast(to: range.upperBound)
            } else {
                intervals.append(range)
            }
            return true
        }
        return insertInside(range)
    }

    @usableFromInline
    mutating func insertInside(_ range: ClosedRange<Int64>) -> Bool {
        var (first, last) = (range.lowerBound, range.upperBound)
        var from = intervals.firstEnding(atOrAfter: first)
        var end = from
        var next = intervals[end]
        let isNew = next.map { $0.first > range.upperBound } ?? true
        while let found = next, found.first <= range.upperBound {
            first = min(first, found.first)
            last = max(last, found.last)
            end = intervals.after(end)
            next = intervals[end]
        }
        // Neighbours that touch become one interval.
        if first != .min, let place = intervals.before(from), let found = intervals[place],
            found.last == first - 1
        {
            from = place
            first = found.first
        }
        if last != .max, let found = next, found.first == last + 1 {
            last = found.last
            end = intervals.after(end)
        }
        intervals.replace(
            from, end, with: CollectionOfOne(IDIntervals.Interval(first...last)))
        return isNew
    }

    /// Drops the lowest intervals until at most `count` are left.
    ///
    /// - Returns: the highest id that was dropped; nil when none was.
    @discardableResult
    public mutating func keepLast(intervals count: Int) -> Int64? {
        guard intervalCount > count else { return nil }
        var place = intervals.start
        var dropped: Int64?
        for _ in 0..<(intervalCount - count) { dropped = intervals.take(&place)?.last }
        intervals.replace(intervals.start, place, with: [])
        return dropped
    }
}
