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

    @Test(arguments: [
        ["recq", "pack"], ["recq", "pack", "--on-error", "skip"], ["recq", "cat", "-"],
    ])
    func `lines may begin with a byte order mark`(_ command: [String]) throws {
        let frames = try Self.frames(Self.trade(1) + Self.trade(2))
        let text = Array((Self.trade(1) + Self.trade(2)).utf8)
        let outcome = try Program.run(
            command[0], Array(command.dropFirst()), input: [0xEF, 0xBB, 0xBF] + text)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == frames)
        // Elsewhere it is not white space.
        let inside = try Program.run("recq", ["pack"], input: text + [0xEF, 0xBB, 0xBF] + text)
        #expect(inside.status == 65 && inside.errors.contains("line 3"), "\(inside.errors)")
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
        #expect(again.errors.contains("\"refused\":2"), "\(again.errors)")
        let shown = try Program.run("ledgerctl", ["show", place.path("state")])
        #expect(
            shown.text.contains(common + "T") && shown.text.contains(common + "C"), "\(shown.text)")
    }
}

extension RecqTests {
    // MARK: - check

    @Test func `check counts duplicates, disorder and holes, in whatever order ids come`() throws {
        let ids = [5, 6, 7, 1, 2, 2, 10, 9, 20, 6]
        let frames = try Self.frames(ids.map { Self.trade($0) }.joined())
        let outcome = try Program.run("recq", ["check"], input: frames)
        #expect(outcome.status == 1)
        // 1, 2 and 9 came behind others, 2 and 6 twice; 3 to 4, 8 and 11 to 19 did not come.
        #expect(
            outcome.text == "BTCUSDT trade  10 records  2 duplicates  3 out of order  3 holes\n",
            "\(outcome.text)")
    }

    @Test func `check finds a message that is cut inside its frame`() throws {
        var frame = try Self.frames(Self.trade(1))
        // The root block is as long as the prefix: price and quantity are missing.
        frame.removeSubrange(86...)
        (frame[3], frame[6]) = (86, 72)
        let outcome = try Program.run("recq", ["check"], input: frame)
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("Trade"), "\(outcome.errors)")
    }

    // MARK: - What people type

    @Test(arguments: [
        ("jsno", "recq json"), ("chekc", "recq check"), ("pakc", "recq pack"),
    ])
    func `a misspelt subcommand is answered with the nearest one`(word: String, near: String) throws
    {
        let outcome = try Program.run("recq", [word])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("Did you mean '\(near)'?"), "\(outcome.errors)")
    }

    @Test(
        arguments: [
            ([0x4F, 0x62, 0x6A, 0x01], "Avro"), ([0x50, 0x41, 0x52, 0x31], "Parquet"),
            ([0x1F, 0x8B, 8, 0], "gzip"), ([0x28, 0xB5, 0x2F, 0xFD], "zstd"),
            (Array("{\"kind\":\"trade\"}".utf8), "JSON"),
        ] as [([UInt8], String)])
    func `a stage that gets another file says what it is, and that recq cat reads it`(
        magic: [UInt8], words: String
    ) throws {
        let outcome = try Program.run(
            "dedup", [], input: magic + [UInt8](repeating: 7, count: 100))
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(outcome.errors.contains("recq cat"), "\(outcome.errors)")
    }

    @Test func `a dash is standard input`() throws {
        let frames = try Self.frames(Self.trade(1))
        for command in ["json", "head", "count", "check"] {
            let plain = try Program.run("recq", [command], input: frames)
            let dash = try Program.run("recq", [command, "-"], input: frames)
            #expect(dash.output == plain.output && dash.status == 0, "\(dash.errors)")
        }
        let json = try Program.run("recq", ["json"], input: frames).output
        #expect(try Program.run("recq", ["pack", "-"], input: json).output == frames)
    }

    // MARK: - Numbers

    @Test func `records survive a filter that keeps numbers as doubles, to the last digit`() throws
    {
        // Every third decimal of eight places from 67 million on is none that a double keeps.
        let prices = [
            "67108864.00000002", "74723748.05119268", "76666351.89987374", "90071992.54740991",
        ]
        let frames = try Self.frames(
            prices.enumerated().map { Self.trade($0.offset, price: "\"\($0.element)\"") }.joined())
        let json = try Program.run("recq", ["json"], input: frames)
        let bent = try json.text.split(separator: "\n").map { line in
            let parts = line.split(separator: "\"price\":", maxSplits: 1)
            let rest = try #require(parts.last)
            let comma = try #require(rest.firstIndex(of: ","))
            let price = try #require(Double(rest[..<comma]))
            return "\(parts[0])\"price\":\(price)\(rest[comma...])"
        }.joined(separator: "\n")
        let packed = try Program.run("recq", ["pack"], input: Array(bent.utf8))
        #expect(packed.status == 0, "\(packed.errors)")
        #expect(packed.output == frames)
    }
}
