public import Identity

/// What came of one stream of one symbol, and so what a copy of a record is worth.
public struct StreamSequence: Sendable {
    /// What is to be done with a record.
    public enum Verdict: Sendable {
        /// It is the next one.
        case next
        /// It came before, or a newer one did.
        case known
        /// It was given up before, and comes after all.
        case late
        /// Ids before it are missing.
        case ahead
    }

    /// Which stream.
    public let subscription: StreamPlan.Subscription
    /// Its records' sequence.
    public let id: SequenceID
    let isContiguous: Bool
    /// The highest id that went on; `Int64.min` before the first.
    public internal(set) var last = Int64.min
    /// Records that came for the first time.
    public internal(set) var fresh = 0
    /// Connections of the group that were lost before the last record came.
    var losses: UInt32 = 0
    /// Of the last record that came long after all news had ended and is below ``last``: its id;
    /// `Int64.min` for none. The venue's ids may have begun again.
    public internal(set) var idBehind = Int64.min
    /// When the first record below ``last`` came since the last news, ns, and ``fresh`` then.
    var behindSince: (time: Int64, fresh: Int) = (0, -1)
    /// The venue's time of the last kline that was not over and went on, µs.
    var previewed = Int64.min
    /// Ids below ``last`` that were declared missing.
    var missing = MissingIDs()
    /// The last id of messages that are implausibly far ahead, and how many continued each other.
    private var jump: (last: Int64, count: Int) = (.min, 0)

    init(_ subscription: StreamPlan.Subscription) {
        self.subscription = subscription
        id = subscription.kind.sequence(of: subscription.symbol)
        isContiguous = subscription.kind.isContiguous
    }

    /// True once a record came.
    public var hasBegun: Bool { last != .min }

    /// Checks the ids of a message: ids that are implausibly far ahead are refused, until a run of
    /// such messages that continues itself says where the venue's numbering is now.
    mutating func check(
        _ first: Int64, _ final: Int64, _ rules: StreamMerge.Rules
    ) throws(StreamError) {
        guard first >= 0, final < .max else {
            throw StreamError(.value, "id \(first < 0 ? first : final) is not valid")
        }
        guard first <= final else {
            throw StreamError(.value, "first update id \(first) is above the last, \(final)")
        }
        guard final - first < rules.plausibleIDs.width else {
            throw StreamError(
                .implausible, "one message spans the \(final - first + 1) ids from \(first) on")
        }
        guard last != .min, final &- last > rules.plausibleIDs.jump else { return }
        let continues = jump.count > 0 && final > jump.last && first &- jump.last < 1_000_000
        jump = (final, continues ? jump.count + 1 : 1)
        guard jump.count >= rules.jumpConfirmations else {
            throw StreamError(.implausible, "id \(final) follows id \(last)")
        }
        jump = (.min, 0)
    }

    /// Judges a record by its ids, and takes note of it unless it is ahead.
    mutating func take(_ first: Int64, _ final: Int64) -> Verdict {
        // The common case: the ids that follow.
        if first == last &+ 1 || !isContiguous && final > last {
            last = final
            return .next
        }
        return takeOther(first, final)
    }

    mutating func takeOther(_ first: Int64, _ final: Int64) -> Verdict {
        guard hasBegun else {
            last = final
            return .next
        }
        guard final > last else {
            // A change of the book that is behind it can no more be applied.
            let isWanted = subscription.kind != .depth && missing.take(first)
            return isWanted ? .late : .known
        }
        guard first <= last else { return .ahead }
        // The venue's rule for the book: what overlaps is applied.
        last = final
        return .next
    }

    /// Gives the ids before a record up, and takes it.
    ///
    /// - Returns: what is missing.
    mutating func skip(to first: Int64, _ final: Int64) -> ClosedRange<Int64> {
        let hole = (last + 1)...(first - 1)
        missing.insert(hole)
        last = final
        return hole
    }
}

/// Ids that were given up, so that one that comes after all is known for what it is.
struct MissingIDs: Sendable {
    /// Holes that are remembered: older ones are rather filled by a repair.
    static let capacity = 64

    private(set) var ranges: [ClosedRange<Int64>] = []

    /// Remembers a hole above all others.
    mutating func insert(_ hole: ClosedRange<Int64>) {
        // Taking an id out of the middle of a hole may have made one too many.
        if ranges.count >= Self.capacity {
            ranges.removeFirst(ranges.count - Self.capacity + 1)
        }
        ranges.append(hole)
    }

    /// Takes an id out.
    ///
    /// - Returns: false when it was not missing.
    mutating func take(_ id: Int64) -> Bool {
        guard let index = ranges.lastIndex(where: { $0.contains(id) }) else { return false }
        let hole = ranges.remove(at: index)
        if id < hole.upperBound { ranges.insert((id + 1)...hole.upperBound, at: index) }
        if id > hole.lowerBound { ranges.insert(hole.lowerBound...(id - 1), at: index) }
        return true
    }
}
