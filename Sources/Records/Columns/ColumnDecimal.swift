import Encoding

/// Prices and quantities as the decimals of columns: exactly, or not at all.
enum ColumnDecimal {
    /// Power of ten of all of them.
    static let exponent: Int8 = -8
    private static let (priceLimit, quantityLimit): (Int64, Int128) = (
        1_000_000_000_000_000_000, 100_000_000_000_000_000_000_000_000_000_000_000_000
    )

    /// A price in units of 10⁻⁸; nil when it has more digits than DECIMAL(18,8) holds.
    @inline(__always)
    static func price(_ mantissa: Int64, _ exponent: Int8) -> Int64? {
        if exponent == Self.exponent {
            return mantissa.magnitude < priceLimit.magnitude ? mantissa : nil
        }
        guard let value = rescaled(Int128(mantissa), exponent),
            value.magnitude < priceLimit.magnitude
        else { return nil }
        return Int64(value)
    }

    /// A quantity in units of 10⁻⁸; nil when it has more digits than DECIMAL(38,8) holds.
    @inline(__always)
    static func quantity(_ mantissa: Int128, _ exponent: Int8) -> Int128? {
        let value = exponent == Self.exponent ? mantissa : rescaled(mantissa, exponent)
        guard let value, value.magnitude < quantityLimit.magnitude else { return nil }
        return value
    }

    /// The mantissa at another power of ten of a number in units of 10⁻⁸; nil when it has none.
    @inline(__always)
    static func mantissa(of value: Int128, at exponent: Int8) -> Int128? {
        if exponent == Self.exponent { return value }
        return ExactDecimal(mantissa: value, exponent: Self.exponent).rescaled(to: exponent)
    }

    private static func rescaled(_ mantissa: Int128, _ exponent: Int8) -> Int128? {
        ExactDecimal(mantissa: mantissa, exponent: exponent).rescaled(to: Self.exponent)
    }
}
