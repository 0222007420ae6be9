public import Posix

/// Where a merge's records go: a buffer that its owner empties, and the decision whether records are
/// kept. What was left out is remembered by stream, so that the merge can declare it when records
/// are kept again.
public struct MergeOutput: ~Copyable {
    /// Records that are ready, oldest first; the owner takes them away.
    public var bytes = Bytes(capacity: 512 << 10)
    /// False while records are left out because their reader is too slow.
    public internal(set) var isKeeping = true
    /// Records that went in so far, gaps and snapshots included.
    public internal(set) var records = 0
    /// Records that were left out so far.
    public internal(set) var leftOut = 0
    /// By place in the merge: the first id that was left out, `Int64.min` for none.
    private var leftOutFrom: [Int64] = []

    /// An empty one.
    public init() {}

    /// Leaves records out from now on; ``StreamMerge/keepAgain(in:at:)`` ends it.
    public mutating func leaveOut() { isKeeping = false }

    /// Counts a record that goes on.
    ///
    /// - Returns: false when it is left out: it is not to be written then.
    @inline(__always)
    mutating func accept() -> Bool {
        guard isKeeping else {
            leftOut += 1
            return false
        }
        records += 1
        return true
    }

    /// Notes that a record is left out.
    ///
    /// - Parameter first: its id, for a stream whose ids are declared.
    mutating func leaveOut(_ place: Int, from first: Int64) {
        leftOut += 1
        noteLeftOut(place, from: first)
    }

    /// Notes that ids are left out. Records that waited may have lower ones than those that were
    /// left out first.
    mutating func noteLeftOut(_ place: Int, from first: Int64) {
        while leftOutFrom.count <= place { leftOutFrom.append(.min) }
        let known = leftOutFrom[place]
        leftOutFrom[place] = known == .min ? first : min(known, first)
    }

    /// What was left out, by place; forgotten with this call.
    mutating func takeLeftOut() -> [(place: Int, first: Int64)] {
        defer { leftOutFrom = [] }
        return leftOutFrom.indices.filter { leftOutFrom[$0] != .min }.map {
            ($0, leftOutFrom[$0])
        }
    }
}
