import Foundation
import TestSupport
import Testing

/// `recq` where a person meets it.
struct RecqTests {
    /// A trade as a line of JSON.
    static func trade(_ id: Int, symbol: String = "BTCUSDT", price: String = "1.5") -> String {
        """
        {"kind":"trade","symbol":"\(symbol)","trade_id":\(id),"price":\(price),"qty":2,\
        "is_buyer_maker":true,"source":"rest","is_best_match":null,"price_exponent":-8,\
        "qty_exponent":-8,"event_time_us":1704067200000000,\
        "ingest_time_ns":"1704067200000000001","venue":1,"flags":0}

        """
    }

    static func frames(_ lines: String) throws -> [UInt8] {
        let outcome = try Program.run("recq", ["pack"], input: Array(lines.utf8))
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }

    /// The same frames as schema 8801 had them, with symbols of 24 bytes.
    static func old(_ frames: [UInt8]) -> [UInt8] {
        var old: [UInt8] = []
        var start = 0
        while start < frames.count {
            let length = frames[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
            var frame = Array(frames[start..<(start + length)])
            frame.removeSubrange(70..<78)
            for index in 0..<4 { frame[index] = UInt8((length - 8) >> (24 - 8 * index) & 255) }
            frame[6] -= 8
            (frame[10], frame[11]) = (0x61, 0x22)
            old += frame
            start += length
        }
        return old
    }

    // MARK: - upgrade

    @Test func `a capture of an earlier version is converted`() throws {
        let frames = try Self.frames((1...5000).map { Self.trade($0) }.joined())
        for input in [Self.old(frames), frames, Self.old(frames) + frames] {
            let outcome = try Program.run("recq", ["upgrade"], input: input)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let times = input.count > frames.count ? 2 : 1
            #expect(outcome.output == Array(repeating: frames, count: times).flatMap { $0 })
        }
        let place = try TemporaryDirectory()
        let path = place.path("old.bin")
        try Data(Self.old(frames)).write(to: URL(fileURLWithPath: path))
        let outcome = try Program.run("recq", ["upgrade", path, "-"], input: frames)
        #expect(outcome.output == frames + frames)
    }

    @Test func `what is cut or is not a record is 65, and what came before it is written`() throws {
        let frames = try Self.frames(Self.trade(1) + Self.trade(2))
        let old = Self.old(frames)
        for input in [Array(old.dropLast(5)), Array(old[..<102]) + Array("Obj".utf8) + old] {
            let outcome = try Program.run("recq", ["upgrade"], input: input)
            #expect(outcome.status == 65)
            #expect(outcome.errors.contains("byte 102"), "\(outcome.errors)")
            #expect(outcome.output == Array(frames[..<110]))
        }
    }

    @Test(arguments: [
        "dedup", "recq json", "recq count", "recq check", "recq head",
        "s3-put --to file://PLACE/data",
    ])
    func `a stage that meets an old record names the command that converts it`(
        command: String
    ) throws {
        let place = try TemporaryDirectory()
        let words = command.replacingOccurrences(of: "PLACE", with: place.path).split(
            separator: " ")
        let outcome = try Program.run(
            String(words[0]), words.dropFirst().map(String.init),
            input: Self.old(Self.frames(Self.trade(1))))
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("recq upgrade"), "\(outcome.errors)")
    }

    // MARK: - Symbols

    @Test func `a symbol of 32 bytes goes through, one of 33 is refused with the rule`() throws {
        let longest = "这是测试币人生1234567USDT"
        #expect(longest.utf8.count == 32)
        let frames = try Self.frames(Self.trade(1, symbol: longest))
        let json = try Program.run("recq", ["json"], input: frames)
        #expect(json.text.contains("\"symbol\":\"\(longest)\""))
        let line = Self.trade(1, symbol: longest + "X")
        let outcome = try Program.run("recq", ["pack"], input: Array(line.utf8))
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("1 to 32 bytes"), "\(outcome.errors)")
        for command in [
            ["rest-pull", "trades", "--symbol", longest + "X"],
            ["sbe-tap", "--symbols", longest + "X"],
        ] {
            let refused = try Program.run(
                command[0], Array(command.dropFirst()), environment: ["BINANCE_API_KEY": "k"])
            #expect(refused.status == 64, "\(command): \(refused.errors)")
            #expect(refused.errors.contains("1 to 32 bytes"), "\(refused.errors)")
        }
    }

    @Test func `symbols that differ in their last bytes are two sequences in the ledger`() throws {
        let place = try TemporaryDirectory()
        let common = "这是测试币人生1234567USD"
        let lines = ["T", "C"].map { Self.trade(1, symbol: common + $0) }.joined()
        let put = try Program.run(
            "s3-put", ["--to", "file://\(place.path)/data", "--state-dir", place.path("state")],
            input: Self.frames(lines))
        #expect(put.status == 0, "\(put.errors)")
        #expect(put.errors.contains("2 records in 2 objects"), "\(put.errors)")
        let again = try Program.run(
            "s3-put", ["--to", "file://\(place.path)/data", "--state-dir", place.path("state")],
            input: Self.frames(lines))
        #expect(again.errors.contains("\"refused\":\"2\""), "\(again.errors)")
        let shown = try Program.run("ledgerctl", ["show", place.path("state")])
        #expect(shown.text.contains(common + "T") && shown.text.contains(common + "C"))
    }
}
