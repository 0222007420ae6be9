import Foundation
import Identity
import Records
import SBE
import SchemaModel
import Testing

/// Encoders of our own record against the walker, which reads the same bytes by the schema.
struct RecordCodecTests {
    private func walk(_ bytes: [UInt8], _ message: String) throws -> [String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let url = root.appendingPathComponent("Sources/Records/Schema/records.xml")
        let schema = try Schema(xml: Data(contentsOf: url))
        let found = try #require(schema.messages.first { $0.name == message })
        return try SchemaWalker.values(bytes, schema, found)
    }

    @Test func `every record begins with the same 72 bytes`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let url = root.appendingPathComponent("Sources/Records/Schema/records.xml")
        let schema = try Schema(xml: Data(contentsOf: url))
        #expect(schema.messages.map(\.id) == [1, 2, 3, 4, 5, 6, 7, 8])
        for message in schema.messages {
            let prefix = message.body.fields.prefix(11).map { "\($0.name) \($0.offset)" }
            #expect(
                prefix == [
                    "eventTime 0", "ingestTime 8", "firstId 16", "lastId 24", "symbol 32",
                    "series 64", "venue 66", "source 67", "priceExponent 68",
                    "quantityExponent 69", "flags 70",
                ], "\(message.name)")
            #expect(message.body.blockLength >= PrefixView.length)
        }
    }

    @Test func `the one writer of the prefix writes what the schema says`() throws {
        var buffer = [UInt8](repeating: 0xAA, count: 104)
        do {
            var span = buffer.mutableSpan
            _ = try TradeEncoder(span.mutableBytes)
            var bytes = span.mutableBytes
            let symbol = try #require(SymbolName("币安人生加长符USDT1234567"))
            bytes.store(
                RecordPrefix(
                    sequence: SequenceID(venue: 1, template: 1, series: 0x1234, symbol: symbol),
                    eventTime: -5, ingestTime: 6, ids: 7...8, source: .repair,
                    exponents: (-8, 3), flags: .invalid))
        }
        let values = try walk(buffer, "Trade")
        let symbol = hex(Array("币安人生加长符USDT1234567".utf8))
        #expect(symbol.count == 64)
        for expected in [
            "eventTime=-5", "ingestTime=6", "firstId=7", "lastId=8", "symbol=\(symbol)",
            "series=4660", "venue=1", "source=4", "priceExponent=-8", "quantityExponent=3",
            "flags=1",
        ] { #expect(values.contains(expected), "\(expected) in \(values)") }
    }

    @Test func `a kline keeps 128-bit volumes of either sign`() throws {
        var buffer = [UInt8](repeating: 0xAA, count: 200)
        var span = buffer.mutableSpan
        var kline = try KlineEncoder(span.mutableBytes)
        kline.volume = .min
        kline.quoteVolume = .max
        kline.takerBuyBaseVolume = -1
        kline.takerBuyQuoteVolume = 18_446_744_073_709_551_616
        kline.isClosed = true
        let values = try walk(buffer, "Kline")
        #expect(values.contains("volume=\(Int128.min)"))
        #expect(values.contains("quoteVolume=\(Int128.max)"))
        #expect(values.contains("takerBuyBaseVolume=-1"))
        #expect(values.contains("takerBuyQuoteVolume=18446744073709551616"))
        #expect(values.contains("isClosed=true"))
        let found = try KlineDecoder(buffer.span.bytes)
        #expect(found.volume == .min)
        #expect(found.takerBuyBaseVolume == -1)
        #expect(found.takerBuyQuoteVolume == 18_446_744_073_709_551_616)
    }

    @Test func `a trade may not know whether it was the best match`() throws {
        for (value, text) in [(nil, "nil"), (true, "true"), (false, "false")] as [(Bool?, String)] {
            var buffer = [UInt8](repeating: 0xAA, count: 104)
            var span = buffer.mutableSpan
            var trade = try TradeEncoder(span.mutableBytes)
            trade.isBestMatch = value
            #expect(trade.isBestMatch == value)
            let values = try walk(buffer, "Trade")
            #expect(values.suffix(2) == ["isBuyerMaker=false", "isBestMatch=\(text)"])
        }
    }

    @Test func `a raw record keeps the message byte for byte`() throws {
        var buffer = [UInt8](repeating: 0xAA, count: 300)
        let message = (0..<200).map { UInt8($0) }
        var length = 0
        do {
            var span = buffer.mutableSpan
            var raw = try RawEncoder(span.mutableBytes)
            #expect(raw.encodedLength == 84)
            try raw.message(message.span.bytes)
            length = raw.encodedLength
        }
        #expect(length == 284)
        let cut = Array(buffer[..<length])
        #expect(try walk(cut, "Raw").last == "message=\(hex(message))")
        let found = try RawDecoder(cut.span.bytes)
        #expect(array(found.message) == message)
    }
}
