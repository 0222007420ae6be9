import Records
import SBE

/// Replies in SBE.
extension Page {
    /// Reads the reply of an endpoint.
    ///
    /// - Throws: ``PageError`` in the decoder's words.
    init(
        sbe body: RawSpan, of endpoint: Endpoint, about subject: PageSubject
    ) throws(PageError) {
        self.init(subject)
        do {
            switch endpoint {
            case .aggTrades: try readAggTrades(REST.AggTradesResponseDecoder(body))
            case .trades, .historicalTrades: try readTrades(REST.TradesResponseDecoder(body))
            case .klines: try readKlines(REST.KlinesResponseDecoder(body))
            case .depth: try readBook(REST.DepthResponseDecoder(body))
            case .time, .exchangeInfo: preconditionFailure("\(endpoint) has no rows")
            }
        } catch let error as PageError {
            throw error
        } catch {
            throw PageError("the SBE reply: \(error)")
        }
    }

    private mutating func readAggTrades(
        _ reply: borrowing REST.AggTradesResponseDecoder
    ) throws(PageError) {
        let exponents = (price: reply.priceExponent, quantity: reply.qtyExponent)
        let rows = reply.aggTrades
        for index in 0..<rows.count {
            let row = rows[index]
            try append(
                AggTradeRow(
                    id: row.aggTradeId, price: row.price, quantity: row.qty, exponents: exponents,
                    firstTradeID: row.firstTradeId,
                    lastTradeID: row.lastTradeId, time: row.time, isBuyerMaker: row.isBuyerMaker,
                    isBestMatch: row.isBestMatch))
        }
    }

    private mutating func readTrades(
        _ reply: borrowing REST.TradesResponseDecoder
    ) throws(PageError) {
        let exponents = (price: reply.priceExponent, quantity: reply.qtyExponent)
        let rows = reply.trades
        for index in 0..<rows.count {
            let row = rows[index]
            try append(
                TradeRow(
                    id: row.id, price: row.price, quantity: row.qty, exponents: exponents,
                    time: row.time, isBuyerMaker: row.isBuyerMaker,
                    isBestMatch: row.isBestMatch))
        }
    }

    private mutating func readKlines(
        _ reply: borrowing REST.KlinesResponseDecoder
    ) throws(PageError) {
        let exponents = (price: reply.priceExponent, quantity: reply.qtyExponent)
        let rows = reply.klines
        for index in 0..<rows.count {
            let row = rows[index]
            try append(
                KlineRow(
                    openTime: row.openTime, closeTime: row.closeTime, exponents: exponents,
                    open: row.openPrice, high: row.highPrice,
                    low: row.lowPrice, close: row.closePrice, volume: row.volume,
                    quoteVolume: row.quoteVolume, tradeCount: row.numTrades,
                    takerBuyBaseVolume: row.takerBuyBaseVolume,
                    takerBuyQuoteVolume: row.takerBuyQuoteVolume))
        }
    }

    private mutating func readBook(_ reply: borrowing REST.DepthResponseDecoder) throws(PageError) {
        let (bids, asks) = (reply.bids, reply.asks)
        var bought: [BookLevel] = []
        for index in 0..<bids.count {
            bought.append(BookLevel(price: bids[index].price, quantity: bids[index].qty))
        }
        var sold: [BookLevel] = []
        for index in 0..<asks.count {
            sold.append(BookLevel(price: asks[index].price, quantity: asks[index].qty))
        }
        try append(
            snapshot: reply.lastUpdateId, exponents: (reply.priceExponent, reply.qtyExponent),
            bids: bought, asks: sold)
    }
}
