/// The exponents that messages carry, and mantissas that fit them.
///
/// The market counts in ticks of 10⁻² and steps of 10⁻⁵. Exponents from −14 to −2 and from −12 to
/// −5 keep every value exact. With any other the mantissa is the bare number of ticks or steps, so
/// that the value is another one: that is for clients that have to survive odd exponents.
struct DecimalScale {
    let priceExponent: Int8
    let quantityExponent: Int8
    private let priceFactor: Int64
    private let quantityFactor: Int64

    init(price: Int8, quantity: Int8) {
        priceExponent = price
        quantityExponent = quantity
        priceFactor = (-14 ... -2).contains(price) ? Self.power(-2 - Int(price)) : 1
        quantityFactor = (-12 ... -5).contains(quantity) ? Self.power(-5 - Int(quantity)) : 1
    }

    /// The mantissa of a price in ticks.
    @inline(__always) func price(_ ticks: Int64) -> Int64 { ticks * priceFactor }

    /// The mantissa of a quantity in steps.
    @inline(__always) func quantity(_ steps: Int64) -> Int64 { steps * quantityFactor }

    private static func power(_ exponent: Int) -> Int64 {
        (0..<exponent).reduce(1) { product, _ in product * 10 }
    }
}
