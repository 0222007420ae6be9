import Encoding
import Identity
import SBE

extension FrameView {
    /// Gives every field of the record to a sink. The names and types that consumers of the
    /// replaced service use come first, then what makes the record exact.
    ///
    /// - Throws: ``FrameError/badMessage(_:)`` when the message breaks its template.
    func describe<Sink: FieldSink & ~Copyable>(to sink: inout Sink) throws(FrameError) {
        sink.symbol("symbol", symbol)
        sink.long("event_ts", Timestamp.floor(eventTime, by: 1000))
        sink.long("ingest_ts", Timestamp.floor(ingestTime, by: 1_000_000))
        do throws(SBEError) {
            switch RecordKind(rawValue: template) {
            case .trade: try describeTrade(&sink)
            case .aggTrade: try describeAggTrade(&sink)
            case .kline: try describeKline(&sink)
            case .bestBidAsk: try describeBestBidAsk(&sink)
            case .depthDiff: try describeDepthDiff(&sink)
            case .depthSnapshot: try describeDepthSnapshot(&sink)
            case .gap: try describeGap(&sink)
            case .raw: try describeRaw(&sink)
            case nil: describeUnknown(&sink)
            }
        } catch { throw .badMessage("\(error)") }
        sink.exponent("price_exponent", priceExponent)
        sink.exponent("qty_exponent", quantityExponent)
        sink.eventTime(eventTime)
        sink.nanoseconds("ingest_time_ns", ingestTime)
        sink.long("venue", Int64(venue))
        sink.long("flags", Int64(flags))
    }

    @inline(__always)
    private func describeSource<Sink: FieldSink & ~Copyable>(_ sink: inout Sink) {
        guard source <= SourceWord.last else {
            return sink.unnamed("source", source, number: "source_code")
        }
        sink.word("source", SourceWord.text(source))
    }

    /// What a record of one id does not tell: another last id, and a series where none is expected.
    @inline(__always)
    private func describeOddities<Sink: FieldSink & ~Copyable>(_ sink: inout Sink) {
        if lastID != firstID { sink.secondID("last_id", lastID) }
        if series != 0 { sink.series(series) }
    }

    private func describeTrade<Sink: FieldSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(SBEError) {
        let trade = try TradeDecoder(message)
        sink.long("trade_id", firstID)
        sink.decimal("price", trade.price, priceExponent)
        sink.decimal("qty", trade.quantity, quantityExponent)
        sink.boolean("is_buyer_maker", trade.isBuyerMaker)
        describeSource(&sink)
        sink.optionalBoolean("is_best_match", trade.isBestMatch)
        sink.mantissa("price_mantissa", trade.price)
        sink.mantissa("qty_mantissa", trade.quantity)
        sink.exactPrice("price_exact", trade.price, priceExponent)
        sink.exactQuantity("qty_exact", trade.quantity, quantityExponent)
        describeOddities(&sink)
    }

    private func describeAggTrade<Sink: FieldSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(SBEError) {
        let trade = try AggTradeDecoder(message)
        sink.long("agg_trade_id", firstID)
        sink.decimal("price", trade.price, priceExponent)
        sink.decimal("qty", trade.quantity, quantityExponent)
        sink.long("first_trade_id", trade.firstTradeId)
        sink.long("last_trade_id", trade.lastTradeId)
        sink.boolean("is_buyer_maker", trade.isBuyerMaker)
        describeSource(&sink)
        sink.optionalBoolean("is_best_match", trade.isBestMatch)
        sink.mantissa("price_mantissa", trade.price)
        sink.mantissa("qty_mantissa", trade.quantity)
        sink.exactPrice("price_exact", trade.price, priceExponent)
        sink.exactQuantity("qty_exact", trade.quantity, quantityExponent)
        describeOddities(&sink)
    }

