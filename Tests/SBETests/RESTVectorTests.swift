import Binance
import SBE
import Testing

/// Worked examples of REST replies: they decode to their values, and encoding those gives back the
/// same bytes.
struct RESTVectorTests {
    @Test func `two aggregate trades decode and encode`() throws {
        let message = bytes(
            """
            02 00 ca 00 03 00 05 00 f8 f8 32 00 02 00 00 00
            0a 28 6b ee 00 00 00 00 80 2e b5 75 f3 05 00 00
            a8 5e bc 00 00 00 00 00 01 f2 05 2a 01 00 00 00
            03 f2 05 2a 01 00 00 00 40 22 db 73 41 58 06 00
            01 01 0b 28 6b ee 00 00 00 00 c0 70 c4 75 f3 05
            00 00 00 e1 f5 05 00 00 00 00 04 f2 05 2a 01 00
            00 00 04 f2 05 2a 01 00 00 00 1c 28 db 73 41 58
            06 00 00 01
            """)
        let reply = try REST.AggTradesResponseDecoder(message.span.bytes)
        #expect(reply.priceExponent == -8)
        #expect(reply.qtyExponent == -8)
        #expect(reply.aggTrades.count == 2)
        let (first, second) = (reply.aggTrades[0], reply.aggTrades[1])
        #expect(first.aggTradeId == 4_000_000_010)
        #expect(first.price == 6_543_210_000_000)
        #expect(first.qty == 12_345_000)
        #expect(first.firstTradeId == 5_000_000_001)
        #expect(first.lastTradeId == 5_000_000_003)
        #expect(first.time == 1_785_888_000_123_456)
        #expect(first.isBuyerMaker == true)
        #expect(first.isBestMatch == true)
        #expect(second.aggTradeId == 4_000_000_011)
        #expect(second.price == 6_543_211_000_000)
        #expect(second.qty == 100_000_000)
        #expect(second.firstTradeId == 5_000_000_004)
        #expect(second.lastTradeId == 5_000_000_004)
        #expect(second.time == 1_785_888_000_124_956)
        #expect(second.isBuyerMaker == false)
        #expect(second.isBestMatch == true)

        var buffer = [UInt8](repeating: 0xAA, count: 116)
        var span = buffer.mutableSpan
        var encoder = try REST.AggTradesResponseEncoder(span.mutableBytes)
        encoder.priceExponent = -8
        encoder.qtyExponent = -8
        try encoder.aggTrades(count: 2)
        for index in 0..<2 {
            let row = reply.aggTrades[index]
            encoder.setAggTrades(
                index, aggTradeId: row.aggTradeId, price: row.price, qty: row.qty,
                firstTradeId: row.firstTradeId, lastTradeId: row.lastTradeId, time: row.time,
                isBuyerMaker: row.isBuyerMaker, isBestMatch: row.isBestMatch)
        }
        #expect(encoder.encodedLength == 116)
        #expect(buffer == message)
    }

    @Test func `a trade decodes and encodes`() throws {
        let message = bytes(
            """
            02 00 c9 00 03 00 05 00 f8 f8 2a 00 01 00 00 00
            01 f2 05 2a 01 00 00 00 80 2e b5 75 f3 05 00 00
            a8 5e bc 00 00 00 00 00 04 62 34 12 bc 00 00 00
            40 22 db 73 41 58 06 00 01 01
            """)
        let reply = try REST.TradesResponseDecoder(message.span.bytes)
        #expect(reply.trades.count == 1)
        let trade = reply.trades[0]
        #expect(trade.id == 5_000_000_001)
        #expect(trade.price == 6_543_210_000_000)
        #expect(trade.qty == 12_345_000)
        #expect(trade.quoteQty == 807_759_274_500)
        #expect(trade.time == 1_785_888_000_123_456)
        #expect(trade.isBuyerMaker == true)
        #expect(trade.isBestMatch == true)

        var buffer = [UInt8](repeating: 0xAA, count: 58)
        var span = buffer.mutableSpan
        var encoder = try REST.TradesResponseEncoder(span.mutableBytes)
        encoder.priceExponent = -8
        encoder.qtyExponent = -8
        try encoder.trades(count: 1)
        encoder.setTrades(
            0, id: 5_000_000_001, price: 6_543_210_000_000, qty: 12_345_000,
            quoteQty: 807_759_274_500, time: 1_785_888_000_123_456, isBuyerMaker: true,
            isBestMatch: true)
        #expect(encoder.encodedLength == 58)
        #expect(buffer == message)
    }

