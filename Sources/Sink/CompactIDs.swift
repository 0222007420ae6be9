import Identity

/// Exact ids of one sequence, mostly ascending: one to three bytes each.
///
/// For sequences whose ids only grow nothing follows from an id for the ids around it, so that an
/// interval set would cost sixteen bytes for each. None is forgotten.
public struct CompactIDs: Sendable, Equatable {
    private var steps = RecentIDs(capacity: .max)

    /// No ids.
    public init() {}

    /// How many there are.
    public var count: Int { steps.count }
    /// True without ids.
    public var isEmpty: Bool { steps.isEmpty }
    /// The smallest id; nil without ids.
    public var first: Int64? { steps.first }
    /// The largest id; nil without ids.
    public var last: Int64? { steps.last }

    /// True when the id is there.
    public func contains(_ id: Int64) -> Bool { steps.contains(id) }

    /// Adds an id.
    ///
    /// - Returns: false when it was there already.
    @discardableResult
    public mutating func insert(_ id: Int64) -> Bool { steps.insert(id) }

    /// The largest ids, ascending.
    public func suffix(_ count: Int) -> [Int64] { steps.suffix(count) }

    /// The same without its smallest ids, in as little memory as those take that are left.
    ///
    /// - Parameter most: of so many largest ids none is left out, and few more stay.
    public func trimmed(toAtLeast most: Int) -> CompactIDs {
        var trimmed = self
        trimmed.steps.keepLargest(most)
        return trimmed
    }

    /// Gives each id to `body`.
    public func forEach(_ body: (Int64) -> Void) { steps.forEach(body) }

    /// True when both have the same ids, in whatever order these came.
    public static func == (one: Self, other: Self) -> Bool {
        one.count == other.count && one.suffix(one.count) == other.suffix(other.count)
    }
}
