public import Posix

/// A number as the venue wrote it: mantissa × 10^exponent, with no rounding anywhere.
@frozen
public struct ExactDecimal: Hashable, Sendable {
    /// The digits, with sign.
    public var mantissa: Int128
    /// The power of ten, −128 to 127.
    public var exponent: Int8

    /// Puts a number together.
    @inlinable
    public init(mantissa: Int128, exponent: Int8) {
        self.mantissa = mantissa
        self.exponent = exponent
    }

    /// The same number with another exponent.
    ///
    /// - Returns: nil when digits would be lost or the mantissa would leave 128 bits.
    public func rescaled(to target: Int8) -> Int128? {
        if mantissa == 0 || target == exponent { return mantissa }
        let distance = Int(exponent) - Int(target)
        guard let factor = PowersOfTen.wide(abs(distance)) else { return nil }
        if distance > 0 {
            let (product, overflow) = mantissa.multipliedReportingOverflow(by: factor)
            return overflow ? nil : product
        }
        let (quotient, remainder) = mantissa.quotientAndRemainder(dividingBy: factor)
        return remainder == 0 ? quotient : nil
    }

    /// The nearest double.
    public var double: Double {
        if let narrow = Int64(exactly: mantissa) {
            return Self.double(mantissa: narrow, exponent: exponent)
        }
        return Self.slowDouble(mantissa, exponent)
    }

    /// The double nearest to mantissa × 10^exponent.
    ///
    /// Up to 2^53 and 10^22 both operands are exact doubles, so that one division rounds right
    /// (Clinger 1990); beyond, the text goes through strtod.
    @inlinable
    @inline(__always)
    public static func double(mantissa: Int64, exponent: Int8) -> Double {
        if exponent <= 0, exponent >= -22, mantissa.magnitude <= 1 << 53 {
            return Double(mantissa) / PowersOfTen.double(Int(-Int(exponent)))
        }
        return slowDouble(Int128(mantissa), exponent)
    }

    @usableFromInline
    static func slowDouble(_ mantissa: Int128, _ exponent: Int8) -> Double {
        Double("\(mantissa)e\(exponent)") ?? .nan
    }
}

@usableFromInline
enum PowersOfTen {
    @usableFromInline static let doubles: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    @inlinable
    static func double(_ power: Int) -> Double {
        // By far the commonest exponent on this venue is −8: no table look-up for it.
        power == 8 ? 1e8 : doubles[power]
    }

    /// 10^0 to 10^18.
    static let narrow: [Int64] = (0...18).map { power in
        (0..<power).reduce(1) { value, _ in value * 10 }
    }

    /// 10^power, nil from 10^39 on, which 128 bits do not hold.
    static func wide(_ power: Int) -> Int128? {
        guard power <= 38 else { return nil }
        var value: Int128 = 1
        for _ in 0..<power { value *= 10 }
        return value
    }
}

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
        // Sign, 20 digits, point: at most 22 bytes, written from the back.
        unsafe append(room: 24) { room in
            var magnitude = mantissa.magnitude
            var position = 24
            var written = 0
            repeat {
                if written == fraction && fraction > 0 {
                    position -= 1
                    unsafe room[position] = UInt8(ascii: ".")
                }
                let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
                position -= 1
                unsafe room[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                magnitude = quotient
                written += 1
            } while magnitude != 0 || written <= fraction
            if mantissa < 0 {
                position -= 1
                unsafe room[position] = UInt8(ascii: "-")
            }
            let length = 24 - position
            guard let base = room.baseAddress else { return 0 }
            unsafe base.copyMemory(from: base + position, byteCount: length)
            return length
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
        unsafe append(digits.span.bytes)
    }
}
