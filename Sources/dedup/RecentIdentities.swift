import Identity

/// The last so many exact identities of a sequence whose ids only grow.
///
/// Nearly all are one id, and are kept as such; gap records, and ids that are far from all others,
/// are kept apart.
struct RecentIdentities {
    private struct Wide: Hashable {
        let first: Int64
        let last: Int64
        /// Of a gap record its reason, which may be "unknown"; nil of others.
        let reason: UInt8?
    }

    private let capacity: Int
    private var ids: GrowingIDs
    private var ring: [Wide] = []
    private var next = 0
    private var known: Set<Wide> = []

    init(capacity: Int) {
        self.capacity = capacity
        ids = GrowingIDs(capacity: capacity)
    }

    /// Notes an identity.
    ///
    /// - Returns: false when it is among the last ones already.
    mutating func insert(_ range: ClosedRange<Int64>, _ reason: UInt8?) -> Bool {
        let identity = Wide(first: range.lowerBound, last: range.upperBound, reason: reason)
        // It may have been far from the others once.
        if !known.isEmpty, known.contains(identity) { return false }
        if reason == nil, range.lowerBound == range.upperBound {
            switch ids.insert(range.lowerBound) {
            case .new: return true
            case .known: return false
            case .far: break
            }
        }
        known.insert(identity)
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
