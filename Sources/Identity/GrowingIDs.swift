/// The ids of a sequence that came last, each by itself, for kinds whose ids nearly always grow.
///
/// An id above all others is new, which takes one comparison, and is appended to a ring that so stays
/// in order: whether an id came again is found by a search from the newest on, since copies follow
/// close behind. Only ids that come late are in a hash table (``IDRing``). 65 536 ids take 256 KiB, and
/// 683 KiB more when as many have come late.
public struct GrowingIDs: Sendable {
    private let capacity: Int
    /// What the ids of the ring are counted from, so that 32 bits do for each.
    private var base: Int64 = 0
    /// Distances from the base, ascending from `start` on and around.
    private var ring: [UInt32] = []
    private var start = 0
    /// The newest id of the ring.
    private var newest: Int64 = 0
    private var late: IDRing
    /// What came late before the ring was emptied; nil once the ring is full again.
    private var previous: IDRing?
    /// The highest id of both.
    private var highestLate: Int64 = .min
    /// New ids since the last one that was appended to the ring.
    private var others = 0

    /// Remembers none yet.
    ///
    /// - Parameter capacity: ids that are remembered at least.
    public init(capacity: Int) {
        self.capacity = max(1, capacity)
        late = IDRing(capacity: capacity)
    }

    /// Remembers an id, and forgets old ones above the capacity.
    public mutating func insert(_ id: Int64) -> IDRing.Outcome {
        if ring.isEmpty || id > newest {
            if id <= highestLate, cameLate(id) { return .known }
            if append(id) { return .new }
            noteOther()
            return .far
        }
        if contains(id) || previous?.contains(id) == true { return .known }
        // One wild id must not be what late ones are counted from.
        let outcome = isNear(id) ? late.insert(id) : late.contains(id) ? .known : .far
        if outcome == .known { return .known }
        if outcome == .new { highestLate = max(highestLate, id) }
        noteOther()
        return outcome
    }

    private func isNear(_ id: Int64) -> Bool {
        let (distance, overflow) = newest.subtractingReportingOverflow(id)
        return !overflow && distance < 1 << 31
    }

    private func cameLate(_ id: Int64) -> Bool {
        late.contains(id) || previous?.contains(id) == true
    }

    /// When as many new ids as are remembered did not follow those of the ring, the numbering began
    /// again, and the ring has nothing that is still to be known.
    private mutating func noteOther() {
        others += 1
        guard others >= capacity else { return }
        ring.removeAll()
        start = 0
        others = 0
        previous = late
        late = IDRing(capacity: capacity)
        highestLate = previous?.highest ?? .min
    }

    // MARK: - The ring

    /// - Returns: false, and nothing changed, for an id that is too far from those that are there.
    private mutating func append(_ id: Int64) -> Bool {
        if ring.isEmpty { base = id }
        guard let value = distance(id) ?? distanceFromOldest(id) else { return false }
        if ring.count < capacity {
            ring.append(value)
        } else {
            ring[start] = value
            start = start + 1 == capacity ? 0 : start + 1
        }
        newest = id
        others = 0
        if previous != nil, ring.count == capacity { dropPrevious() }
        return true
    }

    private func distance(_ id: Int64) -> UInt32? {
        let (distance, overflow) = id.subtractingReportingOverflow(base)
        guard !overflow, distance >= 0, distance <= Int64(UInt32.max) else { return nil }
        return UInt32(distance)
    }

    /// Counts from the oldest id on, if that makes room for at least as many ids again as it takes
    /// time to change them all.
    private mutating func distanceFromOldest(_ id: Int64) -> UInt32? {
        let oldest = ring[start]
        guard oldest >= UInt32.max / 2 else { return nil }
        base += Int64(oldest)
        guard let value = distance(id) else {
            base -= Int64(oldest)
            return nil
        }
        for index in ring.indices { ring[index] -= oldest }
        return value
    }

    private func contains(_ id: Int64) -> Bool {
        guard let value = distance(id) else { return false }
        // Twice as far from the newest with each step, then by halves.
        var width = 1
        while width < ring.count, at(ring.count - width) > value { width *= 2 }
        var (low, high) = (max(0, ring.count - width), ring.count - width / 2)
        while low < high {
            let middle = (low + high) / 2
            if at(middle) < value { low = middle + 1 } else { high = middle }
        }
        return low < ring.count && at(low) == value
    }

    /// The distance of the one that came so many after the oldest.
    private func at(_ index: Int) -> UInt32 {
        let place = start + index
        return ring[place < ring.count ? place : place - ring.count]
    }

    private mutating func dropPrevious() {
        previous = nil
        highestLate = late.highest ?? .min
    }
}
