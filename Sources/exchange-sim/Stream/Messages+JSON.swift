import Encoding
import Identity
import NIOCore
import NIOWebSocket
import Posix
import SimulatedMarket

/// The same market as JSON texts, in the venue's own order of members.
extension Messages {
    /// One message for each trade of an aggregate; nothing for a voided one.
    func jsonTrades(
        ofAggregate id: Int64, eventTime: Int64, _ shape: MessageShape, to run: inout MessageRun
    ) {
        guard !market.isVoid(id) else { return }
        let order = market.order(id)
        for trade in order.trades {
            append(.trade, trade...trade, shape, to: &run) { text in
                text.append("{\"e\":\"trade\",\"E\":")
                text.append(decimal: eventTime / shape.unit)
                text.append(",\"s\":\"\(market.symbol)\",\"t\":")
                text.append(decimal: trade)
                text.append(price: order.ticks, ",\"p\":\"")
                text.append(quantity: market.steps(ofTrade: trade), "\",\"q\":\"")
                text.append("\",\"T\":")
                text.append(decimal: order.time / shape.unit)
                text.append(",\"m\":\(order.isBuyerMaker),\"M\":true}")
            }
        }
    }

    /// An aggregate; nothing for a voided one.
    func jsonAggregate(
        _ id: Int64, eventTime: Int64, _ shape: MessageShape, to run: inout MessageRun
    ) {
        guard !market.isVoid(id) else { return }
        let aggregate = market.aggregate(id)
        append(.aggTrade, id...id, shape, to: &run) { text in
            text.append("{\"e\":\"aggTrade\",\"E\":")
            text.append(decimal: eventTime / shape.unit)
            text.append(",\"s\":\"\(market.symbol)\",\"a\":")
            text.append(decimal: id)
            text.append(price: aggregate.ticks, ",\"p\":\"")
            text.append(quantity: aggregate.steps, "\",\"q\":\"")
            text.append("\",\"f\":\(aggregate.firstTrade),\"l\":\(aggregate.lastTrade),\"T\":")
            text.append(decimal: aggregate.time / shape.unit)
            text.append(",\"m\":\(aggregate.isBuyerMaker),\"M\":true}")
        }
    }

    /// The best levels after an update of the book, without a time.
    func jsonQuote(update: Int64, _ shape: MessageShape, to run: inout MessageRun) {
        let best = market.book(update).best
        append(.bookTicker, update...update, shape, to: &run) { text in
            text.append("{\"u\":\(update),\"s\":\"\(market.symbol)\"")
            text.append(price: best.bid.ticks, ",\"b\":\"")
            text.append(quantity: best.bid.steps, "\",\"B\":\"")
            text.append(price: best.ask.ticks, "\",\"a\":\"")
            text.append(quantity: best.ask.steps, "\",\"A\":\"")
            text.append("\"}")
        }
    }

    /// What a run of updates changed.
    func jsonDiff(
        _ kind: JSONStreamKind, _ updates: ClosedRange<Int64>, eventTime: Int64,
        _ shape: MessageShape, to run: inout MessageRun
    ) {
        let (bids, asks) = market.book(updates.upperBound)
            .changes(since: market.book(updates.lowerBound - 1))
        append(kind, updates, shape, to: &run) { text in
            text.append("{\"e\":\"depthUpdate\",\"E\":")
            text.append(decimal: eventTime / shape.unit)
            text.append(",\"s\":\"\(market.symbol)\",\"U\":\(updates.lowerBound)")
            text.append(",\"u\":\(updates.upperBound),\"b\":")
            text.append(levels: bids)
            text.append(",\"a\":")
            text.append(levels: asks)
            text.append("}")
        }
    }

    /// The first levels of each side; whose they are only the stream's name says.
    func jsonTop(
        _ kind: JSONStreamKind, levels: Int, update: Int64, _ shape: MessageShape,
        to run: inout MessageRun
    ) {
        let book = market.book(update)
        append(kind, update...update, shape, to: &run) { text in
            text.append("{\"lastUpdateId\":\(update),\"bids\":")
            text.append(levels: book.bids(limit: levels))
            text.append(",\"asks\":")
            text.append(levels: book.asks(limit: levels))
            text.append("}")
        }
    }

