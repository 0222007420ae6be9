/// Exact ids of one sequence, mostly ascending: four bytes each.
///
/// For sequences whose ids only grow nothing follows from an id for the ids around it, so that an
/// interval set would cost sixteen bytes for each.
public struct CompactIDs: Sendable {
    /// What the offsets count from.
    private var base: Int64 = 0
    /// Ascending.
    private var offsets: [UInt32] = []
    /// Ids that came late, or are too far from the base; ascending.
    private var others: [Int64] = []

    /// No ids.
    public init() {}

    /// How many there are.
    public var count: Int { offsets.count + others.count }
    /// True without ids.
    public var isEmpty: Bool { offsets.isEmpty && others.isEmpty }

    /// The smallest id; nil without ids.
    public var first: Int64? {
        [offsets.first.map { base &+ Int64($0) }, others.first].compactMap { $0 }.min()
    }

    /// The largest id; nil without ids.
    public var last: Int64? {
        [offsets.last.map { base &+ Int64($0) }, others.last].compactMap { $0 }.max()
    }

    /// True when the id is there.
    public func contains(_ id: Int64) -> Bool {
        let (distance, overflow) = id.subtractingReportingOverflow(base)
        if !overflow, let offset = UInt32(exactly: distance) {
            let index = Self.place(of: offset, in: offsets)
            if index < offsets.count, offsets[index] == offset { return true }
        }
        guard !others.isEmpty else { return false }
        let index = Self.place(of: id, in: others)
        return index < others.count && others[index] == id
    }

    /// Adds an id.
    ///
    /// - Returns: false when it was there already.
    @discardableResult
    public mutating func insert(_ id: Int64) -> Bool {
        if offsets.isEmpty { base = id }
        let (distance, overflow) = id.subtractingReportingOverflow(base)
        // What nearly always comes: an id beyond all others.
        if !overflow, let offset = UInt32(exactly: distance),
            offsets.last.map({ $0 < offset }) ?? true
        {
            if !others.isEmpty, contains(id) { return false }
            offsets.append(offset)
            return true
        }
        if contains(id) { return false }
        others.insert(id, at: Self.place(of: id, in: others))
        return true
    }

    /// The largest ids, ascending.
    public func suffix(_ count: Int) -> [Int64] {
        var ids = offsets.suffix(count).map { base &+ Int64($0) }
        guard !others.isEmpty else { return ids }
        ids.append(contentsOf: others.suffix(count))
        ids.sort()
        return ids.suffix(count)
    }

    /// Gives each id to `body`, in no order.
    public func forEach(_ body: (Int64) -> Void) {
        for offset in offsets { body(base &+ Int64(offset)) }
        for id in others { body(id) }
    }

    /// The first place whose value is not less.
    private static func place<Value: Comparable>(of value: Value, in values: [Value]) -> Int {
        var low = 0
        var high = values.count
        while low < high {
            let middle = (low + high) / 2
            if values[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
