import Identity
import Posix
import Records
import SimulatedMarket

/// Trades of a simulated market and what a venue makes of them, for a test to spoil.
struct AgainstMarket {
    struct Trade {
        var id: Int64
        var time: Int64
        var ticks: Int64
        var steps: Int64
        var isBuyerMaker: Bool
    }

    struct Aggregate {
        var id: Int64
        var time: Int64
        var ticks: Int64
        var steps: Int64
        var first: Int64
        var last: Int64
        var isBuyerMaker: Bool
    }

    /// 2023-12-31T22:30:00Z, µs: the market goes on into another day, month and year.
    static let start: Int64 = 1_704_061_800_000_000
    private static let minute: Int64 = 60_000_000
    static let aggregateCount: Int64 = 2000

    var trades: [Trade] = []
    var aggregates: [Aggregate] = []
    var klines: [Market.Kline] = []

    /// Nearly three hours with 2000 aggregates, every 50th voided.
    init() {
        var parameters = Market.Parameters()
        parameters.start = Self.start
        parameters.spacing = 5_000_000
        parameters.invalidEvery = 50
        let market = Market(symbol: "BTCUSDT", parameters)
        for id in 1...Self.aggregateCount {
            let row = market.aggregate(id)
            aggregates.append(
                Aggregate(
                    id: id, time: row.time, ticks: row.ticks, steps: row.steps,
                    first: row.firstTrade, last: row.lastTrade, isBuyerMaker: row.isBuyerMaker))
            guard row.firstTrade > 0 else { continue }
            for id in row.firstTrade...row.lastTrade {
                let trade = market.trade(id)
                trades.append(
                    Trade(
                        id: id, time: trade.time, ticks: trade.ticks, steps: trade.steps,
                        isBuyerMaker: trade.isBuyerMaker))
            }
        }
        var open = Self.start
        while open <= trades[trades.count - 1].time {
            if let kline = market.kline(
                from: open, through: open + Self.minute - 1, newest: Self.aggregateCount)
            {
                klines.append(kline)
            }
            open += Self.minute
        }
    }

    /// All as frames: trades, aggregates, klines.
    func frames() throws -> [UInt8] {
        var bytes = Bytes()
        for trade in trades {
            try bytes.appendFrame(upTo: 1024, prefix: Self.prefix(.trade, trade.id, trade.time)) {
                var row = try TradeEncoder($0)
                row.price = trade.ticks * 1_000_000
                row.quantity = trade.steps * 1000
                row.isBuyerMaker = trade.isBuyerMaker
                return row.encodedLength
            }
        }
        for aggregate in aggregates {
            try bytes.appendFrame(
                upTo: 1024,
                prefix: Self.prefix(
                    .aggTrade, aggregate.id, aggregate.time, isVoid: aggregate.first < 0)
            ) {
                var row = try AggTradeEncoder($0)
                row.price = aggregate.ticks * 1_000_000
                row.quantity = aggregate.steps * 1000
                row.firstTradeId = aggregate.first
                row.lastTradeId = aggregate.last
                row.isBuyerMaker = aggregate.isBuyerMaker
                return row.encodedLength
            }
        }
        for kline in klines {
            try bytes.appendFrame(
                upTo: 1024, prefix: Self.prefix(.kline, kline.openTime, kline.openTime)
            ) {
                var row = try KlineEncoder($0)
                row.closeTime = kline.closeTime
                row.openPrice = kline.open * 1_000_000
                row.highPrice = kline.high * 1_000_000
                row.lowPrice = kline.low * 1_000_000
                row.closePrice = kline.close * 1_000_000
                row.volume = Int128(kline.steps) * 1000
                row.quoteVolume = kline.quote * 10
                row.takerBuyBaseVolume = Int128(kline.boughtSteps) * 1000
                row.takerBuyQuoteVolume = kline.boughtQuote * 10
                row.tradeCount = kline.trades
                row.isClosed = true
                return row.encodedLength
            }
        }
        return bytes.array
    }

    private static func prefix(
        _ kind: RecordKind, _ id: Int64, _ time: Int64, isVoid: Bool = false
    ) -> RecordPrefix {
        let series = kind == .kline ? KlineInterval.minute1.code : 0
        return RecordPrefix(
            sequence: Sample.sequence(kind, series: series), eventTime: time,
            ingestTime: time &* 1000, ids: id...id, source: .rest, exponents: (-8, -8),
            flags: isVoid ? .invalid : [])
    }
}