    private func describeKline<Sink: FieldSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(SBEError) {
        let kline = try KlineDecoder(message)
        let interval = KlineInterval(code: series)
        sink.interval(interval?.word ?? "unknown")
        if interval == nil { sink.series(series) }
        if lastID != firstID { sink.secondID("last_id", lastID) }
        sink.long("open_time", Timestamp.floor(firstID, by: 1000))
        sink.long("close_time", Timestamp.floor(kline.closeTime, by: 1000))
        sink.decimal("open_price", kline.openPrice, priceExponent)
        sink.decimal("high_price", kline.highPrice, priceExponent)
        sink.decimal("low_price", kline.lowPrice, priceExponent)
        sink.decimal("close_price", kline.closePrice, priceExponent)
        sink.wideDecimal("volume", kline.volume, quantityExponent)
        sink.wideDecimal("quote_volume", kline.quoteVolume, priceExponent)
        sink.long("trade_count", kline.tradeCount)
        sink.wideDecimal("taker_buy_base_volume", kline.takerBuyBaseVolume, quantityExponent)
        sink.wideDecimal("taker_buy_quote_volume", kline.takerBuyQuoteVolume, priceExponent)
        sink.boolean("is_closed", kline.isClosed)
        describeSource(&sink)
        sink.mantissa("open_price_mantissa", kline.openPrice)
        sink.mantissa("high_price_mantissa", kline.highPrice)
        sink.mantissa("low_price_mantissa", kline.lowPrice)
        sink.mantissa("close_price_mantissa", kline.closePrice)
        sink.wideMantissa("volume_mantissa", kline.volume)
        sink.wideMantissa("quote_volume_mantissa", kline.quoteVolume)
        sink.wideMantissa("taker_buy_base_volume_mantissa", kline.takerBuyBaseVolume)
        sink.wideMantissa("taker_buy_quote_volume_mantissa", kline.takerBuyQuoteVolume)
        sink.exactPrice("open_price_exact", kline.openPrice, priceExponent)
        sink.exactPrice("high_price_exact", kline.highPrice, priceExponent)
        sink.exactPrice("low_price_exact", kline.lowPrice, priceExponent)
        sink.exactPrice("close_price_exact", kline.closePrice, priceExponent)
        sink.exactVolume("volume_exact", kline.volume, quantityExponent)
        sink.exactVolume("quote_volume_exact", kline.quoteVolume, priceExponent)
        sink.exactVolume(
            "taker_buy_base_volume_exact", kline.takerBuyBaseVolume, quantityExponent)
        sink.exactVolume("taker_buy_quote_volume_exact", kline.takerBuyQuoteVolume, priceExponent)
        sink.long("open_time_us", firstID)
        sink.long("close_time_us", kline.closeTime)
    }

    private func describeBestBidAsk<Sink: FieldSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(SBEError) {
        let quote = try BestBidAskDecoder(message)
        sink.decimal("bid_px", quote.bidPrice, priceExponent)
        sink.decimal("bid_sz", quote.bidQuantity, quantityExponent)
        sink.decimal("ask_px", quote.askPrice, priceExponent)
        sink.decimal("ask_sz", quote.askQuantity, quantityExponent)
        describeSource(&sink)
        sink.long("update_id", firstID)
        sink.mantissa("bid_px_mantissa", quote.bidPrice)
        sink.mantissa("bid_sz_mantissa", quote.bidQuantity)
        sink.mantissa("ask_px_mantissa", quote.askPrice)
        sink.mantissa("ask_sz_mantissa", quote.askQuantity)
        sink.exactPrice("bid_px_exact", quote.bidPrice, priceExponent)
        sink.exactQuantity("bid_sz_exact", quote.bidQuantity, quantityExponent)
        sink.exactPrice("ask_px_exact", quote.askPrice, priceExponent)
        sink.exactQuantity("ask_sz_exact", quote.askQuantity, quantityExponent)
        describeOddities(&sink)
    }

    private func describeDepthDiff<Sink: FieldSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(SBEError) {
        let book = try DepthDiffDecoder(message)
        sink.long("first_update_id", firstID)
        sink.long("last_update_id", lastID)
        let (bids, asks) = (book.bids, book.asks)
        var levels: [BookLevel] = []
        for index in 0..<bids.count {
            levels.append(BookLevel(price: bids[index].price, quantity: bids[index].quantity))
        }
        sink.levels("bids", levels, self)
        levels.removeAll(keepingCapacity: true)
        for index in 0..<asks.count {
            levels.append(BookLevel(price: asks[index].price, quantity: asks[index].quantity))
        }
        sink.levels("asks", levels, self)
        describeSource(&sink)
        if series != 0 { sink.series(series) }
    }