    /// A candlestick; nothing without trades, as in REST replies.
    ///
    /// - Parameter newest: the newest aggregate in it.
    func jsonKline(
        _ interval: KlineInterval, _ bucket: ClosedRange<Int64>, newest: Int64, isClosed: Bool,
        eventTime: Int64, _ shape: MessageShape, to run: inout MessageRun
    ) {
        guard
            let kline = market.kline(
                from: bucket.lowerBound, through: bucket.upperBound, newest: newest)
        else { return }
        var first = market.firstAggregate(at: bucket.lowerBound)
        while market.isVoid(first) { first += 1 }
        let firstTrade = market.trades(ofAggregate: first).lowerBound
        // The venue's last ms of an interval ends in 999, its last µs in 999999.
        let close = shape.unit == 1 ? bucket.upperBound : bucket.upperBound / 1000
        append(.kline(interval), bucket.lowerBound...bucket.lowerBound, shape, to: &run) { text in
            text.append("{\"e\":\"kline\",\"E\":")
            text.append(decimal: eventTime / shape.unit)
            text.append(",\"s\":\"\(market.symbol)\",\"k\":{\"t\":")
            text.append(decimal: bucket.lowerBound / shape.unit)
            text.append(",\"T\":\(close),\"s\":\"\(market.symbol)\"")
            text.append(",\"i\":\"\(interval.rawValue)\",\"f\":\(firstTrade)")
            text.append(",\"L\":\(firstTrade + kline.trades - 1)")
            text.append(price: kline.open, ",\"o\":\"")
            text.append(price: kline.close, "\",\"c\":\"")
            text.append(price: kline.high, "\",\"h\":\"")
            text.append(price: kline.low, "\",\"l\":\"")
            text.append(quantity: kline.steps, "\",\"v\":\"")
            text.append("\",\"n\":\(kline.trades),\"x\":\(isClosed),\"q\":\"")
            text.append(decimal: kline.quote * 10, exponent: -8)
            text.append(quantity: kline.boughtSteps, "\",\"V\":\"")
            text.append("\",\"Q\":\"")
            text.append(decimal: kline.boughtQuote * 10, exponent: -8)
            text.append("\",\"B\":\"0\"}}")
        }
    }

    /// Appends a text frame, wrapped with its stream's name where that is wanted.
    private func append(
        _ kind: JSONStreamKind, _ ids: ClosedRange<Int64>, _ shape: MessageShape,
        to run: inout MessageRun, _ write: (inout Bytes) -> Void
    ) {
        var text = Bytes(capacity: 512)
        if shape.isCombined {
            text.append("{\"stream\":\"\(market.symbol.lowercased())@\(kind.name)\",\"data\":")
        }
        write(&text)
        if shape.isCombined { text.append("}") }
        let start = run.bytes.writerIndex
        WireFrame.header(.text, length: text.count, to: &run.bytes)
        let message = run.bytes.writerIndex
        text.span.withUnsafeBytes { _ = run.bytes.writeBytes($0) }
        run.marks.append(
            .init(start: start, message: message, end: run.bytes.writerIndex, ids: ids))
    }
}

extension Bytes {
    fileprivate mutating func append(price ticks: Int64, _ before: StaticString) {
        append(before)
        append(decimal: ticks * 1_000_000, exponent: -8)
    }

    fileprivate mutating func append(quantity steps: Int64, _ before: StaticString) {
        append(before)
        append(decimal: steps * 1000, exponent: -8)
    }

    fileprivate mutating func append(_ text: String) { append(utf8: text) }

    fileprivate mutating func append(levels: [Market.Book.Level]) {
        append(UInt8(ascii: "["))
        for (index, level) in levels.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            append(price: level.ticks, "[\"")
            append(quantity: level.steps, "\",\"")
            append(utf8: "\"]")
        }
        append(UInt8(ascii: "]"))
    }
}
