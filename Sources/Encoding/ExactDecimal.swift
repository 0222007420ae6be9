import Posix

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

    /// The same number with a mantissa of at most 64 bits: itself, or without the zeros at its end.
    ///
    /// - Returns: nil when the other digits are more than 64 bits hold.
    public func narrowed() -> ExactDecimal? {
        if Int64(exactly: mantissa) != nil { return self }
        var (digits, power) = (mantissa, Int(exponent))
        while digits % 10 == 0, power < 127 {
            digits /= 10
            power += 1
        }
        guard Int64(exactly: digits) != nil else { return nil }
        return ExactDecimal(mantissa: digits, exponent: Int8(power))
    }

    /// The same number without zeros at the end of its fraction.
    public var trimmed: ExactDecimal {
        var (digits, power) = (mantissa, exponent)
        while power < 0, digits % 10 == 0 {
            digits /= 10
            power += 1
        }
        return ExactDecimal(mantissa: digits, exponent: power)
    }

    /// As plain decimal text: every digit that the exponent stands for, no power notation.
    public var plainText: String {
        var bytes = Bytes(capacity: 64)
        if let narrow = Int64(exactly: mantissa) {
            bytes.append(decimal: narrow, exponent: exponent)
        } else {
            bytes.append(decimal: mantissa, exponent: exponent)
        }
        return String(decoding: bytes.array, as: UTF8.self)
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
    static let narrow: [Int64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
        10_000_000_000, 100_000_000_000, 1_000_000_000_000, 10_000_000_000_000,
        100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
        100_000_000_000_000_000, 1_000_000_000_000_000_000,
    ]

    /// 10^power, nil from 10^39 on, which 128 bits do not hold.
    static func wide(_ power: Int) -> Int128? {
        guard power <= 38 else { return nil }
        var value: Int128 = 1
        for _ in 0..<power { value *= 10 }
        return value
    }
}