    private func describeDepthSnapshot<Sink: FieldSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(SBEError) {
        let book = try DepthSnapshotDecoder(message)
        sink.long("last_update_id", lastID)
        let (bids, asks) = (book.bids, book.asks)
        var levels: [BookLevel] = []
        for index in 0..<bids.count {
            levels.append(BookLevel(price: bids[index].price, quantity: bids[index].quantity))
        }
        sink.levels("bids", levels, self)
        levels.removeAll(keepingCapacity: true)
        for index in 0..<asks.count {
            levels.append(BookLevel(price: asks[index].price, quantity: asks[index].quantity))
        }
        sink.levels("asks", levels, self)
        describeSource(&sink)
        sink.long("series", Int64(series))
        if firstID != lastID { sink.secondID("first_id", firstID) }
    }

    private func describeGap<Sink: FieldSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(SBEError) {
        let gap = try GapDecoder(message)
        sink.long("first_id", firstID)
        sink.long("last_id", lastID)
        sink.word("missing_kind", RecordKind(rawValue: gap.missingTemplate)?.word ?? "unknown")
        if GapReason(word: "\(gap.reason.word)") == gap.reason {
            sink.word("reason", gap.reason.word)
        } else {
            sink.unnamed("reason", gap.reason.rawValue, number: "reason_code")
        }
        describeSource(&sink)
        sink.long("missing_template", Int64(gap.missingTemplate))
        sink.long("series", Int64(series))
        if let evidence = gap.evidence {
            sink.text("evidence", evidence)
        } else {
            // An older record has none.
            let nothing: [UInt8] = []
            sink.text("evidence", unsafe nothing.span.bytes)
        }
    }

    private func describeRaw<Sink: FieldSink & ~Copyable>(
        _ sink: inout Sink
    ) throws(SBEError) {
        let raw = try RawDecoder(message)
        sink.long("arrival", firstID)
        describeSource(&sink)
        sink.bytes("message", raw.message)
        describeOddities(&sink)
    }

    private func describeUnknown<Sink: FieldSink & ~Copyable>(_ sink: inout Sink) {
        sink.long("first_id", firstID)
        sink.long("last_id", lastID)
        describeSource(&sink)
        sink.long("template", Int64(template))
        sink.bytes("frame", bytes)
    }
}

// MARK: - Words

/// A source or reason of a newer schema, in a form that has one string for it: `unknown:7`.
enum UnnamedCode {
    static func text(_ code: UInt8) -> String { "unknown:\(code)" }

    /// The code of such a text; nil for another one.
    static func code(_ text: String) -> UInt8? {
        let digits = text.utf8.dropFirst(8)
        guard text.hasPrefix("unknown:"), digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            return nil
        }
        return UInt8(text.dropFirst(8))
    }
}

/// The names of sources, as the replaced service wrote them.
enum SourceWord {
    /// The highest code that has a name; 0 is "unknown".
    static let last: UInt8 = 5

    static func text(_ source: UInt8) -> StaticString {
        switch source {
        case 1: "sbe"
        case 2: "rest"
        case 3: "archive"
        case 4: "repair"
        case 5: "json"
        default: "unknown"
        }
    }

    static func code(_ text: String) -> UInt8? {
        switch text {
        case "sbe": 1
        case "rest": 2
        case "archive": 3
        case "repair": 4
        case "json": 5
        case "unknown": 0
        default: nil
        }
    }
}

extension GapReason {
    /// The name in JSON and Avro.
    var word: StaticString {
        switch self {
        case .missed: "missed"
        case .notServed: "notServed"
        case .absent: "absent"
        case .overflow: "overflow"
        case .disconnected: "disconnected"
        case .quarantined: "quarantined"
        default: "unknown"
        }
    }

    /// The reason of a name; nil for no such name.
    init?(word: String) {
        let all: [GapReason] = [
            .unknown, .missed, .notServed, .absent, .overflow, .disconnected,
            .quarantined,
        ]
        guard let reason = all.first(where: { "\($0.word)" == word }) else { return nil }
        self = reason
    }
}
