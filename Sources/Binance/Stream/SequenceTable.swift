import Identity
import Records

/// Finds a stream's place by symbol and template: open addressing, since a `Dictionary` hashes so
/// thoroughly that it would be felt in each message.
struct SequenceTable: Sendable {
    /// Place + 1; 0 for a free slot. Never more than half full.
    var slots: [Int32]
    var keys: [SequenceID] = []

    init() { slots = [Int32](repeating: 0, count: 64) }

    func place(of key: SequenceID) -> Int? {
        let mask = slots.count &- 1
        var slot = Self.hash(key) & mask
        while true {
            let place = Int(slots[slot]) &- 1
            if place < 0 { return nil }
            if keys[place] == key { return place }
            slot = (slot &+ 1) & mask
        }
    }

    /// Adds a key that is not in it yet.
    mutating func append(_ key: SequenceID) {
        keys.append(key)
        if keys.count * 2 <= slots.count { return fill(keys.count - 1) }
        slots = [Int32](repeating: 0, count: slots.count * 2)
        for place in keys.indices { fill(place) }
    }

    private mutating func fill(_ place: Int) {
        let mask = slots.count - 1
        var slot = Self.hash(keys[place]) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = Int32(place + 1)
    }

    static func hash(_ key: SequenceID) -> Int {
        // Odd factors of SplitMix64; the high bits are the mixed ones.
        let words = key.symbol.words
        let mixed =
            (words.0 ^ words.1 &* 0x9e37_79b9_7f4a_7c15 ^ words.2 &* 0xbf58_476d_1ce4_e5b9
                ^ UInt64(key.template)) &* 0x94d0_49bb_1331_11eb
        return Int(truncatingIfNeeded: mixed >> 40)
    }
}
