import Posix
import Records
import SBE

/// What a trade has besides the prefix.
struct TradeValues {
    let price: Int64
    let quantity: Int64
    let isBuyerMaker: Bool
    let isBestMatch: Bool?
}

/// Records of stream messages, written where they will leave from. A record's lengths follow from
/// the message's, which were checked: what cannot fail is not declared to.
extension Bytes {
    @inline(__always)
    mutating func append(_ trade: TradeValues, _ prefix: RecordPrefix) {
        do throws(SBEError) {
            try appendFrame(upTo: 8 + TradeEncoder.blockLength, prefix: prefix) {
                room throws(SBEError) in
                var record = try TradeEncoder(room)
                record.price = trade.price
                record.quantity = trade.quantity
                record.isBuyerMaker = trade.isBuyerMaker
                record.isBestMatch = trade.isBestMatch
                return record.encodedLength
            }
        } catch { preconditionFailure("a trade has no room: \(error)") }
    }

    @inline(__always)
    mutating func append(
        _ quote: borrowing Stream.BestBidAskStreamEventDecoder, _ prefix: RecordPrefix
    ) {
        let bid = (quote.bidPrice, quote.bidQty)
        let ask = (quote.askPrice, quote.askQty)
        do throws(SBEError) {
            try appendFrame(upTo: 8 + BestBidAskEncoder.blockLength, prefix: prefix) {
                room throws(SBEError) in
                var record = try BestBidAskEncoder(room)
                (record.bidPrice, record.bidQuantity) = bid
                (record.askPrice, record.askQuantity) = ask
                return record.encodedLength
            }
        } catch { preconditionFailure("a quote has no room: \(error)") }
    }

    mutating func append(
        _ diff: borrowing Stream.DepthDiffStreamEventDecoder, _ prefix: RecordPrefix
    ) {
        let (bids, asks) = (diff.bids, diff.asks)
        let length = Self.bookLength(levels: bids.count + asks.count)
        do throws(SBEError) {
            try appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
                var record = try DepthDiffEncoder(room)
                try record.bids(count: bids.count)
                for index in 0..<bids.count {
                    let level = bids[index]
                    record.setBids(index, price: level.price, quantity: level.qty)
                }
                try record.asks(count: asks.count)
                for index in 0..<asks.count {
                    let level = asks[index]
                    record.setAsks(index, price: level.price, quantity: level.qty)
                }
                return record.encodedLength
            }
        } catch { preconditionFailure("a diff has no room: \(error)") }
    }

    mutating func append(
        _ book: borrowing Stream.DepthSnapshotStreamEventDecoder, _ prefix: RecordPrefix
    ) {
        let (bids, asks) = (book.bids, book.asks)
        let length = Self.bookLength(levels: bids.count + asks.count)
        do throws(SBEError) {
            try appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
                var record = try DepthSnapshotEncoder(room)
                try record.bids(count: bids.count)
                for index in 0..<bids.count {
                    let level = bids[index]
                    record.setBids(index, price: level.price, quantity: level.qty)
                }
                try record.asks(count: asks.count)
                for index in 0..<asks.count {
                    let level = asks[index]
                    record.setAsks(index, price: level.price, quantity: level.qty)
                }
                return record.encodedLength
            }
        } catch { preconditionFailure("a book has no room: \(error)") }
    }
}