    @Test func `a kline decodes and encodes`() throws {
        let message = bytes(
            """
            02 00 cb 00 03 00 05 00 f8 f8 78 00 01 00 00 00
            00 40 d9 73 41 58 06 00 80 2e b5 75 f3 05 00 00
            00 5c 6c 0a f5 05 00 00 00 78 60 b6 f2 05 00 00
            00 cf 33 fe f3 05 00 00 40 e9 f0 80 00 00 00 00
            00 00 00 00 00 00 00 00 ff c6 6c 77 41 58 06 00
            fa 23 08 52 6f 77 00 00 00 00 00 00 00 00 00 00
            69 02 00 00 00 00 00 00 e0 4c 39 49 00 00 00 00
            00 00 00 00 00 00 00 00 78 0c 0e a2 d2 43 00 00
            00 00 00 00 00 00 00 00
            """)
        let reply = try REST.KlinesResponseDecoder(message.span.bytes)
        #expect(reply.klines.count == 1)
        let kline = reply.klines[0]
        #expect(kline.openTime == 1_785_888_000_000_000)
        #expect(kline.closeTime == 1_785_888_059_999_999)
        #expect(kline.openPrice == 6_543_210_000_000)
        #expect(kline.highPrice == 6_550_000_000_000)
        #expect(kline.lowPrice == 6_540_000_000_000)
        #expect(kline.closePrice == 6_545_500_000_000)
        #expect(kline.volume == 2_163_272_000)
        #expect(kline.quoteVolume == 131_320_001_340_410)
        #expect(kline.numTrades == 617)
        #expect(kline.takerBuyBaseVolume == 1_228_492_000)
        #expect(kline.takerBuyQuoteVolume == 74_571_941_022_840)

        var buffer = [UInt8](repeating: 0xAA, count: 136)
        var span = buffer.mutableSpan
        var encoder = try REST.KlinesResponseEncoder(span.mutableBytes)
        encoder.priceExponent = -8
        encoder.qtyExponent = -8
        try encoder.klines(count: 1)
        encoder.setKlines(
            0, openTime: kline.openTime, openPrice: kline.openPrice, highPrice: kline.highPrice,
            lowPrice: kline.lowPrice, closePrice: kline.closePrice, volume: kline.volume,
            closeTime: kline.closeTime, quoteVolume: kline.quoteVolume,
            numTrades: kline.numTrades, takerBuyBaseVolume: kline.takerBuyBaseVolume,
            takerBuyQuoteVolume: kline.takerBuyQuoteVolume)
        #expect(encoder.encodedLength == 136)
        #expect(buffer == message)
    }

    @Test func `a book decodes and encodes`() throws {
        let message = bytes(
            """
            0a 00 c8 00 03 00 05 00 c8 3c 53 4c 10 00 00 00
            f8 f8 10 00 01 00 00 00 80 2e b5 75 f3 05 00 00
            80 d1 f0 08 00 00 00 00 10 00 01 00 00 00 c0 70
            c4 75 f3 05 00 00 d0 07 00 00 00 00 00 00
            """)
        let reply = try REST.DepthResponseDecoder(message.span.bytes)
        #expect(reply.lastUpdateId == 70_000_000_200)
        #expect(reply.bids.count == 1)
        #expect(reply.bids[0].price == 6_543_210_000_000)
        #expect(reply.bids[0].qty == 150_000_000)
        #expect(reply.asks.count == 1)
        #expect(reply.asks[0].price == 6_543_211_000_000)
        #expect(reply.asks[0].qty == 2000)

        var buffer = [UInt8](repeating: 0xAA, count: 62)
        var span = buffer.mutableSpan
        var encoder = try REST.DepthResponseEncoder(span.mutableBytes)
        encoder.lastUpdateId = 70_000_000_200
        encoder.priceExponent = -8
        encoder.qtyExponent = -8
        try encoder.bids(count: 1)
        encoder.setBids(0, price: 6_543_210_000_000, qty: 150_000_000)
        try encoder.asks(count: 1)
        encoder.setAsks(0, price: 6_543_211_000_000, qty: 2000)
        #expect(encoder.encodedLength == 62)
        #expect(buffer == message)
    }

