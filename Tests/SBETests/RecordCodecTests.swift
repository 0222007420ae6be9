import Foundation
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

    @Test func `every record begins with the same 64 bytes`() throws {
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
                    "series 56", "venue 58", "source 59", "priceExponent 60",
                    "quantityExponent 61", "flags 62",
                ], "\(message.name)")
            #expect(message.body.blockLength >= 64)
        }
    }

    @Test func `a kline keeps 128-bit volumes of either sign`() throws {
        var buffer = [UInt8](repeating: 0xAA, count: 192)
        var span = buffer.mutableSpan
        var kline = try KlineEncoder(span.mutableBytes)
        kline.firstId = 5
        kline.setSymbol(0x4142, 0, 0)
        kline.volume = .min
        kline.quoteVolume = .max
        kline.takerBuyBaseVolume = -1
        kline.takerBuyQuoteVolume = 18_446_744_073_709_551_616
        kline.isClosed = true
        let values = try walk(buffer, "Kline")
        #expect(values.contains("firstId=5"))
        #expect(values.contains("symbol=4241" + String(repeating: "0", count: 44)))
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
            var buffer = [UInt8](repeating: 0xAA, count: 96)
            var span = buffer.mutableSpan
            var trade = try TradeEncoder(span.mutableBytes)
            trade.isBestMatch = value
            trade.venue = .binanceSpot
            trade.flags = .invalid
            #expect(trade.isBestMatch == value)
            let values = try walk(buffer, "Trade")
            #expect(values.suffix(2) == ["isBuyerMaker=false", "isBestMatch=\(text)"])
            #expect(values.contains("venue=1"))
            #expect(values.contains("flags=1"))
        }
    }

    @Test func `a raw record keeps the message byte for byte`() throws {
        var buffer = [UInt8](repeating: 0xAA, count: 300)
        let message = (0..<200).map { UInt8($0) }
        var length = 0
        do {
            var span = buffer.mutableSpan
            var raw = try RawEncoder(span.mutableBytes)
            #expect(raw.encodedLength == 76)
            try raw.message(message.span.bytes)
            length = raw.encodedLength
        }
        #expect(length == 276)
        let cut = Array(buffer[..<length])
        #expect(try walk(cut, "Raw").last == "message=\(hex(message))")
        let found = try RawDecoder(cut.span.bytes)
        #expect(array(found.message) == message)
    }
}
