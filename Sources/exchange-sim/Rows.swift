import Binance
import Encoding
import Posix
import Records
import SBE
import SimulatedMarket

/// The rows of a reply, and their two forms.
enum Rows {
    case aggTrades([Market.Aggregate])
    case trades([Market.Trade])
    case klines([Market.Kline])

    /// How many.
    var count: Int {
        switch self {
        case .aggTrades(let rows): rows.count
        case .trades(let rows): rows.count
        case .klines(let rows): rows.count
        }
    }

    /// Spoils the rows as a fault says.
    mutating func spoil(_ fault: Fault) {
        func spoiled<Row>(_ rows: [Row]) -> [Row] {
            guard rows.count >= 3 else { return rows }
            var rows = rows
            let middle = rows.count / 2
            switch fault {
            case .duplicate: rows.insert(rows[middle], at: middle)
            case .missing: rows.remove(at: middle)
            case .unordered: rows.swapAt(middle, middle - 1)
            default: break
            }
            return rows
        }
        switch self {
        case .aggTrades(let rows): self = .aggTrades(spoiled(rows))
        case .trades(let rows): self = .trades(spoiled(rows))
        case .klines(let rows): self = .klines(spoiled(rows))
        }
    }

    // MARK: - JSON

    /// The reply as the venue writes it in JSON.
    ///
    /// - Parameter unit: 1 for µs, 1000 for ms.
    func json(unit: Int64) -> [UInt8] {
        var text = Bytes(capacity: 64 + 160 * count)
        text.append(UInt8(ascii: "["))
        switch self {
        case .aggTrades(let rows):
            for (index, row) in rows.enumerated() {
                text.append(index == 0 ? "{\"a\":" : ",{\"a\":")
                text.append(decimal: row.id)
                // The venue voids an aggregate with a bare zero.
                text.append(",\"p\":\"")
                text.append(decimal: row.ticks * 1_000_000, exponent: row.firstTrade < 0 ? 0 : -8)
                text.append("\",\"q\":\"")
                text.append(decimal: row.steps * 1000, exponent: row.firstTrade < 0 ? 0 : -8)
                text.append("\",\"f\":")
                text.append(decimal: row.firstTrade)
                text.append(",\"l\":")
                text.append(decimal: row.lastTrade)
                text.append(",\"T\":")
                text.append(decimal: row.time / unit)
                text.append(
                    row.isBuyerMaker ? ",\"m\":true,\"M\":true}" : ",\"m\":false,\"M\":true}")
            }
        case .trades(let rows):
            for (index, row) in rows.enumerated() {
                text.append(index == 0 ? "{\"id\":" : ",{\"id\":")
                text.append(decimal: row.id)
                text.append(",\"price\":\"")
                text.append(decimal: row.ticks * 1_000_000, exponent: -8)
                text.append("\",\"qty\":\"")
                text.append(decimal: row.steps * 1000, exponent: -8)
                text.append("\",\"quoteQty\":\"")
                text.append(decimal: row.ticks * row.steps * 10, exponent: -8)
                text.append("\",\"time\":")
                text.append(decimal: row.time / unit)
                text.append(
                    row.isBuyerMaker
                        ? ",\"isBuyerMaker\":true,\"isBestMatch\":true}"
                        : ",\"isBuyerMaker\":false,\"isBestMatch\":true}")
            }
        case .klines(let rows):
            for (index, row) in rows.enumerated() { Self.append(row, index, unit, to: &text) }
        }
        text.append(UInt8(ascii: "]"))
        return text.array
    }

    private static func append(
        _ row: Market.Kline, _ index: Int, _ unit: Int64, to text: inout Bytes
    ) {
        text.append(index == 0 ? "[" : ",[")
        text.append(decimal: row.openTime / unit)
        for ticks in [row.open, row.high, row.low, row.close] {
            text.append(",\"")
            text.append(decimal: ticks * 1_000_000, exponent: -8)
            text.append("\"")
        }
        text.append(",\"")
        text.append(decimal: row.steps * 1000, exponent: -8)
        text.append("\",")
        text.append(decimal: row.closeTime / unit)
        text.append(",\"")
        text.append(decimal: row.quote * 10, exponent: -8)
        text.append("\",")
        text.append(decimal: row.trades)
        text.append(",\"")
        text.append(decimal: row.boughtSteps * 1000, exponent: -8)
        text.append("\",\"")
        text.append(decimal: row.boughtQuote * 10, exponent: -8)
        text.append("\",\"0\"]")
    }

    // MARK: - SBE

    /// The reply as the venue writes it in SBE 3:5.
    func sbe() throws(SBEError) -> [UInt8] {
        var bytes = Bytes(capacity: 64 + 120 * count)
        try bytes.append(room: 16 + 120 * count) { (room) throws(SBEError) in
            switch self {
            case .aggTrades(let rows):
                var message = try REST.AggTradesResponseEncoder(room.mutableBytes)
                message.priceExponent = -8
                message.qtyExponent = -8
                try message.aggTrades(count: rows.count)
                for (index, row) in rows.enumerated() {
                    message.setAggTrades(
                        index, aggTradeId: row.id, price: row.ticks * 1_000_000,
                        qty: row.steps * 1000, firstTradeId: row.firstTrade,
                        lastTradeId: row.lastTrade, time: row.time,
                        isBuyerMaker: row.isBuyerMaker, isBestMatch: true)
                }
                return message.encodedLength
            case .trades(let rows):
                var message = try REST.TradesResponseEncoder(room.mutableBytes)
                message.priceExponent = -8
                message.qtyExponent = -8
                try message.trades(count: rows.count)
                for (index, row) in rows.enumerated() {
                    message.setTrades(
                        index, id: row.id, price: row.ticks * 1_000_000, qty: row.steps * 1000,
                        quoteQty: row.ticks * row.steps * 10, time: row.time,
                        isBuyerMaker: row.isBuyerMaker, isBestMatch: true)
                }
                return message.encodedLength
            case .klines(let rows):
                var message = try REST.KlinesResponseEncoder(room.mutableBytes)
                message.priceExponent = -8
                message.qtyExponent = -8
                try message.klines(count: rows.count)
                for (index, row) in rows.enumerated() {
                    message.setKlines(
                        index, openTime: row.openTime, openPrice: row.open * 1_000_000,
                        highPrice: row.high * 1_000_000, lowPrice: row.low * 1_000_000,
                        closePrice: row.close * 1_000_000, volume: Int128(row.steps) * 1000,
                        closeTime: row.closeTime, quoteVolume: row.quote * 10,
                        numTrades: row.trades, takerBuyBaseVolume: Int128(row.boughtSteps) * 1000,
                        takerBuyQuoteVolume: row.boughtQuote * 10)
                }
                return message.encodedLength
            }
        }
        return bytes.array
    }
}
