/// Writes text into memory that has room for it, eight digits at a time: for the forms of records,
/// where a check for room at every field would cost more than the field.
///
/// Whoever makes one has reserved enough; nothing is checked here. A number may store up to
/// ``slack`` bytes behind its last digit.
///
/// Source of the arithmetic: P. Khuong, "How to print integers really fast", 2017.
@safe @frozen
public struct TextWriter: ~Copyable {
    /// Bytes behind the text that may be overwritten.
    public static let slack = 8
    /// Longest text of ``put(decimal:exponent:)`` with an exponent of −18 to 0.
    public static let longestDecimal = 24

    @usableFromInline internal var place: UnsafeMutableRawPointer

    /// Where the next byte goes.
    @inlinable public var next: UnsafeMutableRawPointer { unsafe place }

    /// Begins at a place.
    @inlinable @inline(__always)
    public init(next: UnsafeMutableRawPointer) { unsafe place = unsafe next }

    /// Appends a byte.
    @inlinable @inline(__always)
    public mutating func put(_ byte: UInt8) {
        unsafe place.storeBytes(of: byte, as: UInt8.self)
        unsafe place += 1
    }

    /// Appends two bytes, the first one lowest.
    @inlinable @inline(__always)
    public mutating func put(pair: UInt16) {
        unsafe place.storeBytes(of: pair.littleEndian, as: UInt16.self)
        unsafe place += 2
    }

    /// Appends a text.
    @inlinable @inline(__always)
    public mutating func put(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        unsafe place.copyMemory(from: text.utf8Start, byteCount: length)
        unsafe place += length
    }

    /// Appends bytes.
    @inlinable
    public mutating func put(bytes: UnsafeRawPointer, count: Int) {
        unsafe place.copyMemory(from: bytes, byteCount: count)
        unsafe place += count
    }

    /// Appends the first of 32 bytes; the others are overwritten by what follows.
    @inlinable @inline(__always)
    public mutating func put(padded words: (UInt64, UInt64, UInt64, UInt64), count: Int) {
        unsafe place.storeBytes(of: words, as: (UInt64, UInt64, UInt64, UInt64).self)
        unsafe place += count
    }

    /// Appends a whole number.
    @inlinable @inline(__always)
    public mutating func put(decimal value: Int64) {
        if value < 0 { put(UInt8(ascii: "-")) }
        put(digits: value.magnitude)
    }

    /// Appends mantissa × 10^exponent as plain decimal text.
    ///
    /// - Precondition: the exponent is −18 to 0.
    @inlinable @inline(__always)
    public mutating func put(decimal mantissa: Int64, exponent: Int8) {
        if mantissa < 0 { put(UInt8(ascii: "-")) }
        let magnitude = mantissa.magnitude
        if exponent == -8 {
            // Nearly every price and quantity of the venue: divided by a constant.
            let (whole, part) = magnitude.quotientAndRemainder(dividingBy: 100_000_000)
            put(digits: whole)
            put(UInt8(ascii: "."))
            put(eight: part)
        } else if exponent == 0 {
            put(digits: magnitude)
        } else {
            put(magnitude, fraction: -Int(exponent))
        }
    }

    @inline(never) @usableFromInline
    mutating func put(_ magnitude: UInt64, fraction: Int) {
        let (whole, part) = magnitude.quotientAndRemainder(
            dividingBy: UInt64(PowersOfTen.narrow[fraction]))
        put(digits: whole)
        put(UInt8(ascii: "."))
        var rest = part
        for index in stride(from: fraction - 1, through: 0, by: -1) {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe place.storeBytes(
                of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit), toByteOffset: index,
                as: UInt8.self)
            rest = quotient
        }
        unsafe place += fraction
    }

    /// Appends all digits of a number, without zeros in front.
    @inlinable @inline(__always)
    mutating func put(digits value: UInt64) {
        if value < 100_000_000 {
            let digits = Self.eight(value)
            // A lone zero is a digit too.
            let zeros = min(digits.trailingZeroBitCount / 8, 7)
            let text = (digits | 0x3030_3030_3030_3030) &>> UInt64(zeros &* 8)
            unsafe place.storeBytes(of: text.littleEndian, as: UInt64.self)
            unsafe place += 8 &- zeros
        } else {
            putLong(value)
        }
    }

    @inline(never) @usableFromInline
    mutating func putLong(_ value: UInt64) {
        let (high, low) = value.quotientAndRemainder(dividingBy: 100_000_000)
        if high >= 100_000_000 {
            let (highest, middle) = high.quotientAndRemainder(dividingBy: 100_000_000)
            put(digits: highest)
            put(eight: middle)
        } else {
            put(digits: high)
        }
        put(eight: low)
    }

    /// Appends eight digits of a number below 10^8.
    @inlinable @inline(__always)
    mutating func put(eight value: UInt64) {
        let text = Self.eight(value) | 0x3030_3030_3030_3030
        unsafe place.storeBytes(of: text.littleEndian, as: UInt64.self)
        unsafe place += 8
    }

    /// The eight digits of a number below 10^8, a byte each, the first one lowest.
    @inlinable @inline(__always)
    static func eight(_ value: UInt64) -> UInt64 {
        let fours = value / 10_000 | (value % 10_000) &<< 32
        let top = ((fours &* 10_486) &>> 20) & 0x0000_007F_0000_007F
        let hundreds = ((fours &- 100 &* top) &<< 16) &+ top
        let tens = ((hundreds &* 103) &>> 10) & 0x000F_000F_000F_000F
        return tens &+ ((hundreds &- 10 &* tens) &<< 8)
    }
}
