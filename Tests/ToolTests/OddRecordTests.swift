import Foundation
import TestSupport
import Testing

/// Records whose identity is unusual, or equal to that of others, through the built programs.
struct OddRecordTests {
    /// A line of a kind, with what all kinds have.
    private static func line(
        _ kind: String, _ own: String, time: Int64 = 1_704_067_200_000_000,
        symbol: String = #""symbol":"BTCUSDT""#
    ) -> String {
        #"{"kind":"\#(kind)",\#(symbol),\#(own),"source":"rest","price_exponent":-8,"#
            + #""qty_exponent":-8,"event_time_us":\#(time),"ingest_time_ns":"1704067200000000001","#
            + "\"venue\":1,\"flags\":0}\n"
    }

    private static func trade(_ id: Int) -> String {
        "\"trade_id\":\(id),\"price\":1.5,\"qty\":2,\"is_buyer_maker\":true,\"is_best_match\":null"
    }

    private static func kline(_ series: Int) -> String {
        "\"interval\":\"unknown\",\"series\":\(series),\"open_time_us\":1704067200000000,"
            + "\"close_time_us\":1704067259999999,\"open_price\":1,\"high_price\":2,\"low_price\":1,"
            + "\"close_price\":1,\"volume\":1,\"quote_volume\":1,\"taker_buy_base_volume\":1,"
            + "\"taker_buy_quote_volume\":1,\"trade_count\":1,\"is_closed\":true"
    }

    /// A symbol that is not UTF-8, as `recq json` writes it.
    private static func symbol(_ bytes: [UInt8]) -> String {
        let padded = bytes + [UInt8](repeating: 0, count: 32 - bytes.count)
        let shown = String(decoding: bytes, as: UTF8.self)
        return #""symbol":"\#(shown)","symbol_bytes":"\#(Data(padded).base64EncodedString())""#
    }

