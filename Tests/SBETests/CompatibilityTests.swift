import Binance
import Records
import SBE
import Testing

/// What a reader meets when the other side is newer, older or someone else.
struct CompatibilityTests {
    /// Two trades as a newer version might send them: 3 more bytes in the root block, 2 in entries.
    static let newer = bytes(
        """
        15 00 10 27 01 00 09 00 55 25 db 73 41 58 06 00
        40 22 db 73 41 58 06 00 f8 f8 aa aa aa 1b 00 02 00 00 00
        01 f2 05 2a 01 00 00 00 80 2e b5 75 f3 05 00 00
        a8 5e bc 00 00 00 00 00 01 bb bb 02 f2 05 2a 01 00 00
        00 c0 70 c4 75 f3 05 00 00 00 e1 f5 05 00 00 00
        00 00 bb bb 07 42 54 43 55 53 44 54 cc cc cc
        """)

    @Test func `longer blocks and a higher version are read`() throws {
        let event = try Stream.TradesStreamEventDecoder(Self.newer.span.bytes)
        #expect(event.trades.count == 2)
        #expect(event.trades[1].id == 5_000_000_002)
        #expect(event.trades[1].qty == 100_000_000)
        #expect(text(event.symbol) == "BTCUSDT")
        #expect(try MessageHeader(Self.newer.span.bytes).version == 9)
    }

    @Test func `an unknown template is told by the header and refused by a decoder`() throws {
        var message = Self.newer
        message[2] = 0x99
        let header = try MessageHeader(message.span.bytes)
        #expect(header.templateID == 0x2799)
        #expect(
            throws: SBEError.foreignTemplate(
                message: "TradesStreamEvent", expected: 10000, found: 0x2799)
        ) { try GeneratedValues.tradesStreamEvent(message) }
    }

    @Test func `another schema is refused`() throws {
        var message = Self.newer
        message[4] = 3
        #expect(
            throws: SBEError.foreignSchema(message: "TradesStreamEvent", expected: 1, found: 3)
        ) { try GeneratedValues.tradesStreamEvent(message) }
    }

    @Test func `a block too short for its version is refused`() throws {
        var message = StreamVectorTests.twoTrades
        message[0] = 17
        #expect(
            throws: SBEError.shortBlock(
                message: "TradesStreamEvent", part: "root block", offset: 8, need: 18, have: 17)
        ) { try GeneratedValues.tradesStreamEvent(message) }
        message[0] = 18
        message[26] = 24
        #expect(
            throws: SBEError.shortBlock(
                message: "TradesStreamEvent", part: "trades", offset: 26, need: 25, have: 24)
        ) { try GeneratedValues.tradesStreamEvent(message) }
    }

    @Test func `an older message has nil where a newer field would be`() throws {
        let everything = try #require(Subject.odd.first { $0.name == "odd.Everything" })
        let bytes = RandomMessage.bytes(everything.schema, everything.message, version: 1, seed: 3)
        let found = try Odd.EverythingDecoder(bytes.span.bytes)
        #expect(found.second == nil)
        #expect(found.third == nil)
        #expect(found.thirdTag == nil)
        let tree = try #require(Subject.odd.first { $0.name == "odd.Tree" })
        let old = RandomMessage.bytes(tree.schema, tree.message, version: 1, seed: 3)
        let older = try Odd.TreeDecoder(old.span.bytes)
        #expect(older.roots.count == 0)
        if older.finder != nil { Issue.record("version 1 has no finder") }
    }

    @Test func `an empty group may state any block length`() throws {
        let message = bytes(
            "0a 00 c8 00 03 00 05 00 c8 3c 53 4c 10 00 00 00 f8 f8"
                + "00 00 00 00 00 00 ff ff 00 00 00 00")
        let reply = try REST.DepthResponseDecoder(message.span.bytes)
        #expect(reply.bids.count == 0)
        #expect(reply.asks.count == 0)
    }

    @Test func `counts and lengths at their limits are errors, not traps`() throws {
        var message = StreamVectorTests.twoTrades
        for index in 26..<32 { message[index] = 0xFF }
        #expect(
            throws: SBEError.tooManyEntries(
                message: "TradesStreamEvent", part: "trades", offset: 26, count: 4_294_967_295,
                limit: 2_147_483_647)
        ) { try GeneratedValues.tradesStreamEvent(message) }
        message[31] = 0x7F
        #expect(
            throws: SBEError.truncated(
                message: "TradesStreamEvent", part: "trades", offset: 32,
                need: 65535 * 2_147_483_647, have: 58)
        ) { try GeneratedValues.tradesStreamEvent(message) }
        // uint32 times uint64: their product does not fit.
        let tree = bytes(
            "0001 0002 004d 0003 09 0000 ffffffff 7fffffffffffffff 00000000 00")
        #expect(
            throws: SBEError.truncated(
                message: "Tree", part: "roots", offset: 23, need: .max, have: 5)
        ) { try OddValues.tree(tree) }
    }

    @Test func `errors say in words what does not fit`() {
        let error = SBEError.truncated(
            message: "Trade", part: "root block", offset: 8, need: 88, have: 3)
        #expect("\(error)" == "Trade: root block at offset 8 needs 88 bytes, 3 are there")
    }
}
