import Encoding
import Identity
import Records

/// A trade as it is held, with what comparing needs of it.
struct HeldTrade {
    /// What has to be the same wherever the trade is held.
    struct Values: Equatable {
        /// µs since the epoch.
        let time: Int64
        let price: Int64
        let quantity: Int64
        let priceExponent: Int8
        let quantityExponent: Int8
        let isBuyerMaker: Bool?
        /// The venue gave the id and traded nothing.
        let isVoid: Bool
    }

    let id: Int64
    let values: Values
    /// Read before the stretch of time that is compared at the moment.
    var isCarried = false

    /// Nil for a record that breaks its template.
    init?(_ frame: borrowing FrameView) {
        guard let price = frame.number(.price), let quantity = frame.number(.quantity),
            let priceMantissa = Int64(exactly: price.mantissa),
            let quantityMantissa = Int64(exactly: quantity.mantissa)
        else { return nil }
        id = frame.firstID
        values = Values(
            time: frame.eventTime, price: priceMantissa, quantity: quantityMantissa,
            priceExponent: price.exponent, quantityExponent: quantity.exponent,
            isBuyerMaker: frame.boolean(.isBuyerMaker),
            isVoid: RecordFlags(rawValue: frame.flags).contains(.invalid))
    }

    /// µs since the epoch.
    var time: Int64 { values.time }

    /// Without zeros at its end.
    var price: ExactDecimal {
        ExactDecimal(mantissa: Int128(values.price), exponent: values.priceExponent).trimmed
    }

    var quantity: ExactDecimal {
        ExactDecimal(mantissa: Int128(values.quantity), exponent: values.quantityExponent)
    }

    /// Price times quantity; nil where the exponents do not allow it.
    var amount: ExactDecimal? {
        guard let exponent = Int8(exactly: Int(values.priceExponent) + Int(values.quantityExponent))
        else { return nil }
        return ExactDecimal(
            mantissa: Int128(values.price) * Int128(values.quantity), exponent: exponent)
    }
}

/// An aggregate that names its trades.
struct HeldAggregate {
    /// What has to be the same wherever the aggregate is held.
    struct Values: Equatable {
        let time: Int64
        let trades: ClosedRange<Int64>
        let price: ExactDecimal
        let quantity: ExactDecimal
        let isBuyerMaker: Bool?
    }

    let id: Int64
    let values: Values
    var isCarried = false

    /// Nil for one that was voided: it names no trades.
    init?(_ frame: borrowing FrameView) {
        guard let first = frame.number(.firstTradeID), let last = frame.number(.lastTradeID),
            let firstID = Int64(exactly: first.mantissa),
            let lastID = Int64(exactly: last.mantissa),
            firstID >= 0, firstID <= lastID, let price = frame.number(.price),
            let quantity = frame.number(.quantity),
            !RecordFlags(rawValue: frame.flags).contains(.invalid)
        else { return nil }
        id = frame.firstID
        values = Values(
            time: frame.eventTime, trades: firstID...lastID, price: price.trimmed,
            quantity: quantity.trimmed, isBuyerMaker: frame.boolean(.isBuyerMaker))
    }

    /// For people.
    var name: String { "aggTrade \(id) at \(Timestamp.text(microseconds: values.time))" }
}

/// A kline of an interval that is over.
struct HeldKline: Equatable {
    /// When the interval begins, µs since the epoch.
    let start: Int64
    let count: ExactDecimal?
    let open: ExactDecimal?
    let high: ExactDecimal?
    let low: ExactDecimal?
    let close: ExactDecimal?
    let volume: ExactDecimal?
    let quoteVolume: ExactDecimal?
    let takerVolume: ExactDecimal?
    let takerQuoteVolume: ExactDecimal?

    /// Nil for one that was still open, and changed afterwards.
    init?(_ frame: borrowing FrameView) {
        guard frame.numbering == .contiguous else { return nil }
        start = frame.firstID
        count = frame.number(.tradeCount)?.trimmed
        open = frame.number(.open)?.trimmed
        high = frame.number(.high)?.trimmed
        low = frame.number(.low)?.trimmed
        close = frame.number(.close)?.trimmed
        volume = frame.number(.volume)?.trimmed
        quoteVolume = frame.number(.quoteVolume)?.trimmed
        takerVolume = frame.number(.takerBuyBaseVolume)?.trimmed
        takerQuoteVolume = frame.number(.takerBuyQuoteVolume)?.trimmed
    }
}
