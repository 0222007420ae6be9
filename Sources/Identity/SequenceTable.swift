/// Numbers sequences in the order in which they came, and finds their places again: a hash table
/// that is asked for every record. A dictionary hashes so thoroughly that it would be felt.
public struct SequenceTable: Sendable {
    /// By place.
    public private(set) var sequences: [SequenceID] = []
    /// Their names, beside each other.
    @usableFromInline var keys: [SequenceWords] = []
    /// Places above zero, so that zero is a free slot. Never more than half full.
    @usableFromInline var slots: [Int32] = Array(repeating: 0, count: 64)
    /// Others in each process, so that no input can choose names that share a slot.
    @usableFromInline let seeds = (UInt64.random(in: 1 ... .max), UInt64.random(in: 1 ... .max))

    /// An empty table.
    public init() {}

    /// The place of a sequence; nil when it is not in the table.
    @inlinable
    public func place(of sequence: SequenceID) -> Int? { place(of: sequence.words) }

    /// The place of the sequence of a name; nil when it is not in the table.
    @inlinable
    @inline(__always)
    public func place(of key: SequenceWords) -> Int? {
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: key.hash(seeds)) & mask
        while true {
            let place = Int(slots[slot]) &- 1
            if place < 0 { return nil }
            if keys[place] == key { return place }
            slot = (slot &+ 1) & mask
        }
    }

    /// Adds a sequence that is not in the table.
    ///
    /// - Returns: its place.
    public mutating func add(_ sequence: SequenceID) -> Int {
        sequences.append(sequence)
        keys.append(sequence.words)
        if keys.count * 2 > slots.count {
            slots = Array(repeating: 0, count: slots.count * 2)
            for place in keys.indices { fill(place) }
        } else {
            fill(keys.count - 1)
        }
        return keys.count - 1
    }

    private mutating func fill(_ place: Int) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: keys[place].hash(seeds)) & mask
        while slots[slot] > 0 { slot = (slot + 1) & mask }
        slots[slot] = Int32(place + 1)
    }
}
