public import Posix

extension Bytes {
    /// Appends a whole number as decimal text.
    public mutating func append(decimal value: Int64) {
        append(decimal: value, exponent: 0)
    }

    /// Appends mantissa × 10^exponent as plain decimal text, such as `65432.10000000`: every digit
    /// that the exponent stands for, no power notation.
    public mutating func append(decimal mantissa: Int64, exponent: Int8) {
        guard exponent <= 0, exponent >= -18 else {
            return append(decimal: Int128(mantissa), exponent: exponent)
        }
        let fraction = -Int(exponent)
        // Sign, 20 digits, point, zeros in front; eight bytes are stored at a time.
        unsafe append(room: 48) { room in
            guard let start = unsafe room.baseAddress else { return 0 }
            var digits = unsafe DigitWriter(next: start)
            if mantissa < 0 { digits.put(UInt8(ascii: "-")) }
            let magnitude = mantissa.magnitude
            switch fraction {
            case 0: digits.put(magnitude)
            case 8:
                // Nearly every price and quantity of the venue: divided by a constant.
                let (whole, part) = magnitude.quotientAndRemainder(dividingBy: 100_000_000)
                digits.put(whole)
                digits.put(UInt8(ascii: "."))
                digits.put(eight: part)
            default:
                let (whole, part) = magnitude.quotientAndRemainder(
                    dividingBy: UInt64(PowersOfTen.narrow[fraction]))
                digits.put(whole)
                digits.put(UInt8(ascii: "."))
                digits.put(part, width: fraction)
            }
            return unsafe digits.next - start
        }
    }

    /// Appends mantissa × 10^exponent as plain decimal text; the form for any width.
    public mutating func append(decimal mantissa: Int128, exponent: Int8) {
        if mantissa < 0 { append(UInt8(ascii: "-")) }
        var digits = Array(String(mantissa.magnitude).utf8)
        if exponent > 0 && mantissa != 0 {
            digits += [UInt8](repeating: UInt8(ascii: "0"), count: Int(exponent))
        }
        let fraction = max(0, -Int(exponent))
        if digits.count <= fraction {
            let missing = fraction + 1 - digits.count
            digits.insert(contentsOf: [UInt8](repeating: UInt8(ascii: "0"), count: missing), at: 0)
        }
        if fraction > 0 { digits.insert(UInt8(ascii: "."), at: digits.count - fraction) }
        append(digits.span.bytes)
    }
}

/// Writes decimal digits, eight at a time.
///
/// Source of the arithmetic: P. Khuong, "How to print integers really fast", 2017.
@safe
private struct DigitWriter: ~Copyable {
    /// Where the next digit goes; there is room for it and eight bytes more.
    private(set) var next: UnsafeMutableRawPointer

    @inline(__always)
    init(next: UnsafeMutableRawPointer) { unsafe self.next = unsafe next }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        unsafe next.storeBytes(of: byte, as: UInt8.self)
        unsafe next += 1
    }

    /// All digits of a number, without zeros in front.
    @inline(__always)
    mutating func put(_ value: UInt64) {
        if value < 100_000_000 {
            let digits = Self.eight(value)
            // A lone zero is a digit too.
            let zeros = min(digits.trailingZeroBitCount / 8, 7)
            let text = (digits | 0x3030_3030_3030_3030) &>> UInt64(zeros * 8)
            unsafe next.storeBytes(of: text.littleEndian, as: UInt64.self)
            unsafe next += 8 - zeros
        } else {
            putLong(value)
        }
    }

    @inline(never)
    private mutating func putLong(_ value: UInt64) {
        let (high, low) = value.quotientAndRemainder(dividingBy: 100_000_000)
        put(high)
        put(eight: low)
    }

    /// Eight digits of a number below 10^8.
    @inline(__always)
    mutating func put(eight value: UInt64) {
        let text = Self.eight(value) | 0x3030_3030_3030_3030
        unsafe next.storeBytes(of: text.littleEndian, as: UInt64.self)
        unsafe next += 8
    }

    /// The lowest `width` digits of a number, zeros in front included.
    mutating func put(_ value: UInt64, width: Int) {
        var rest = value
        for index in stride(from: width - 1, through: 0, by: -1) {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe next.storeBytes(
                of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit), toByteOffset: index,
                as: UInt8.self)
            rest = quotient
        }
        unsafe next += width
    }

    /// The eight digits of a number below 10^8, a byte each, the first one lowest.
    @inline(__always)
    private static func eight(_ value: UInt64) -> UInt64 {
        let fours = value / 10_000 | (value % 10_000) &<< 32
        let top = ((fours &* 10_486) &>> 20) & 0x0000_007F_0000_007F
        let hundreds = ((fours &- 100 &* top) &<< 16) &+ top
        let tens = ((hundreds &* 103) &>> 10) & 0x000F_000F_000F_000F
        return tens &+ ((hundreds &- 10 &* tens) &<< 8)
    }
}
