/// The least or largest value of a page or a chunk, in the order that the format gives its type:
/// numbers, times and decimals by signed value, texts by unsigned bytes, false before true.
enum Bound: Comparable, Sendable {
    case boolean(Bool)
    case number(Int64)
    case wide(Int128)
    /// `isExact` is false for a text that was cut.
    case text([UInt8], isExact: Bool)

    /// Of one column only; bounds of different types are never compared.
    static func < (one: Bound, other: Bound) -> Bool {
        switch (one, other) {
        case (.boolean(let one), .boolean(let other)): !one && other
        case (.number(let one), .number(let other)): one < other
        case (.wide(let one), .wide(let other)): one < other
        case (.text(let one, _), .text(let other, _)): one.lexicographicallyPrecedes(other)
        default: false
        }
    }

    static func == (one: Bound, other: Bound) -> Bool { !(one < other) && !(other < one) }

    /// In the PLAIN encoding, without the length of a text.
    var bytes: [UInt8] {
        switch self {
        case .boolean(let value): [value ? 1 : 0]
        case .number(let value): withUnsafeBytes(of: value.littleEndian) { Array($0) }
        case .wide(let value): withUnsafeBytes(of: value.bigEndian) { Array($0) }
        case .text(let value, _): value
        }
    }

    var isExact: Bool {
        if case .text(_, let isExact) = self { isExact } else { true }
    }

    /// A bound that was written; nil when its length does not fit the type.
    init?(_ bytes: [UInt8], of type: ParquetType, isExact: Bool) {
        switch type.physical {
        case .boolean:
            guard bytes.count == 1 else { return nil }
            self = .boolean(bytes[0] != 0)
        case .int64:
            guard bytes.count == 8 else { return nil }
            self = .number(
                Int64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }))
        case .fixedLengthByteArray:
            guard bytes.count == 16 else { return nil }
            self = .wide(
                Int128(bigEndian: bytes.withUnsafeBytes { $0.loadUnaligned(as: Int128.self) }))
        default: self = .text(bytes, isExact: isExact)
        }
    }
}

/// Least and largest value.
struct Bounds: Sendable, Equatable {
    var least: Bound
    var largest: Bound

    mutating func widen(by other: Bounds) {
        if other.least < least { least = other.least }
        if largest < other.largest { largest = other.largest }
    }
}

extension Bounds {
    /// Longer texts are cut: a bound need not be a value, only not be inside them.
    private static let longestText = 64

    /// Of texts, each cut to a bound of moderate length.
    init(least: UnsafeRawBufferPointer, largest: UnsafeRawBufferPointer, isText: Bool) {
        self.least = .text(
            Array(least.prefix(Self.longestText)), isExact: least.count <= Self.longestText)
        self.largest = Self.upper(largest, isText: isText)
        // A cut in the middle of a character is not text.
        if isText, case .text(var bytes, false) = self.least {
            while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
            if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
            self.least = .text(bytes, isExact: false)
        }
    }

    /// The value, or where it is long a shorter one above it.
    private static func upper(_ value: UnsafeRawBufferPointer, isText: Bool) -> Bound {
        guard value.count > longestText else { return .text(Array(value), isExact: true) }
        var bytes = Array(value.prefix(longestText))
        // One more at the last byte that can take it; in text only after pure ASCII.
        let highest: UInt8 = isText ? 0x7E : 0xFE
        while let last = bytes.last, last > highest { bytes.removeLast() }
        guard let last = bytes.last, !isText || bytes.allSatisfy({ $0 < 0x80 }) else {
            return .text(Array(value), isExact: true)
        }
        bytes[bytes.count - 1] = last + 1
        return .text(bytes, isExact: false)
    }
}
