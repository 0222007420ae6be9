import Binance
import SBE

/// What generated decoders of the Binance schemas find, listed in ``SchemaWalker``'s form.
enum GeneratedValues {
    static func tradesStreamEvent(_ bytes: [UInt8]) throws -> [String] {
        let event = try Stream.TradesStreamEventDecoder(bytes.span.bytes)
        var lines = [
            "eventTime=\(event.eventTime)", "transactTime=\(event.transactTime)",
            "priceExponent=\(event.priceExponent)", "qtyExponent=\(event.qtyExponent)",
            "trades.count=\(event.trades.count)",
        ]
        for index in 0..<event.trades.count {
            let trade = event.trades[index]
            lines += [
                "id=\(trade.id)", "price=\(trade.price)", "qty=\(trade.qty)",
                "isBuyerMaker=\(trade.isBuyerMaker)",
            ].map { "trades[\(index)].\($0)" }
        }
        return lines + ["symbol=\(hex(array(event.symbol)))"]
    }

    static func bestBidAskStreamEvent(_ bytes: [UInt8]) throws -> [String] {
        let event = try Stream.BestBidAskStreamEventDecoder(bytes.span.bytes)
        return [
            "eventTime=\(event.eventTime)", "bookUpdateId=\(event.bookUpdateId)",
            "priceExponent=\(event.priceExponent)", "qtyExponent=\(event.qtyExponent)",
            "bidPrice=\(event.bidPrice)", "bidQty=\(event.bidQty)",
            "askPrice=\(event.askPrice)", "askQty=\(event.askQty)",
            "symbol=\(hex(array(event.symbol)))",
        ]
    }

    static func depthSnapshotStreamEvent(_ bytes: [UInt8]) throws -> [String] {
        let event = try Stream.DepthSnapshotStreamEventDecoder(bytes.span.bytes)
        var lines = [
            "eventTime=\(event.eventTime)", "bookUpdateId=\(event.bookUpdateId)",
            "priceExponent=\(event.priceExponent)", "qtyExponent=\(event.qtyExponent)",
            "bids.count=\(event.bids.count)",
        ]
        for index in 0..<event.bids.count {
            let level = event.bids[index]
            lines += ["price=\(level.price)", "qty=\(level.qty)"].map { "bids[\(index)].\($0)" }
        }
        lines.append("asks.count=\(event.asks.count)")
        for index in 0..<event.asks.count {
            let level = event.asks[index]
            lines += ["price=\(level.price)", "qty=\(level.qty)"].map { "asks[\(index)].\($0)" }
        }
        return lines + ["symbol=\(hex(array(event.symbol)))"]
    }

    static func depthDiffStreamEvent(_ bytes: [UInt8]) throws -> [String] {
        let event = try Stream.DepthDiffStreamEventDecoder(bytes.span.bytes)
        var lines = [
            "eventTime=\(event.eventTime)", "firstBookUpdateId=\(event.firstBookUpdateId)",
            "lastBookUpdateId=\(event.lastBookUpdateId)",
            "priceExponent=\(event.priceExponent)", "qtyExponent=\(event.qtyExponent)",
            "bids.count=\(event.bids.count)",
        ]
        for index in 0..<event.bids.count {
            let level = event.bids[index]
            lines += ["price=\(level.price)", "qty=\(level.qty)"].map { "bids[\(index)].\($0)" }
        }
        lines.append("asks.count=\(event.asks.count)")
        for index in 0..<event.asks.count {
            let level = event.asks[index]
            lines += ["price=\(level.price)", "qty=\(level.qty)"].map { "asks[\(index)].\($0)" }
        }
        return lines + ["symbol=\(hex(array(event.symbol)))"]
    }

    // MARK: - REST

    static func errorResponse(_ bytes: [UInt8]) throws -> [String] {
        let reply = try REST.ErrorResponseDecoder(bytes.span.bytes)
        return [
            "code=\(reply.code)", "serverTime=\(words(reply.serverTime))",
            "retryAfter=\(words(reply.retryAfter))", "msg=\(hex(array(reply.msg)))",
            "data=\(hex(array(reply.data)))",
        ]
    }