    private static let odd =
        line("trade", trade(1)) + line("trade", trade(1) + ",\"series\":7")
        + line("trade", trade(1) + ",\"series\":9999")
        + line("kline", kline(0)) + line("kline", kline(9999))
        + line("trade", trade(1), symbol: symbol([0xFF, 0xFE, 0x58]))
        + line("trade", trade(1), symbol: symbol([0xFE, 0xFF, 0x58]))
        + line("trade", trade(2), time: .max)
        + line("trade", trade(3), time: .min)
        + line("raw", #""arrival":1,"message":"AAEC""#)
        + line("raw", #""arrival":1,"message":"AAED""#)

    private static func lines(_ frames: [UInt8]) throws -> [Substring] {
        try Program.run("recq", ["json"], input: frames).text.split(separator: "\n").sorted()
    }

    @Test(arguments: ["parquet", "avro", "ndjson", "sbe"])
    func `a record of any identity comes back from an object of any format`(
        format: String
    ) throws {
        let place = try TemporaryDirectory()
        let frames = try RecqTests.frames(Self.odd)
        let data = place.path("data")
        let put = try Program.run(
            "s3-put", ["--to", "file://\(data)", "--format", format], input: frames)
        try #require(put.status == 0, "\(put.errors)")
        #expect(put.errors.contains("quarantine.ndjson") == false, "\(put.errors)")
        let back = try Program.run("recq", ["cat", data])
        #expect(back.status == 0, "\(back.errors)")
        #expect(try Self.lines(back.output) == Self.lines(frames))
        let proof = try Program.run("ledgerctl", ["verify", "file://\(data)", "--read"])
        #expect(proof.status == 0, "\(proof.text)\(proof.errors)")
        guard format == "avro", let python = Python.path else { return }
        let script = """
            import fastavro, glob, sys
            for path in glob.glob(sys.argv[1] + "/exchange=*/**/*.avro", recursive=True):
                # Python has no such times.
                if "__HIVE" in path:
                    continue
                with open(path, "rb") as file:
                    assert list(fastavro.reader(file))
            """
        let reader = try Program.run(python, ["-c", script, data])
        #expect(reader.status == 0, "\(reader.errors)")
    }

    @Test(arguments: ["parquet", "avro", "ndjson", "sbe"])
    func `evidence that is not UTF-8 makes no object unreadable`(format: String) throws {
        let place = try TemporaryDirectory()
        let gap = Self.line(
            "gap",
            #""first_id":5,"last_id":6,"missing_template":1,"series":0,"reason":"absent","#
                + #""evidence":"EVIDENCE""#)
        var frames = try RecqTests.frames(Self.line("trade", Self.trade(1)) + gap)
        let word = try #require(Data(frames).range(of: Data("EVIDENCE".utf8)))
        for offset in word { frames[offset] = 0xFF }
        let data = place.path("data")
        let put = try Program.run(
            "s3-put", ["--to", "file://\(data)", "--format", format], input: frames)
        try #require(put.status == 0, "\(put.errors)")
        let back = try Program.run("recq", ["cat", data])
        #expect(back.status == 0, "\(back.errors)")
        #expect(try Self.lines(back.output).count == 2)
        #expect(back.errors.isEmpty, "\(back.errors)")
    }

    /// Each run of `sbe-tap --raw` counts its arrivals from 1.
    @Test func `raw messages of two captures are not repeats of each other`() throws {
        func capture(_ name: String) throws -> [UInt8] {
            let lines = (1...3).map { number in
                let message = Data("\(name)\(number)".utf8).base64EncodedString()
                return Self.line("raw", "\"arrival\":\(number),\"message\":\"\(message)\"")
            }
            return try RecqTests.frames(lines.joined())
        }
        let place = try TemporaryDirectory()
        let (monday, tuesday) = (try capture("monday"), try capture("tuesday"))
        for (name, frames) in [("monday", monday), ("tuesday", tuesday)] {
            try Data(frames).write(to: URL(fileURLWithPath: place.path(name)))
            let put = try Program.run(
                "s3-put", ["--to", "file://\(place.path("data"))", "--state-dir", place.path("s")],
                input: frames)
            try #require(put.status == 0, "\(put.errors)")
        }
        let both = try Self.lines(monday + tuesday)
        let (one, other) = (place.path("monday"), place.path("tuesday"))
        for command in [
            ["cat", place.path("data")], ["merge", "--unique", one, other, one],
            ["sort", "--unique", one, other, other],
            ["sort", "--unique", "--by", "id", one, other, other],
        ] {
            let outcome = try Program.run("recq", command)
            #expect(outcome.status == 0, "\(command) \(outcome.errors)")
            #expect(try Self.lines(outcome.output) == both, "\(command)")
        }
    }

    /// Evidence is anyone's words, as a venue's error in it is.
    @Test func `evidence reaches a terminal in one line and without control characters`() throws {
        let place = try TemporaryDirectory()
        let gap = Self.line(
            "gap",
            #""first_id":2,"last_id":3,"missing_template":1,"series":0,"reason":"absent","#
                + #""evidence":"a\u001b]0;b\u0007\nforged: line""#)
        let data = place.path("data")
        let put = try Program.run(
            "s3-put", ["--to", "file://\(data)"],
            input: try RecqTests.frames(Self.line("trade", Self.trade(1)) + gap))
        try #require(put.status == 0, "\(put.errors)")
        for arguments in [
            ["verify", "file://\(data)"], ["where", "file://\(data)", "BTCUSDT", "trade", "2"],
        ] {
            let outcome = try Program.run("ledgerctl", arguments)
            let lines = outcome.text.split(separator: "\n")
            #expect(lines.contains { $0.contains(#"a\u001b]0;b\u0007\nforged: line"#) }, "\(lines)")
            #expect(!lines.contains { $0.hasPrefix("forged") }, "\(lines)")
            #expect(!outcome.output.contains(0x1B))
        }
    }

    // MARK: - dedup

    private static func dedup(_ frames: [UInt8]) throws -> [UInt8] {
        let outcome = try Program.run("dedup", [], input: frames)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }

    /// A sink puts the broken copy aside: the whole one has to reach it.
    @Test func `a broken copy does not hide the whole one`() throws {
        let trade = try RecqTests.frames(Self.line("trade", Self.trade(7)))
        // A block of 88 bytes, which is too short for the fields.
        var short = Array(trade.dropLast(8))
        (short[3], short[6]) = (UInt8(short.count), 88)
        let book = try RecqTests.frames(
            Self.line(
                "depthDiff",
                #""first_update_id":5,"last_update_id":6,"bids":[["1.5","2"]],"asks":[]"#))
        // Of more levels than there are bytes.
        var long = book
        long[88] = 0xFF
        for (broken, whole) in [(short, trade), (long, book)] {
            #expect(try Self.dedup(broken + whole + whole) == broken + whole)
            #expect(try Self.dedup(whole + broken + whole) == whole + broken)
        }
    }
}
