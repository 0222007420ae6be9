/// Where the bits of each page are: a hash table of whole numbers, since Swift's dictionaries take
/// five times as long for a key that is one.
struct PageTable: Sendable {
    /// Keys and values in turns; a value below zero is a free slot.
    private var slots: [(key: Int64, value: Int)] = []
    private var mask = -1
    /// Keys that there are.
    private(set) var count = 0
    /// Another one each time, so that no input can choose ids that share a slot.
    private let seed = UInt64.random(in: 0 ... .max) | 1

    /// True without keys.
    var isEmpty: Bool { count == 0 }
    /// The keys, in no order.
    var keys: [Int64] { slots.filter { $0.value >= 0 }.map(\.key) }

    /// The value of a key.
    subscript(_ key: Int64) -> Int? {
        if count == 0 { return nil }
        var slot = home(key)
        while slots[slot].value >= 0 {
            if slots[slot].key == key { return slots[slot].value }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds a key that is not there.
    mutating func insert(_ key: Int64, _ value: Int) {
        if (count + 1) * 2 > slots.count { grow() }
        var slot = home(key)
        while slots[slot].value >= 0 { slot = (slot + 1) & mask }
        slots[slot] = (key, value)
        count += 1
    }

    /// Removes a key.
    ///
    /// - Returns: its value.
    mutating func remove(_ key: Int64) -> Int? {
        guard let value = self[key] else { return nil }
        var hole = home(key)
        while slots[hole].key != key || slots[hole].value < 0 { hole = (hole + 1) & mask }
        // Those behind it move up, unless that would put them before their own place.
        var next = (hole + 1) & mask
        while slots[next].value >= 0 {
            if (next &- home(slots[next].key)) & mask >= (next &- hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole].value = -1
        count -= 1
        return value
    }

    private func home(_ key: Int64) -> Int {
        // The upper half of a product depends on every bit of the key.
        let (high, low) = UInt64(bitPattern: key).multipliedFullWidth(by: seed)
        return Int(truncatingIfNeeded: ((high ^ low) &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: (0, -1), count: max(16, old.count * 2))
        mask = slots.count - 1
        count = 0
        for slot in old where slot.value >= 0 { insert(slot.key, slot.value) }
    }
}