    static func pingResponse(_ bytes: [UInt8]) throws -> [String] {
        _ = try REST.PingResponseDecoder(bytes.span.bytes)
        return []
    }

    static func serverTimeResponse(_ bytes: [UInt8]) throws -> [String] {
        ["serverTime=\(try REST.ServerTimeResponseDecoder(bytes.span.bytes).serverTime)"]
    }

    static func depthResponse(_ bytes: [UInt8]) throws -> [String] {
        let reply = try REST.DepthResponseDecoder(bytes.span.bytes)
        var lines = [
            "lastUpdateId=\(reply.lastUpdateId)", "priceExponent=\(reply.priceExponent)",
            "qtyExponent=\(reply.qtyExponent)", "bids.count=\(reply.bids.count)",
        ]
        for index in 0..<reply.bids.count {
            let level = reply.bids[index]
            lines += ["price=\(level.price)", "qty=\(level.qty)"].map { "bids[\(index)].\($0)" }
        }
        lines.append("asks.count=\(reply.asks.count)")
        for index in 0..<reply.asks.count {
            let level = reply.asks[index]
            lines += ["price=\(level.price)", "qty=\(level.qty)"].map { "asks[\(index)].\($0)" }
        }
        return lines
    }

    static func tradesResponse(_ bytes: [UInt8]) throws -> [String] {
        let reply = try REST.TradesResponseDecoder(bytes.span.bytes)
        var lines = [
            "priceExponent=\(reply.priceExponent)", "qtyExponent=\(reply.qtyExponent)",
            "trades.count=\(reply.trades.count)",
        ]
        for index in 0..<reply.trades.count {
            let trade = reply.trades[index]
            lines += [
                "id=\(trade.id)", "price=\(trade.price)", "qty=\(trade.qty)",
                "quoteQty=\(trade.quoteQty)", "time=\(trade.time)",
                "isBuyerMaker=\(trade.isBuyerMaker)", "isBestMatch=\(trade.isBestMatch)",
            ].map { "trades[\(index)].\($0)" }
        }
        return lines
    }

    static func aggTradesResponse(_ bytes: [UInt8]) throws -> [String] {
        let reply = try REST.AggTradesResponseDecoder(bytes.span.bytes)
        var lines = [
            "priceExponent=\(reply.priceExponent)", "qtyExponent=\(reply.qtyExponent)",
            "aggTrades.count=\(reply.aggTrades.count)",
        ]
        for index in 0..<reply.aggTrades.count {
            let trade = reply.aggTrades[index]
            lines += [
                "aggTradeId=\(trade.aggTradeId)", "price=\(trade.price)", "qty=\(trade.qty)",
                "firstTradeId=\(trade.firstTradeId)", "lastTradeId=\(trade.lastTradeId)",
                "time=\(trade.time)", "isBuyerMaker=\(trade.isBuyerMaker)",
                "isBestMatch=\(trade.isBestMatch)",
            ].map { "aggTrades[\(index)].\($0)" }
        }
        return lines
    }

    static func klinesResponse(_ bytes: [UInt8]) throws -> [String] {
        let reply = try REST.KlinesResponseDecoder(bytes.span.bytes)
        var lines = [
            "priceExponent=\(reply.priceExponent)", "qtyExponent=\(reply.qtyExponent)",
            "klines.count=\(reply.klines.count)",
        ]
        for index in 0..<reply.klines.count {
            let kline = reply.klines[index]
            lines += [
                "openTime=\(kline.openTime)", "openPrice=\(kline.openPrice)",
                "highPrice=\(kline.highPrice)", "lowPrice=\(kline.lowPrice)",
                "closePrice=\(kline.closePrice)", "volume=\(kline.volume)",
                "closeTime=\(kline.closeTime)", "quoteVolume=\(kline.quoteVolume)",
                "numTrades=\(kline.numTrades)",
                "takerBuyBaseVolume=\(kline.takerBuyBaseVolume)",
                "takerBuyQuoteVolume=\(kline.takerBuyQuoteVolume)",
            ].map { "klines[\(index)].\($0)" }
        }
        return lines
    }
}

/// A value or `nil`.
func words<Value>(_ value: Value?) -> String { value.map { "\($0)" } ?? "nil" }
