/// The ids of a sequence that came last, each by itself, for kinds whose ids only grow: whether an
/// id is among them is one look-up.
///
/// An id is kept as its distance from a base that it shares with the others, in 32 bits: once in
/// the order of arrival, and once in a hash table that is three fifths full; 65 536 of them are 683 KiB.
public struct IDRing: Sendable {
    /// What became of an id.
    public enum Outcome: Sendable {
        /// It was not there, and is now.
        case new
        /// It was there.
        case known
        /// It is too far from the others to be kept with them.
        case far
    }

    private let capacity: Int
    private var base: Int64 = 0
    private var ring: [UInt32] = []
    private var next = 0
    /// Distances, above zero; zero is a free slot.
    private var slots: [UInt32] = []
    /// Ids that came since the base was chosen.
    private var sinceBase = 0
    private let seed = UInt32.random(in: 0 ... .max) | 1

    /// Remembers none yet.
    public init(capacity: Int) { self.capacity = max(1, capacity) }

    /// How many there are.
    public var count: Int { ring.count }

    /// The highest of them; nil without any.
    var highest: Int64? { ring.max().map { base + Int64($0) } }

    /// True when the id is among them.
    func contains(_ id: Int64) -> Bool {
        guard !ring.isEmpty, let value = distance(id) else { return false }
        var slot = Self.home(value, slots.count, seed)
        while slots[slot] != 0 {
            if slots[slot] == value { return true }
            slot = slot + 1 == slots.count ? 0 : slot + 1
        }
        return false
    }

    /// Remembers an id, and forgets the oldest one above the capacity.
    public mutating func insert(_ id: Int64) -> Outcome {
        if ring.isEmpty { base = id.subtractingReportingOverflow(1 << 31).partialValue }
        guard let value = distance(id) ?? distanceFromNewBase(id) else { return .far }
        if (ring.count + 1) * 5 > slots.count * 3, ring.count < capacity { grow() }
        guard Self.insert(value, into: &slots, seed) else { return .known }
        sinceBase += 1
        if ring.count < capacity {
            ring.append(value)
            return .new
        }
        Self.remove(ring[next], from: &slots, seed)
        ring[next] = value
        next = next + 1 == capacity ? 0 : next + 1
        return .new
    }

    // MARK: - Distances

    private func distance(_ id: Int64) -> UInt32? {
        let (distance, overflow) = id.subtractingReportingOverflow(base)
        guard !overflow, distance > 0, distance <= Int64(UInt32.max) else { return nil }
        return UInt32(distance)
    }

    /// Moves the base so that an id fits with the others, if it can; not for each of many that do not.
    private mutating func distanceFromNewBase(_ id: Int64) -> UInt32? {
        guard sinceBase >= ring.count, let least = ring.min(), let most = ring.max() else {
            return nil
        }
        sinceBase = 0
        let (lowest, highest) = (min(base + Int64(least), id), max(base + Int64(most), id))
        let (width, overflow) = highest.subtractingReportingOverflow(lowest)
        guard !overflow, width < Int64(UInt32.max) - 1 else { return nil }
        let (centred, isBelow) = lowest.subtractingReportingOverflow(
            (Int64(UInt32.max) - width) / 2)
        guard !isBelow else { return nil }
        let old = base
        base = centred
        for index in ring.indices { ring[index] = UInt32(old + Int64(ring[index]) - base) }
        fillSlots(slots.count)
        return distance(id)
    }

    // MARK: - Slots

    private mutating func grow() {
        let most = capacity * 5 / 3 + 2
        fillSlots(min(most, max(32, slots.count * 2)))
    }

    private mutating func fillSlots(_ count: Int) {
        slots = Array(repeating: 0, count: count)
        for value in ring { _ = Self.insert(value, into: &slots, seed) }
    }

    private static func home(_ value: UInt32, _ count: Int, _ seed: UInt32) -> Int {
        let mixed = value &* seed
        let hash = (mixed ^ (mixed >> 15)) &* 0x9E37_79B1
        return Int((UInt64(hash) &* UInt64(count)) >> 32)
    }

    private static func insert(_ value: UInt32, into slots: inout [UInt32], _ seed: UInt32) -> Bool
    {
        unsafe slots.withUnsafeMutableBufferPointer { slots in
            var slot = home(value, slots.count, seed)
            while unsafe slots[slot] != 0 {
                if unsafe slots[slot] == value { return false }
                slot += 1
                if slot == slots.count { slot = 0 }
            }
            unsafe slots[slot] = value
            return true
        }
    }

    private static func remove(_ value: UInt32, from slots: inout [UInt32], _ seed: UInt32) {
        unsafe slots.withUnsafeMutableBufferPointer { slots in
            let count = slots.count
            var hole = home(value, count, seed)
            while unsafe slots[hole] != value { hole = hole + 1 == count ? 0 : hole + 1 }
            // Those behind it move up, unless that would put them before their own place.
            var next = hole + 1 == count ? 0 : hole + 1
            while unsafe slots[next] != 0 {
                let start = unsafe home(slots[next], count, seed)
                let fromHome = next - start + (next < start ? count : 0)
                let fromHole = next - hole + (next < hole ? count : 0)
                if fromHome >= fromHole {
                    unsafe slots[hole] = slots[next]
                    hole = next
                }
                next = next + 1 == count ? 0 : next + 1
            }
            unsafe slots[hole] = 0
        }
    }
}
