import Encoding

/// What the trades of an interval come to.
struct TradeTotals {
    private(set) var ids: ClosedRange<Int64>
    private(set) var count: Int64 = 0
    private(set) var volume = ExactSum()
    private var quoteVolume = ExactSum()
    private var takerVolume = ExactSum()
    private var takerQuoteVolume = ExactSum()
    private var open: ExactDecimal
    private var high: ExactDecimal
    private var low: ExactDecimal
    private var close: ExactDecimal

    /// Nothing yet; the trade is the first that will be added.
    init(_ trade: HeldTrade) {
        ids = trade.id...trade.id
        open = trade.price
        high = open
        low = open
        close = open
    }

    /// Adds a trade.
    mutating func add(_ trade: HeldTrade) {
        let price = trade.price
        // Of the same time, ids say which was first.
        if trade.id < ids.lowerBound {
            open = price
            ids = trade.id...ids.upperBound
        }
        if trade.id > ids.upperBound {
            close = price
            ids = ids.lowerBound...trade.id
        }
        if high.isBelow(price) { high = price }
        if price.isBelow(low) { low = price }
        count += 1
        volume.add(trade.quantity)
        quoteVolume.add(trade.amount)
        if trade.values.isBuyerMaker == false {
            takerVolume.add(trade.quantity)
            takerQuoteVolume.add(trade.amount)
        }
    }

    /// What a kline says otherwise; empty when it says the same.
    func differences(from kline: HeldKline) -> [String] {
        var words = Self.words("trade count", kline.count, Self.whole(count))
        words += Self.words("volume", kline.volume, volume.value)
        words += Self.words("taker buy volume", kline.takerVolume, takerVolume.value)
        words += near("quote volume", kline.quoteVolume, quoteVolume)
        words += near("taker buy quote volume", kline.takerQuoteVolume, takerQuoteVolume)
        words += Self.words("open", kline.open, open)
        words += Self.words("high", kline.high, high)
        words += Self.words("low", kline.low, low)
        return words + Self.words("close", kline.close, close)
    }

    /// What a kline says of an interval without trades, but for its prices.
    static func differences(fromNone kline: HeldKline) -> [String] {
        words("trade count", kline.count, whole(0)) + words("volume", kline.volume, whole(0))
            + words("taker buy volume", kline.takerVolume, whole(0))
            + words("quote volume", kline.quoteVolume, whole(0))
            + words("taker buy quote volume", kline.takerQuoteVolume, whole(0))
    }

    private static func whole(_ number: Int64) -> ExactDecimal {
        ExactDecimal(mantissa: Int128(number), exponent: 0).trimmed
    }

    private static func words(
        _ name: String, _ row: ExactDecimal?, _ trades: ExactDecimal?
    ) -> [String] {
        if row == trades, row != nil { return [] }
        return [
            "\(name) \(row?.plainText ?? "unreadable"), of the trades \(trades?.plainText ?? "too large")"
        ]
    }

    /// The venue rounds the amount of each trade to eight digits.
    private func near(_ name: String, _ row: ExactDecimal?, _ trades: ExactSum) -> [String] {
        if let row, trades.isNear(row, units: count) { return [] }
        return Self.words(name, row, trades.value)
    }
}

extension ExactDecimal {
    /// Exactly, whatever the exponents.
    fileprivate func isBelow(_ other: ExactDecimal) -> Bool {
        let exponent = min(exponent, other.exponent)
        guard let one = rescaled(to: exponent), let two = other.rescaled(to: exponent) else {
            return double < other.double
        }
        return one < two
    }
}