    @Test func `server time and ping decode and encode`() throws {
        let time = bytes("08 00 66 00 03 00 05 00 40 22 db 73 41 58 06 00")
        let reply = try REST.ServerTimeResponseDecoder(time.span.bytes)
        #expect(reply.serverTime == 1_785_888_000_123_456)
        var buffer = [UInt8](repeating: 0xAA, count: 16)
        var span = buffer.mutableSpan
        var encoder = try REST.ServerTimeResponseEncoder(span.mutableBytes)
        encoder.serverTime = 1_785_888_000_123_456
        #expect(encoder.encodedLength == 16)
        #expect(buffer == time)

        let ping = bytes("00 00 65 00 03 00 05 00")
        _ = try REST.PingResponseDecoder(ping.span.bytes)
        var small = [UInt8](repeating: 0xAA, count: 8)
        var smallSpan = small.mutableSpan
        #expect(try REST.PingResponseEncoder(smallSpan.mutableBytes).encodedLength == 8)
        #expect(small == ping)
    }

    @Test func `an error decodes and encodes`() throws {
        let message = bytes(
            """
            12 00 64 00 03 00 05 00 9f fb 00 00 00 00 00 00
            00 80 00 00 00 00 00 00 00 80 0f 00 49 6e 76 61
            6c 69 64 20 73 79 6d 62 6f 6c 2e 00 00 00 00
            """)
        let reply = try REST.ErrorResponseDecoder(message.span.bytes)
        #expect(reply.code == -1121)
        #expect(reply.serverTime == nil)
        #expect(reply.retryAfter == nil)
        #expect(text(reply.msg) == "Invalid symbol.")
        #expect(reply.data.byteCount == 0)

        var buffer = [UInt8](repeating: 0xAA, count: 47)
        var span = buffer.mutableSpan
        var encoder = try REST.ErrorResponseEncoder(span.mutableBytes)
        encoder.code = -1121
        // The times were not set: they are null.
        try encoder.msg("Invalid symbol.".utf8Span.span.bytes)
        #expect(encoder.encodedLength == 47)
        #expect(buffer == message)
    }

    @Test func `a ban decodes and encodes`() throws {
        let message = bytes(
            """
            12 00 64 00 03 00 05 00 15 fc 40 22 db 73 41 58
            06 00 40 30 02 7b 41 58 06 00 40 00 57 61 79 20
            74 6f 6f 20 6d 75 63 68 20 72 65 71 75 65 73 74
            20 77 65 69 67 68 74 20 75 73 65 64 3b 20 49 50
            20 62 61 6e 6e 65 64 20 75 6e 74 69 6c 20 31 37
            38 35 38 38 38 31 32 30 31 32 33 2e 00 00 00 00
            """)
        let words = "Way too much request weight used; IP banned until 1785888120123."
        let reply = try REST.ErrorResponseDecoder(message.span.bytes)
        #expect(reply.code == -1003)
        #expect(reply.serverTime == 1_785_888_000_123_456)
        #expect(reply.retryAfter == 1_785_888_120_123_456)
        #expect(text(reply.msg) == words)
        #expect(reply.data.byteCount == 0)

        var buffer = [UInt8](repeating: 0xAA, count: 96)
        var span = buffer.mutableSpan
        var encoder = try REST.ErrorResponseEncoder(span.mutableBytes)
        encoder.code = -1003
        encoder.serverTime = 1_785_888_000_123_456
        encoder.retryAfter = 1_785_888_120_123_456
        try encoder.msg(words.utf8Span.span.bytes)
        #expect(encoder.encodedLength == 96)
        #expect(buffer == message)
    }
}
