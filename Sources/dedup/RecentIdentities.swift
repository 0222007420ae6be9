/// The last so many exact identities of a sequence whose ids only grow.
struct RecentIdentities {
    struct Identity: Hashable {
        let first: Int64
        let last: Int64
        /// Of a gap record its reason; of others 0.
        let reason: UInt8
    }

    private let capacity: Int
    private var ring: [Identity] = []
    private var next = 0
    private var known: Set<Identity> = []

    init(capacity: Int) { self.capacity = capacity }

    /// Notes an identity.
    ///
    /// - Returns: false when it is among the last ones already.
    mutating func insert(_ ids: ClosedRange<Int64>, _ reason: UInt8) -> Bool {
        let identity = Identity(first: ids.lowerBound, last: ids.upperBound, reason: reason)
        guard known.insert(identity).inserted else { return false }
        if ring.count < capacity {
            ring.append(identity)
        } else {
            known.remove(ring[next])
            ring[next] = identity
            next = (next + 1) % capacity
        }
        return true
    }
}
