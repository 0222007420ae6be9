/// A row of `aggTrades`.
struct AggTradeRow {
    var id: Int64
    var price: Int64
    var quantity: Int64
    var exponents: (price: Int8, quantity: Int8)
    var firstTradeID: Int64
    var lastTradeID: Int64
    var time: Int64
    var isBuyerMaker: Bool
    var isBestMatch: Bool?

    /// The venue voids an aggregate by zeros and the trade ids −1: the id is taken, but nothing
    /// was traded.
    var isInvalid: Bool { firstTradeID == -1 && lastTradeID == -1 }
}

/// A row of `trades` and `historicalTrades`.
struct TradeRow {
    var id: Int64
    var price: Int64
    var quantity: Int64
    var exponents: (price: Int8, quantity: Int8)
    var time: Int64
    var isBuyerMaker: Bool
    var isBestMatch: Bool?
}

/// A row of `klines`; quote volumes have the price's exponent.
struct KlineRow {
    var openTime: Int64
    var closeTime: Int64
    var exponents: (price: Int8, quantity: Int8)
    var open: Int64
    var high: Int64
    var low: Int64
    var close: Int64
    var volume: Int128
    var quoteVolume: Int128
    var tradeCount: Int64
    var takerBuyBaseVolume: Int128
    var takerBuyQuoteVolume: Int128
}
