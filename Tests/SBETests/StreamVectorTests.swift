import Binance
import SBE
import Testing

/// Worked examples of stream events: they decode to their values, and encoding those gives back
/// the same bytes.
struct StreamVectorTests {
    static let twoTrades = bytes(
        """
        12 00 10 27 01 00 00 00 55 25 db 73 41 58 06 00
        40 22 db 73 41 58 06 00 f8 f8 19 00 02 00 00 00
        01 f2 05 2a 01 00 00 00 80 2e b5 75 f3 05 00 00
        a8 5e bc 00 00 00 00 00 01 02 f2 05 2a 01 00 00
        00 c0 70 c4 75 f3 05 00 00 00 e1 f5 05 00 00 00
        00 00 07 42 54 43 55 53 44 54
        """)

    @Test func `two trades decode and encode`() throws {
        let event = try Stream.TradesStreamEventDecoder(Self.twoTrades.span.bytes)
        #expect(event.eventTime == 1_785_888_000_124_245)
        #expect(event.transactTime == 1_785_888_000_123_456)
        #expect(event.priceExponent == -8)
        #expect(event.qtyExponent == -8)
        #expect(event.trades.count == 2)
        #expect(event.trades[0].id == 5_000_000_001)
        #expect(event.trades[0].price == 6_543_210_000_000)
        #expect(event.trades[0].qty == 12_345_000)
        #expect(event.trades[0].isBuyerMaker == true)
        #expect(event.trades[0].isBestMatch == true)
        #expect(event.trades[1].id == 5_000_000_002)
        #expect(event.trades[1].price == 6_543_211_000_000)
        #expect(event.trades[1].qty == 100_000_000)
        #expect(event.trades[1].isBuyerMaker == false)
        #expect(event.trades[1].isBuyerMakerRaw == 0)
        #expect(text(event.symbol) == "BTCUSDT")

        var buffer = [UInt8](repeating: 0xAA, count: 200)
        var span = buffer.mutableSpan
        var encoder = try Stream.TradesStreamEventEncoder(span.mutableBytes)
        encoder.eventTime = 1_785_888_000_124_245
        encoder.transactTime = 1_785_888_000_123_456
        encoder.priceExponent = -8
        encoder.qtyExponent = -8
        try encoder.trades(count: 2)
        encoder.setTrades(
            0, id: 5_000_000_001, price: 6_543_210_000_000, qty: 12_345_000, isBuyerMaker: true)
        encoder.setTrades(
            1, id: 5_000_000_002, price: 6_543_211_000_000, qty: 100_000_000, isBuyerMaker: false)
        try encoder.symbol("BTCUSDT".utf8Span.span.bytes)
        let length = encoder.encodedLength
        #expect(Array(buffer[..<length]) == Self.twoTrades)
    }

    @Test func `other exponents and a symbol beyond ASCII decode and encode`() throws {
        let message = bytes(
            """
            12 00 10 27 01 00 00 00 55 25 db 73 41 58 06 00
            40 22 db 73 41 58 06 00 fc fe 19 00 01 00 00 00
            07 00 00 00 00 00 00 00 d4 30 00 00 00 00 00 00
            2c 01 00 00 00 00 00 00 00 12 e8 bf 99 e6 98 af
            e6 b5 8b e8 af 95 e5 b8 81 34 35 36
            """)
        let event = try Stream.TradesStreamEventDecoder(message.span.bytes)
        #expect(event.priceExponent == -4)
        #expect(event.qtyExponent == -2)
        #expect(event.trades.count == 1)
        #expect(event.trades[0].id == 7)
        #expect(event.trades[0].price == 12500)
        #expect(event.trades[0].qty == 300)
        #expect(event.trades[0].isBuyerMaker == false)
        #expect(text(event.symbol) == "这是测试币456")

        var buffer = [UInt8](repeating: 0xAA, count: 200)
        var span = buffer.mutableSpan
        var encoder = try Stream.TradesStreamEventEncoder(span.mutableBytes)
        encoder.eventTime = event.eventTime
        encoder.transactTime = event.transactTime
        encoder.priceExponent = -4
        encoder.qtyExponent = -2
        try encoder.trades(count: 1)
        encoder.setTrades(0, id: 7, price: 12500, qty: 300, isBuyerMaker: false)
        try encoder.symbol("这是测试币456".utf8Span.span.bytes)
        let length = encoder.encodedLength
        #expect(Array(buffer[..<length]) == message)
    }

