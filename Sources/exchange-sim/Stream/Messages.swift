import Binance
import NIOCore
import NIOWebSocket
import SBE
import SimulatedMarket

/// Frames one after another in a buffer, each with one message.
struct MessageRun {
    /// Where a message is.
    struct Mark {
        /// Of the frame.
        let start: Int
        /// Of the message, behind the frame's header.
        let message: Int
        /// Of both.
        let end: Int
        /// The ids that the message covers.
        let ids: ClosedRange<Int64>
    }

    /// The frames.
    var bytes = ByteBuffer()
    /// One per frame.
    var marks: [Mark] = []

    /// Forgets the content, keeps the memory.
    mutating func removeAll() {
        bytes.clear()
        marks.removeAll(keepingCapacity: true)
    }
}

/// Writes a symbol's messages as the venue does.
struct Messages {
    let market: Market
    private let layout: MessageLayout
    private let symbol: [UInt8]

    init(_ market: Market, _ layout: MessageLayout) {
        self.market = market
        self.layout = layout
        symbol = Array(market.symbol.utf8)
    }

    /// All trades of an aggregate in one message; nothing for a voided one.
    func trades(ofAggregate id: Int64, eventTime: Int64, to run: inout MessageRun) {
        guard !market.isVoid(id) else { return }
        let order = market.order(id)
        let price = layout.scale.price(order.ticks)
        let length = 8 + 18 + 6 + 25 * order.trades.count + 1 + symbol.count
        append(length, order.trades, to: &run) { (room) throws(SBEError) in
            var message = try Stream.TradesStreamEventEncoder(room.mutableBytes)
            message.eventTime = eventTime
            message.transactTime = order.time
            message.priceExponent = layout.scale.priceExponent
            message.qtyExponent = layout.scale.quantityExponent
            try message.trades(count: order.trades.count)
            for trade in order.trades {
                message.setTrades(
                    Int(trade - order.trades.lowerBound), id: trade, price: price,
                    qty: layout.scale.quantity(market.steps(ofTrade: trade)),
                    isBuyerMaker: order.isBuyerMaker)
            }
            try message.symbol(symbol.span.bytes)
            return message.encodedLength
        }
    }

    /// The best levels after an update of the book.
    func bestBidAsk(update: Int64, eventTime: Int64, to run: inout MessageRun) {
        let best = market.book(update).best
        let length = 8 + 50 + 1 + symbol.count
        append(length, update...update, to: &run) { (room) throws(SBEError) in
            var message = try Stream.BestBidAskStreamEventEncoder(room.mutableBytes)
            message.eventTime = eventTime
            message.bookUpdateId = update
            message.priceExponent = layout.scale.priceExponent
            message.qtyExponent = layout.scale.quantityExponent
            message.bidPrice = layout.scale.price(best.bid.ticks)
            message.bidQty = layout.scale.quantity(best.bid.steps)
            message.askPrice = layout.scale.price(best.ask.ticks)
            message.askQty = layout.scale.quantity(best.ask.steps)
            try message.symbol(symbol.span.bytes)
            return message.encodedLength
        }
    }

    /// The first twenty levels of each side.
    func snapshot(update: Int64, eventTime: Int64, to run: inout MessageRun) {
        let book = market.book(update)
        let (bids, asks) = (book.bids(limit: 20), book.asks(limit: 20))
        let length = 8 + 18 + 8 + 16 * (bids.count + asks.count) + 1 + symbol.count
        append(length, update...update, to: &run) { (room) throws(SBEError) in
            var message = try Stream.DepthSnapshotStreamEventEncoder(room.mutableBytes)
            message.eventTime = eventTime
            message.bookUpdateId = update
            message.priceExponent = layout.scale.priceExponent
            message.qtyExponent = layout.scale.quantityExponent
            try message.bids(count: bids.count)
            for (index, level) in bids.enumerated() {
                message.setBids(
                    index, price: layout.scale.price(level.ticks),
                    qty: layout.scale.quantity(level.steps))
            }
            try message.asks(count: asks.count)
            for (index, level) in asks.enumerated() {
                message.setAsks(
                    index, price: layout.scale.price(level.ticks),
                    qty: layout.scale.quantity(level.steps))
            }
            try message.symbol(symbol.span.bytes)
            return message.encodedLength
        }
    }

    /// What a run of updates changed.
    func diff(_ updates: ClosedRange<Int64>, eventTime: Int64, to run: inout MessageRun) {
        let (bids, asks) = market.book(updates.upperBound)
            .changes(since: market.book(updates.lowerBound - 1))
        let length = 8 + 26 + 8 + 16 * (bids.count + asks.count) + 1 + symbol.count
        append(length, updates, to: &run) { (room) throws(SBEError) in
            var message = try Stream.DepthDiffStreamEventEncoder(room.mutableBytes)
            message.eventTime = eventTime
            message.firstBookUpdateId = updates.lowerBound
            message.lastBookUpdateId = updates.upperBound
            message.priceExponent = layout.scale.priceExponent
            message.qtyExponent = layout.scale.quantityExponent
            try message.bids(count: bids.count)
            for (index, level) in bids.enumerated() {
                message.setBids(
                    index, price: layout.scale.price(level.ticks),
                    qty: layout.scale.quantity(level.steps))
            }
            try message.asks(count: asks.count)
            for (index, level) in asks.enumerated() {
                message.setAsks(
                    index, price: layout.scale.price(level.ticks),
                    qty: layout.scale.quantity(level.steps))
            }
            try message.symbol(symbol.span.bytes)
            return message.encodedLength
        }
    }

    /// Appends a frame with a message whose length is known beforehand.
    @inline(__always)
    private func append(
        _ length: Int, _ ids: ClosedRange<Int64>, to run: inout MessageRun,
        _ encode: (UnsafeMutableRawBufferPointer) throws(SBEError) -> Int
    ) {
        let start = run.bytes.writerIndex
        let padding = layout.padding
        WireFrame.header(.binary, length: length + padding, to: &run.bytes)
        let message = run.bytes.writerIndex
        run.bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: length + padding) { room in
            do throws(SBEError) {
                let written = try encode(UnsafeMutableRawBufferPointer(rebasing: room[padding...]))
                precondition(written == length, "a message has another length than computed")
            } catch { preconditionFailure("\(error)") }
            if layout.isChanged { layout.widen(room) }
            return length + padding
        }
        let end = message + length + padding
        run.marks.append(.init(start: start, message: message, end: end, ids: ids))
    }
}
