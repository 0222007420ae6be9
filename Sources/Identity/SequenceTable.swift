/// Numbers sequences in the order in which they came, and finds their places again: a hash table
/// that is asked for every record. A dictionary hashes so thoroughly that it would be felt.
///
/// Whoever has the parts of a name but no ``SequenceID`` walks the slots itself, so that none is made
/// for each record: from ``slot(of:_:_:)`` on, by ``next(_:)``, as long as ``place(at:)`` has one.
public struct SequenceTable: Sendable {
    /// By place.
    public private(set) var sequences: [SequenceID] = []
    /// Places above zero, so that zero is a free slot. Never more than half full.
    @usableFromInline var slots: [Int32] = Array(repeating: 0, count: 64)
    /// Another one in each process, so that no input can choose names that share a slot.
    @usableFromInline let seed = UInt64.random(in: 0 ... .max)

    /// An empty table.
    public init() {}

    /// The place of a sequence; nil when it is not in the table.
    @inlinable
    public func place(of sequence: SequenceID) -> Int? {
        var slot = slot(of: sequence.symbol.words, sequence.template, sequence.series)
        while let place = place(at: slot) {
            if sequences[place] == sequence { return place }
            slot = next(slot)
        }
        return nil
    }

    /// Adds a sequence that is not in the table.
    ///
    /// - Returns: its place.
    public mutating func add(_ sequence: SequenceID) -> Int {
        sequences.append(sequence)
        if sequences.count * 2 > slots.count {
            slots = Array(repeating: 0, count: slots.count * 2)
            for place in sequences.indices { fill(place) }
        } else {
            fill(sequences.count - 1)
        }
        return sequences.count - 1
    }

    private mutating func fill(_ place: Int) {
        let sequence = sequences[place]
        var slot = slot(of: sequence.symbol.words, sequence.template, sequence.series)
        while slots[slot] > 0 { slot = next(slot) }
        slots[slot] = Int32(place + 1)
    }

    // MARK: - Slots

    /// Where the search for a sequence begins.
    @inlinable
    @inline(__always)
    public func slot(
        of symbol: (UInt64, UInt64, UInt64, UInt64), _ template: UInt16, _ series: UInt16
    ) -> Int {
        let kind = UInt64(template) << 48 | UInt64(series) << 32
        let first = Self.mixed(symbol.0 ^ kind, symbol.1 ^ seed)
        return Int(truncatingIfNeeded: Self.mixed(first ^ symbol.2, symbol.3 ^ ~seed))
            & (slots.count &- 1)
    }

    /// Where it goes on.
    @inlinable
    @inline(__always)
    public func next(_ slot: Int) -> Int { (slot &+ 1) & (slots.count &- 1) }

    /// The place that a slot has; nil at the end of the search.
    @inlinable
    @inline(__always)
    public func place(at slot: Int) -> Int? {
        let place = Int(slots[slot])
        return place > 0 ? place &- 1 : nil
    }

    /// Both halves of a product, in which each bit depends on all.
    @inlinable
    @inline(__always)
    static func mixed(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let (high, low) = (one ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(
            by: other ^ 0xA076_1D64_78BD_642F)
        return high ^ low
    }
}
