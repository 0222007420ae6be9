import Identity
import Records

/// Finds the place of a frame's sequence: a hash table that is asked with the frame itself.
///
/// A dictionary would want a key made of every frame, and hash it byte by byte; with many symbols
/// that was a third of what a record cost.
struct SequenceTable {
    private(set) var sequences: [SequenceID] = []
    /// Places above zero, so that zero is a free slot.
    private var slots: [Int] = Array(repeating: 0, count: 64)
    /// Another one in each process, so that no input can choose names that share a slot.
    private let seed = UInt64.random(in: 0 ... .max)

    /// The place of a frame's sequence; its own the first time.
    mutating func place(of frame: borrowing FrameView) -> Int {
        var slot = home(frame.symbol.words, frame.template, frame.series)
        while slots[slot] > 0 {
            if frame.belongs(to: sequences[slots[slot] - 1]) { return slots[slot] - 1 }
            slot = (slot + 1) & (slots.count - 1)
        }
        return add(frame.sequence, at: slot)
    }

    /// The place of a sequence; its own the first time.
    mutating func place(of sequence: SequenceID) -> Int {
        var slot = home(sequence.symbol.words, sequence.template, sequence.series)
        while slots[slot] > 0 {
            if sequences[slots[slot] - 1] == sequence { return slots[slot] - 1 }
            slot = (slot + 1) & (slots.count - 1)
        }
        return add(sequence, at: slot)
    }

    private mutating func add(_ sequence: SequenceID, at slot: Int) -> Int {
        sequences.append(sequence)
        slots[slot] = sequences.count
        if sequences.count * 2 > slots.count { grow() }
        return sequences.count - 1
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for (place, sequence) in sequences.enumerated() {
            var slot = home(sequence.symbol.words, sequence.template, sequence.series)
            while slots[slot] > 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = place + 1
        }
    }

    @inline(__always)
    private func home(
        _ symbol: (UInt64, UInt64, UInt64, UInt64), _ template: UInt16, _ series: UInt16
    ) -> Int {
        let kind = UInt64(template) << 48 | UInt64(series) << 32
        let first = mixed(symbol.0 ^ kind, symbol.1 ^ seed)
        return Int(truncatingIfNeeded: mixed(first ^ symbol.2, symbol.3 ^ ~seed))
            & (slots.count - 1)
    }

    /// Both halves of a product, in which each bit depends on all.
    @inline(__always)
    private func mixed(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let (high, low) = (one ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(
            by: other ^ 0xA076_1D64_78BD_642F)
        return high ^ low
    }
}
