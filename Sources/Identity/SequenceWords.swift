/// The name of a sequence in five words: equal where the names are, for what is looked up for every
/// record. A ``SequenceID`` compares its parts one by one, and is made of them first.
@frozen
public struct SequenceWords: Equatable, Sendable {
    @usableFromInline let first: UInt64
    @usableFromInline let second: UInt64
    @usableFromInline let third: UInt64
    @usableFromInline let fourth: UInt64
    /// Everything but the symbol.
    @usableFromInline let kind: UInt64

    /// Names a sequence.
    ///
    /// - Parameter symbol: its words, as ``SymbolName/words`` has them.
    @inlinable
    @inline(__always)
    public init(
        venue: UInt8, template: UInt16, series: UInt16, epoch: UInt16,
        symbol: (UInt64, UInt64, UInt64, UInt64)
    ) {
        (first, second, third, fourth) = symbol
        kind =
            UInt64(template) | UInt64(epoch) << 16 | UInt64(series) << 32 | UInt64(venue) << 48
    }

    /// The name of no record: frames are of the first epoch and later ones, never of this one.
    @inlinable public static var ofNone: Self {
        SequenceWords(venue: 0, template: 0, series: 0, epoch: 0, symbol: (0, 0, 0, 0))
    }

    /// True when both name the same sequence.
    @inlinable
    @inline(__always)
    public static func == (one: Self, other: Self) -> Bool {
        (one.first ^ other.first) | (one.second ^ other.second) | (one.third ^ other.third)
            | (one.fourth ^ other.fourth) | (one.kind ^ other.kind) == 0
    }

    /// A number for hash tables.
    ///
    /// - Parameter seeds: secrets of the process; each product has one in both factors, so that no
    ///   input can make a factor zero and so choose names of one hash.
    @inlinable
    @inline(__always)
    public func hash(_ seeds: (UInt64, UInt64)) -> UInt64 {
        let short = Self.mixed(first ^ kind &* 0x9E37_79B9_7F4A_7C15 ^ seeds.0, second ^ seeds.1)
        // Nearly every symbol has at most 16 bytes.
        if third | fourth == 0 { return short }
        return Self.mixed(short ^ third ^ seeds.1, fourth ^ seeds.0)
    }

    /// Both halves of a product, in which each bit depends on all.
    @inlinable
    @inline(__always)
    static func mixed(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let (high, low) = one.multipliedFullWidth(by: other)
        return high ^ low
    }
}

extension SequenceID {
    /// Its name in words.
    @inlinable public var words: SequenceWords {
        SequenceWords(
            venue: venue, template: template, series: series, epoch: epoch, symbol: symbol.words)
    }
}
