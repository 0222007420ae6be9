import Encoding

/// A symbol as it is in a record: at most 32 bytes of UTF-8, padded with NUL.
///
/// Four words instead of a `String`, so that hashing and comparing one costs nothing per record.
@frozen
public struct SymbolName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Bytes in a record.
    public static let capacity = 32
    /// For messages: what a symbol may be.
    public static let rule = "a symbol has 1 to 32 bytes of UTF-8 and no NUL"

    @usableFromInline let first: UInt64
    @usableFromInline let second: UInt64
    @usableFromInline let third: UInt64
    @usableFromInline let fourth: UInt64

    /// Takes a symbol.
    ///
    /// - Returns: nil for an empty text, one over 32 bytes of UTF-8, or one with a NUL in it.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(unsafe bytes.span.bytes)
    }

    /// Takes the bytes of a record or a file as they are.
    ///
    /// - Parameter words: little-endian, padded with NUL.
    @inlinable
    public init(words: (UInt64, UInt64, UInt64, UInt64)) {
        first = words.0
        second = words.1
        third = words.2
        fourth = words.3
    }

    /// Its 32 bytes as four little-endian words.
    @inlinable
    public var words: (UInt64, UInt64, UInt64, UInt64) { (first, second, third, fourth) }

    /// The text, without padding; bytes that are not UTF-8 show as U+FFFD.
    public var description: String {
        String(decoding: bytes, as: UTF8.self)
    }

    /// The text as a line for people shows it: a symbol comes from outside, and a line end or an
    /// escape in it may not make a line of its own. The same as ``description`` for a usual one.
    public var shown: String {
        let text = description
        let isUsual = text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
        return isUsual ? text : text.escapingControls
    }

    /// The UTF-8 without padding.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.capacity)
        for word in [first, second, third, fourth] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return Array(bytes.prefix { $0 != 0 })
    }

    /// Bytes up to the last that is not NUL.
    @inlinable
    public var count: Int {
        if fourth != 0 { return 32 - fourth.leadingZeroBitCount / 8 }
        if third != 0 { return 24 - third.leadingZeroBitCount / 8 }
        if second != 0 { return 16 - second.leadingZeroBitCount / 8 }
        return 8 - first.leadingZeroBitCount / 8
    }

    /// By bytes, as memcmp orders them.
    public static func < (one: Self, other: Self) -> Bool {
        if one.first != other.first { return one.first.byteSwapped < other.first.byteSwapped }
        if one.second != other.second { return one.second.byteSwapped < other.second.byteSwapped }
        if one.third != other.third { return one.third.byteSwapped < other.third.byteSwapped }
        return one.fourth.byteSwapped < other.fourth.byteSwapped
    }
}
