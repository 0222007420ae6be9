/// A symbol as it stands in a record: at most 24 bytes of UTF-8, padded with NUL.
///
/// Three words instead of a `String`, so that hashing and comparing one costs nothing per record.
@frozen
public struct SymbolName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Bytes in a record.
    public static let capacity = 24

    @usableFromInline let first: UInt64
    @usableFromInline let second: UInt64
    @usableFromInline let third: UInt64

    /// Takes a symbol.
    ///
    /// - Returns: nil for an empty text, one over 24 bytes of UTF-8, or one with a NUL in it.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (1...Self.capacity).contains(bytes.count), !bytes.contains(0) else { return nil }
        var words: [UInt64] = [0, 0, 0]
        for (index, byte) in bytes.enumerated() {
            words[index / 8] |= UInt64(byte) << UInt64(index % 8 * 8)
        }
        self.init(first: words[0], second: words[1], third: words[2])
    }

    /// Takes a symbol as it stands in a message, without an allocation.
    ///
    /// - Returns: nil when there are no bytes or over 24, or one of them is NUL.
    @inlinable
    public init?(_ text: RawSpan) {
        let count = text.byteCount
        guard count >= 1, count <= Self.capacity else { return nil }
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        let isWhole = unsafe withUnsafeMutableBytes(of: &words) { room in
            unsafe text.withUnsafeBytes { bytes in
                for index in 0..<count { unsafe room[index] = bytes[index] }
                return unsafe !bytes.contains(0)
            }
        }
        guard isWhole else { return nil }
        self.init(first: words.0, second: words.1, third: words.2)
    }

    @inlinable
    init(first: UInt64, second: UInt64, third: UInt64) {
        self.first = first
        self.second = second
        self.third = third
    }

    /// Takes the bytes of a record or a file as they are.
    ///
    /// - Parameter words: little-endian, padded with NUL.
    @inlinable
    public init(words: (UInt64, UInt64, UInt64)) {
        self.init(first: words.0, second: words.1, third: words.2)
    }

    /// Its 24 bytes as three little-endian words.
    @inlinable
    public var words: (UInt64, UInt64, UInt64) { (first, second, third) }

    /// The text, without padding; bytes that are not UTF-8 show as U+FFFD.
    public var description: String {
        String(decoding: bytes, as: UTF8.self)
    }

    /// The UTF-8 without padding.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for word in [first, second, third] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return Array(bytes.prefix { $0 != 0 })
    }

    /// Bytes of the text.
    @inlinable
    public var count: Int {
        if third != 0 { return 24 - third.leadingZeroBitCount / 8 }
        if second != 0 { return 16 - second.leadingZeroBitCount / 8 }
        return 8 - first.leadingZeroBitCount / 8
    }

    /// By bytes, as memcmp orders them.
    public static func < (one: Self, other: Self) -> Bool {
        if one.first != other.first { return one.first.byteSwapped < other.first.byteSwapped }
        if one.second != other.second { return one.second.byteSwapped < other.second.byteSwapped }
        return one.third.byteSwapped < other.third.byteSwapped
    }
}
