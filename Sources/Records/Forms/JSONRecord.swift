import Identity
public import Posix
import SBE

/// Turns a line of JSON back into the record that it came from.
public enum JSONRecord {
    /// A line that is no record.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// What is wrong, with the byte or the field.
        public let description: String

        init(_ description: String) { self.description = description }
    }

    /// Appends the frame of one line; members that are not known here are ignored.
    ///
    /// - Throws: ``Failure``; nothing was appended then.
    public static func appendFrame(of line: RawSpan, to bytes: inout Bytes) throws(Failure) {
        let start = bytes.count
        do {
            let fields = try JSONFields(line)
            try appendRecord(fields, to: &bytes)
        } catch let failure as Failure {
            bytes.truncate(to: start)
            throw failure
        } catch {
            bytes.truncate(to: start)
            throw Failure("\(error)")
        }
    }

    private static func appendRecord(
        _ fields: borrowing JSONFields, to bytes: inout Bytes
    ) throws {
        let name = try fields.text(fields.has("record_kind") ? "record_kind" : "kind")
        guard let kind = RecordKind(name: name) else {
            guard name == "unknown" else {
                throw Failure("kind: \"\(name)\" is not a kind of record")
            }
            return try appendForeign(fields, to: &bytes)
        }
        switch kind {
        case .trade: try appendTrade(fields, to: &bytes)
        case .aggTrade: try appendAggTrade(fields, to: &bytes)
        case .kline: try appendKline(fields, to: &bytes)
        case .bestBidAsk: try appendBestBidAsk(fields, to: &bytes)
        case .depthDiff, .depthSnapshot: try appendBook(fields, kind, to: &bytes)
        case .gap: try appendGap(fields, to: &bytes)
        case .raw: try appendRaw(fields, to: &bytes)
        }
    }

    // MARK: - Kinds

    private static func appendTrade(
        _ fields: borrowing JSONFields, to bytes: inout Bytes
    ) throws {
        let id = try fields.integer("trade_id")
        let price = try fields.mantissa("price", fields.priceExponent)
        let quantity = try fields.mantissa("qty", fields.quantityExponent)
        let isMaker = try fields.boolean("is_buyer_maker")
        let isBest = try fields.optionalBoolean("is_best_match")
        let prefix = try fields.prefix(.trade, ids: fields.ids(from: id), series: fields.series)
        try bytes.appendFrame(upTo: 8 + TradeEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try TradeEncoder(room)
            record.price = price
            record.quantity = quantity
            record.isBuyerMaker = isMaker
            record.isBestMatch = isBest
            return record.encodedLength
        }
    }

    private static func appendAggTrade(
        _ fields: borrowing JSONFields, to bytes: inout Bytes
    ) throws {
        let id = try fields.integer("agg_trade_id")
        let price = try fields.mantissa("price", fields.priceExponent)
        let quantity = try fields.mantissa("qty", fields.quantityExponent)
        let first = try fields.integer("first_trade_id")
        let last = try fields.integer("last_trade_id")
        let isMaker = try fields.boolean("is_buyer_maker")
        let isBest = try fields.optionalBoolean("is_best_match")
        let prefix = try fields.prefix(.aggTrade, ids: fields.ids(from: id), series: fields.series)
        try bytes.appendFrame(upTo: 8 + AggTradeEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try AggTradeEncoder(room)
            record.price = price
            record.quantity = quantity
            record.firstTradeId = first
            record.lastTradeId = last
            record.isBuyerMaker = isMaker
            record.isBestMatch = isBest
            return record.encodedLength
        }
    }

    private static func appendKline(
        _ fields: borrowing JSONFields, to bytes: inout Bytes
    ) throws {
        let name = try fields.text(fields.has("kline_interval") ? "kline_interval" : "interval")
        let series: UInt16
        if let interval = KlineInterval(rawValue: name) {
            series = interval.code
        } else if name == "unknown", fields.has("series") {
            series = try fields.small("series", UInt16.self)
        } else {
            throw Failure("interval: \"\(name)\" is not a valid interval")
        }
        let open = try fields.integer("open_time_us")
        let close = try fields.integer("close_time_us")
        let (price, quantity) = (try fields.priceExponent, try fields.quantityExponent)
        let prices = [
            try fields.mantissa("open_price", price), try fields.mantissa("high_price", price),
            try fields.mantissa("low_price", price), try fields.mantissa("close_price", price),
        ]
        let volumes = [
            try fields.wideMantissa("volume", quantity),
            try fields.wideMantissa("quote_volume", price),
            try fields.wideMantissa("taker_buy_base_volume", quantity),
            try fields.wideMantissa("taker_buy_quote_volume", price),
        ]
        let count = try fields.integer("trade_count")
        let isClosed = try fields.boolean("is_closed")
        let prefix = try fields.prefix(.kline, ids: fields.ids(from: open), series: series)
        try bytes.appendFrame(upTo: 8 + KlineEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try KlineEncoder(room)
            record.closeTime = close
            record.openPrice = prices[0]
            record.highPrice = prices[1]
            record.lowPrice = prices[2]
            record.closePrice = prices[3]
            record.volume = volumes[0]
            record.quoteVolume = volumes[1]
            record.takerBuyBaseVolume = volumes[2]
            record.takerBuyQuoteVolume = volumes[3]
            record.tradeCount = count
            record.isClosed = isClosed
            return record.encodedLength
        }
    }

    private static func appendBestBidAsk(
        _ fields: borrowing JSONFields, to bytes: inout Bytes
    ) throws {
        let id = try fields.integer("update_id")
        let (price, quantity) = (try fields.priceExponent, try fields.quantityExponent)
        let bid = (try fields.mantissa("bid_px", price), try fields.mantissa("bid_sz", quantity))
        let ask = (try fields.mantissa("ask_px", price), try fields.mantissa("ask_sz", quantity))
        let prefix = try fields.prefix(
            .bestBidAsk, ids: fields.ids(from: id), series: fields.series)
        try bytes.appendFrame(upTo: 8 + BestBidAskEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try BestBidAskEncoder(room)
            (record.bidPrice, record.bidQuantity) = bid
            (record.askPrice, record.askQuantity) = ask
            return record.encodedLength
        }
    }

    private static func appendBook(
        _ fields: borrowing JSONFields, _ kind: RecordKind, to bytes: inout Bytes
    ) throws {
        let last = try fields.integer("last_update_id")
        let first =
            kind == .depthDiff
            ? try fields.integer("first_update_id")
            : try fields.optionalInteger("first_id") ?? last
        guard first <= last else { throw Failure("first_update_id: above last_update_id") }
        let bids = try fields.levels("bids")
        let asks = try fields.levels("asks")
        let length = 8 + DepthDiffEncoder.blockLength + 12 + 16 * (bids.count + asks.count)
        guard length + Frame.headerLength <= Frame.maximumLength else {
            throw Failure("bids, asks: \(bids.count + asks.count) levels are over the frame limit")
        }
        let prefix = try fields.prefix(kind, ids: first...last, series: fields.series)
        if kind == .depthDiff {
            try bytes.appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
                var record = try DepthDiffEncoder(room)
                try record.bids(count: bids.count)
                for (index, level) in bids.enumerated() {
                    record.setBids(index, price: level.price, quantity: level.quantity)
                }
                try record.asks(count: asks.count)
                for (index, level) in asks.enumerated() {
                    record.setAsks(index, price: level.price, quantity: level.quantity)
                }
                return record.encodedLength
            }
        } else {
            try bytes.appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
                var record = try DepthSnapshotEncoder(room)
                try record.bids(count: bids.count)
                for (index, level) in bids.enumerated() {
                    record.setBids(index, price: level.price, quantity: level.quantity)
                }
                try record.asks(count: asks.count)
                for (index, level) in asks.enumerated() {
                    record.setAsks(index, price: level.price, quantity: level.quantity)
                }
                return record.encodedLength
            }
        }
    }

    private static func appendGap(
        _ fields: borrowing JSONFields, to bytes: inout Bytes
    ) throws {
        let (first, last) = (try fields.integer("first_id"), try fields.integer("last_id"))
        guard first <= last else { throw Failure("first_id: above last_id") }
        let missing = try fields.small("missing_template", UInt16.self)
        let code = try fields.code("reason", number: "reason_code") {
            GapReason(word: $0)?.rawValue
        }
        let prefix = try fields.prefix(
            .gap, ids: first...last, series: fields.small("series", UInt16.self))
        try bytes.appendFrame(upTo: 8 + GapEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try GapEncoder(room)
            record.missingTemplate = missing
            record.reason = GapReason(rawValue: code)
            return record.encodedLength
        }
    }

    private static func appendRaw(
        _ fields: borrowing JSONFields, to bytes: inout Bytes
    ) throws {
        let id = try fields.integer("arrival")
        let message = try fields.base64("message")
        let length = 8 + RawEncoder.blockLength + 4 + message.count
        guard length + Frame.headerLength <= Frame.maximumLength else {
            throw Failure("message: \(message.count) bytes are over the frame limit")
        }
        let prefix = try fields.prefix(.raw, ids: fields.ids(from: id), series: fields.series)
        try bytes.appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
            var record = try RawEncoder(room)
            try record.message(unsafe message.span.bytes)
            return record.encodedLength
        }
    }

    /// A record of a newer schema: its frame as a whole, checked like any frame from a pipe.
    private static func appendForeign(
        _ fields: borrowing JSONFields, to bytes: inout Bytes
    ) throws {
        let frame = try fields.base64("frame")
        _ = try FrameView(unsafe frame.span.bytes)
        bytes.append(unsafe frame.span.bytes)
    }
}