    @Test func `best bid and ask decode and encode`() throws {
        let message = bytes(
            """
            32 00 11 27 01 00 00 00 c4 25 db 73 41 58 06 00
            7b 3c 53 4c 10 00 00 00 fe fb 6a d7 63 00 00 00
            00 00 f0 49 02 00 00 00 00 00 6b d7 63 00 00 00
            00 00 02 00 00 00 00 00 00 00 07 42 54 43 55 53
            44 54
            """)
        let event = try Stream.BestBidAskStreamEventDecoder(message.span.bytes)
        #expect(event.eventTime == 1_785_888_000_124_356)
        #expect(event.bookUpdateId == 70_000_000_123)
        #expect(event.priceExponent == -2)
        #expect(event.qtyExponent == -5)
        #expect(event.bidPrice == 6_543_210)
        #expect(event.bidQty == 150_000)
        #expect(event.askPrice == 6_543_211)
        #expect(event.askQty == 2)
        #expect(text(event.symbol) == "BTCUSDT")

        var buffer = [UInt8](repeating: 0xAA, count: 66)
        var span = buffer.mutableSpan
        var encoder = try Stream.BestBidAskStreamEventEncoder(span.mutableBytes)
        encoder.eventTime = 1_785_888_000_124_356
        encoder.bookUpdateId = 70_000_000_123
        encoder.priceExponent = -2
        encoder.qtyExponent = -5
        encoder.bidPrice = 6_543_210
        encoder.bidQty = 150_000
        encoder.askPrice = 6_543_211
        encoder.askQty = 2
        try encoder.symbol("BTCUSDT".utf8Span.span.bytes)
        #expect(encoder.encodedLength == 66)
        #expect(buffer == message)
    }

    @Test func `a depth snapshot decodes and encodes`() throws {
        let message = bytes(
            """
            12 00 12 27 01 00 00 00 90 e5 db 73 41 58 06 00
            c8 3c 53 4c 10 00 00 00 f8 f8 10 00 02 00 80 2e
            b5 75 f3 05 00 00 80 d1 f0 08 00 00 00 00 00 98
            1c 75 f3 05 00 00 40 78 7d 01 00 00 00 00 10 00
            01 00 c0 70 c4 75 f3 05 00 00 d0 07 00 00 00 00
            00 00 07 42 54 43 55 53 44 54
            """)
        let event = try Stream.DepthSnapshotStreamEventDecoder(message.span.bytes)
        #expect(event.eventTime == 1_785_888_000_173_456)
        #expect(event.bookUpdateId == 70_000_000_200)
        #expect(event.priceExponent == -8)
        #expect(event.qtyExponent == -8)
        #expect(event.bids.count == 2)
        #expect(event.bids[0].price == 6_543_210_000_000)
        #expect(event.bids[0].qty == 150_000_000)
        #expect(event.bids[1].price == 6_543_200_000_000)
        #expect(event.bids[1].qty == 25_000_000)
        #expect(event.asks.count == 1)
        #expect(event.asks[0].price == 6_543_211_000_000)
        #expect(event.asks[0].qty == 2000)
        #expect(text(event.symbol) == "BTCUSDT")

        var buffer = [UInt8](repeating: 0xAA, count: 90)
        var span = buffer.mutableSpan
        var encoder = try Stream.DepthSnapshotStreamEventEncoder(span.mutableBytes)
        encoder.eventTime = 1_785_888_000_173_456
        encoder.bookUpdateId = 70_000_000_200
        encoder.priceExponent = -8
        encoder.qtyExponent = -8
        try encoder.bids(count: 2)
        encoder.setBids(0, price: 6_543_210_000_000, qty: 150_000_000)
        encoder.setBids(1, price: 6_543_200_000_000, qty: 25_000_000)
        try encoder.asks(count: 1)
        encoder.setAsks(0, price: 6_543_211_000_000, qty: 2000)
        try encoder.symbol("BTCUSDT".utf8Span.span.bytes)
        #expect(encoder.encodedLength == 90)
        #expect(buffer == message)
    }

    @Test func `a depth diff with an empty side decodes and encodes`() throws {
        let message = bytes(
            """
            1a 00 13 27 01 00 00 00 b0 33 dc 73 41 58 06 00
            c9 3c 53 4c 10 00 00 00 cd 3c 53 4c 10 00 00 00
            f8 f8 10 00 02 00 80 2e b5 75 f3 05 00 00 00 00
            00 00 00 00 00 00 40 ec a5 75 f3 05 00 00 80 c3
            c9 01 00 00 00 00 10 00 00 00 07 42 54 43 55 53
            44 54
            """)
        let event = try Stream.DepthDiffStreamEventDecoder(message.span.bytes)
        #expect(event.eventTime == 1_785_888_000_193_456)
        #expect(event.firstBookUpdateId == 70_000_000_201)
        #expect(event.lastBookUpdateId == 70_000_000_205)
        #expect(event.bids.count == 2)
        #expect(event.bids[0].price == 6_543_210_000_000)
        #expect(event.bids[0].qty == 0)
        #expect(event.bids[1].price == 6_543_209_000_000)
        #expect(event.bids[1].qty == 30_000_000)
        #expect(event.asks.count == 0)
        #expect(text(event.symbol) == "BTCUSDT")

        var buffer = [UInt8](repeating: 0xAA, count: 82)
        var span = buffer.mutableSpan
        var encoder = try Stream.DepthDiffStreamEventEncoder(span.mutableBytes)
        encoder.eventTime = 1_785_888_000_193_456
        encoder.firstBookUpdateId = 70_000_000_201
        encoder.lastBookUpdateId = 70_000_000_205
        encoder.priceExponent = -8
        encoder.qtyExponent = -8
        try encoder.bids(count: 2)
        encoder.setBids(0, price: 6_543_210_000_000, qty: 0)
        encoder.setBids(1, price: 6_543_209_000_000, qty: 30_000_000)
        // The asks were not written: they are there, empty.
        try encoder.symbol("BTCUSDT".utf8Span.span.bytes)
        #expect(encoder.encodedLength == 82)
        #expect(buffer == message)
    }
}
