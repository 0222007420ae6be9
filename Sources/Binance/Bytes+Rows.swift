import Posix
import Records
import SBE

/// Records of rows and messages that were read from text, or from a reply; the stream's SBE
/// messages have their own, which copy nothing.
extension Bytes {
    mutating func append(_ row: TradeRow, _ prefix: RecordPrefix) throws(SBEError) {
        try appendFrame(upTo: 8 + TradeEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try TradeEncoder(room)
            record.price = row.price
            record.quantity = row.quantity
            record.isBuyerMaker = row.isBuyerMaker
            record.isBestMatch = row.isBestMatch
            return record.encodedLength
        }
    }

    mutating func append(_ row: AggTradeRow, _ prefix: RecordPrefix) throws(SBEError) {
        try appendFrame(upTo: 8 + AggTradeEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try AggTradeEncoder(room)
            record.price = row.price
            record.quantity = row.quantity
            record.firstTradeId = row.firstTradeID
            record.lastTradeId = row.lastTradeID
            record.isBuyerMaker = row.isBuyerMaker
            record.isBestMatch = row.isBestMatch
            return record.encodedLength
        }
    }

    mutating func append(
        _ row: KlineRow, isClosed: Bool, _ prefix: RecordPrefix
    ) throws(SBEError) {
        try appendFrame(upTo: 8 + KlineEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try KlineEncoder(room)
            record.closeTime = row.closeTime
            record.openPrice = row.open
            record.highPrice = row.high
            record.lowPrice = row.low
            record.closePrice = row.close
            record.volume = row.volume
            record.quoteVolume = row.quoteVolume
            record.takerBuyBaseVolume = row.takerBuyBaseVolume
            record.takerBuyQuoteVolume = row.takerBuyQuoteVolume
            record.tradeCount = row.tradeCount
            record.isClosed = isClosed
            return record.encodedLength
        }
    }

    /// Of a best bid and a best ask.
    mutating func append(bid: BookLevel, ask: BookLevel, _ prefix: RecordPrefix) throws(SBEError) {
        try appendFrame(upTo: 8 + BestBidAskEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try BestBidAskEncoder(room)
            (record.bidPrice, record.bidQuantity) = (bid.price, bid.quantity)
            (record.askPrice, record.askQuantity) = (ask.price, ask.quantity)
            return record.encodedLength
        }
    }
}
