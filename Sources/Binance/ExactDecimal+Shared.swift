import Encoding

/// Numbers of one record, which has one exponent for all its prices and one for its quantities.
extension [ExactDecimal] {
    /// The smallest exponent among them, 0 for none: all can be written with it.
    private var commonExponent: Int8 { map(\.exponent).min() ?? 0 }

    /// Mantissas with one exponent; nil when they do not fit 128 bits.
    func shared() -> (Int8, [Int128])? {
        let exponent = commonExponent
        let mantissas = compactMap { $0.rescaled(to: exponent) }
        return mantissas.count == count ? (exponent, mantissas) : nil
    }

    /// Mantissas of 64 bits with one exponent, zeros at their ends given up where they would not
    /// fit: 120000000000.00000000 is 12 × 10^10. Nil when they do not fit even so.
    func narrowed() -> (Int8, [Int64])? {
        for attempt in [self, map(\.stripped)] {
            guard let (exponent, wide) = attempt.shared() else { continue }
            let mantissas = wide.compactMap { Int64(exactly: $0) }
            if mantissas.count == count { return (exponent, mantissas) }
        }
        return nil
    }
}

extension ExactDecimal {
    /// The same number without zeros at the end of its mantissa.
    var stripped: ExactDecimal {
        var (mantissa, exponent) = (mantissa, exponent)
        while mantissa != 0, mantissa % 10 == 0, exponent < .max {
            mantissa /= 10
            exponent += 1
        }
        return ExactDecimal(mantissa: mantissa, exponent: mantissa == 0 ? 0 : exponent)
    }
}

extension KlineRow {
    /// Takes over the numbers of a kline: one exponent for prices and quote volumes, one for base
    /// volumes.
    ///
    /// - Parameters:
    ///   - prices: open, high, low, close.
    ///   - money: quote volume, quote volume that takers bought.
    ///   - volumes: base volume, base volume that takers bought.
    /// - Returns: why no record can hold them; nil when one can.
    mutating func adopt(
        prices: [ExactDecimal], money: [ExactDecimal], volumes: [ExactDecimal]
    ) -> String? {
        guard let (price, wide) = (prices + money).shared(),
            let (quantity, base) = volumes.shared()
        else { return "a volume over 128 bits" }
        let narrow = wide.prefix(4).compactMap { Int64(exactly: $0) }
        guard narrow.count == 4 else { return "a price over 64 bits" }
        exponents = (price, quantity)
        (open, high, low, close) = (narrow[0], narrow[1], narrow[2], narrow[3])
        (quoteVolume, takerBuyQuoteVolume) = (wide[4], wide[5])
        (volume, takerBuyBaseVolume) = (base[0], base[1])
        return nil
    }
}
