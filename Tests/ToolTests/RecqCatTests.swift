import Foundation
import TestSupport
import Testing

/// `recq cat` over what `s3-put` stored: directories and buckets, every format and codec.
struct RecqCatTests {
    /// Trades of two symbols over two hours, a thousand ids each, frames in order of time.
    private static func market(_ ids: ClosedRange<Int> = 1...1000) throws -> [UInt8] {
        var lines = ""
        for id in ids {
            for symbol in ["BTCUSDT", "ETHUSDT"] {
                lines += RecqTests.trade(id, symbol: symbol).replacingOccurrences(
                    of: "1704067200000000,", with: "\(1_704_067_200_000_000 + id * 7_000_000),")
            }
        }
        return try RecqTests.frames(lines)
    }

    private static func store(
        _ frames: [UInt8], in place: TemporaryDirectory, _ options: [String] = [],
        _ data: String = "data"
    ) throws {
        let words = [
            "--to", "file://\(place.path)/\(data)", "--state-dir", place.path("state-of-\(data)"),
        ]
        let put = try Program.run("s3-put", words + options, input: frames)
        try #require(put.status == 0, "\(put.errors)")
    }

    private static func cat(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> Program.Outcome {
        try Program.run("recq", ["cat"] + arguments, environment: environment)
    }

    private static func ids(_ frames: [UInt8]) throws -> [Int] {
        try Program.run("recq", ["print", "-f", "%i\\n"], input: frames).text
            .split(separator: "\n").compactMap { Int($0) }
    }

    @Test(arguments: [
        ["--format", "avro", "--compression", "none"],
        ["--format", "avro", "--compression", "gzip"],
        ["--format", "avro", "--compression", "zstd"],
        ["--format", "ndjson", "--compression", "none"],
        ["--format", "ndjson", "--compression", "gzip"],
        ["--format", "ndjson", "--compression", "zstd"],
        ["--format", "sbe", "--compression", "none"], ["--format", "sbe", "--compression", "zstd"],
        ["--format", "parquet"],
    ])
    func `what s3-put stored comes back byte for byte, in order`(options: [String]) throws {
        let place = try TemporaryDirectory()
        let frames = try Self.market()
        try Self.store(frames, in: place, options)
        let data = place.path("data")
        let all = try Self.cat([data])
        #expect(all.status == 0, "\(all.errors)")
        // Two symbols at the same microsecond come in the order of their paths.
        #expect(all.output == frames)
        let one = try Self.cat([data, "--symbol", "ETHUSDT", "--kind", "trade", "--whole"])
        #expect(try Self.ids(one.output) == Array(1...1000), "\(one.errors)")
        let day = try Self.cat([data, "--day", "2024-01-01", "--symbol", "BTCUSDT"])
        #expect(try Self.ids(day.output) == Array(1...1000))
        let some = try Self.cat([
            data, "--symbol", "BTCUSDT", "--from", "2024-01-01T00:59:55", "--to",
            "2024-01-01T01:00:10",
        ])
        // An hour and a border of two objects: ids 514 (00:59:58) and 515 (01:00:05).
        #expect(try Self.ids(some.output) == [514, 515])
        let byID = try Self.cat([data, "--symbol", "BTCUSDT", "--from", "510", "--to", "520"])
        #expect(try Self.ids(byID.output) == Array(510...520))
        // The other subcommands read the same.
        let count = try Program.run("recq", ["count", data])
        #expect(count.text.contains("2000  total"), "\(count.text)\(count.errors)")
    }

    @Test func `what two sinks stored comes once, and late ids where they belong`() throws {
        let place = try TemporaryDirectory()
        let frames = try Self.market(1...300)
        let length = frames.count / 600
        // The first sink misses ids 101 to 120 and gets them later; another one has half of it all.
        let first = Array(frames[..<(200 * length)]) + Array(frames[(240 * length)...])
        try Self.store(first, in: place)
        try Self.store(Array(frames[(200 * length)..<(240 * length)]), in: place)
        try Self.store(
            Array(frames[(100 * length)..<(400 * length)]), in: place, ["--format", "sbe"], "other")
        let file = place.path("capture.bin")
        try Data(frames[(300 * length)..<(500 * length)]).write(to: URL(fileURLWithPath: file))
        let all = try Self.cat([place.path("data"), place.path("other"), file, "--whole"])
        #expect(all.status == 0, "\(all.errors)")
        #expect(all.output == frames)
    }

    @Test func `a range with a hole is 69 with --whole, and nothing is written`() throws {
        let place = try TemporaryDirectory()
        let frames = try Self.market(1...100)
        let length = frames.count / 200
        try Self.store(Array(frames[..<(80 * length)]) + Array(frames[(90 * length)...]), in: place)
        let data = place.path("data")
        let whole = try Self.cat([data, "--symbol", "BTCUSDT", "--kind", "trade", "--whole"])
        #expect(whole.status == 69 && whole.output.isEmpty, "\(whole.status)")
        #expect(whole.errors.contains("ids 41 to 45"), "\(whole.errors)")
        let plain = try Self.cat([data, "--symbol", "BTCUSDT", "--kind", "trade"])
        #expect(try Self.ids(plain.output).count == 95)
        // What is not asked for may have holes; what is asked for has to begin and end there.
        let part = try Self.cat([
            data, "--symbol", "BTCUSDT", "--from", "46", "--to", "100", "--whole",
        ])
        #expect(part.status == 0, "\(part.errors)")
        let beyond = try Self.cat([
            data, "--symbol", "BTCUSDT", "--from", "90", "--to", "101", "--whole",
        ])
        #expect(beyond.status == 69 && beyond.errors.contains("id 101"), "\(beyond.errors)")
    }

    @Test func `an object that is gone at the end of a day is found by the manifests`() throws {
        let place = try TemporaryDirectory()
        try Self.store(Self.market(1...1000), in: place)
        let data = place.path("data")
        let question = ["--symbol", "BTCUSDT", "--kind", "trade", "--day", "2024-01-01"]
        let before = try Self.cat([data] + question + ["--whole"])
        try FileManager.default.removeItem(
            atPath: data + "/exchange=binance/kind=trade/instrument=BTCUSDT/date=2024-01-01/hour=01"
        )
        let whole = try Self.cat([data] + question + ["--whole"])
        #expect(whole.status == 69 && whole.output.isEmpty, "\(whole.status)")
        #expect(whole.errors.contains("ids 515 to 1000"), "\(whole.errors)")
        // Without the question it is what is there.
        #expect(try Self.ids(Self.cat([data] + question).output) == Array(1...514))
        // The market of the test ends two hours into the day: that is not a whole day either.
        #expect(
            before.status == 69 && before.errors.contains("no manifest covers"), "\(before.errors)")
        let range = question.dropLast(2) + ["--from", "1", "--to", "514", "--whole"]
        #expect(try Self.cat([data] + range).status == 0)
    }

    @Test func `damaged, cut and foreign objects are 65 and named, after what came before`() throws
    {
        let place = try TemporaryDirectory()
        let frames = try Self.market(1...1000)
        try Self.store(frames, in: place, ["--format", "avro"])
        let data = URL(fileURLWithPath: place.path("data"))
        let files = try #require(
            FileManager.default.enumerator(at: data, includingPropertiesForKeys: nil)?.allObjects
                as? [URL]
        ).filter { $0.pathExtension == "avro" && $0.path.contains("hour=01") }
        let victim = try #require(files.first { $0.path.contains("BTCUSDT") })
        let whole = try Data(contentsOf: victim)
        try whole.prefix(whole.count - 20).write(to: victim)
        let cut = try Self.cat([data.path, "--symbol", "BTCUSDT"])
        #expect(cut.status == 65)
        #expect(cut.errors.contains(victim.lastPathComponent), "\(cut.errors)")
        #expect(try Self.ids(cut.output) == Array(1...514))
        var changed = whole
        changed[changed.count - 100] ^= 1
        try changed.write(to: victim)
        #expect(try Self.cat([data.path, "--symbol", "BTCUSDT", "--whole"]).status == 65)
        try Data("not an object\n".utf8).write(to: victim)
        let foreign = try Self.cat([data.path, "--symbol", "BTCUSDT"])
        #expect(foreign.status == 65)
        #expect(foreign.errors.contains("does not hold records"), "\(foreign.errors)")
        // The other symbol is not touched by it.
        #expect(try Self.cat([data.path, "--symbol", "ETHUSDT", "--whole"]).status == 0)
    }

    @Test(
        arguments: [
            (["/nonexistent/place"], 74, "/nonexistent/place"), (["s3://"], 64, "no bucket"),
            (["s3://B!/x"], 64, "not a valid bucket"), (["ftp://host/x"], 64, "s3://"),
            (["https://host"], 64, "no bucket"), (["file://"], 64, "does not name"),
            (["-", "--whole"], 64, "reads its input twice"),
            (["-", "--kind", "trde"], 64, "is not a kind"),
            (["-", "--day", "someday"], 64, "is not a day"),
            (["-", "--from", "noon"], 64, "neither an id nor a UTC time"),
            (["-", "--from", "5", "--to", "4"], 64, "empty"),
            (["-", "--from", "2024-01-02", "--to", "2024-01-01"], 64, "empty"),
            (["-", "--interval", "2q"], 64, "is not an interval"),
        ] as [([String], Int32, String)])
    func `wrong questions are answered with what is wrong`(
        arguments: [String], status: Int32, words: String
    ) throws {
        let outcome = try Self.cat(arguments)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test func `a place without such records is 69`() throws {
        let place = try TemporaryDirectory()
        try Self.store(Self.market(1...10), in: place)
        for arguments in [["--symbol", "NOPE"], ["--day", "2020-01-01"], ["--kind", "kline"]] {
            let outcome = try Self.cat([place.path("data")] + arguments)
            #expect(outcome.status == 69, "\(arguments): \(outcome.errors)")
        }
    }
}

/// `recq` and objects in a bucket: moto stores them, botocore checks every signature.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct RecqBucketTests {
    private static let credentials = [
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "AWS_REGION": "us-east-1",
    ]

    @Test func `objects in a bucket come back, listed page by page, read in parts`() throws {
        let server = try BackgroundProgram(
            try #require(Python.path), [script("s3_server.py")])
        let url = server.firstLine()
        try #require(url.hasPrefix("http://127.0.0.1:"), "the S3 server did not start")
        let place = try TemporaryDirectory()
        var lines = ""
        for id in 1...2500 {
            lines += RecqTests.trade(id, symbol: "币安人生USDT").replacingOccurrences(
                of: "1704067200000000,", with: "\(1_704_067_200_000_000 + id * 5_000_000),")
        }
        let frames = try RecqTests.frames(lines)
        let put = try Program.run(
            "s3-put",
            [
                "--to", "s3://bronze/a/b", "--endpoint-url", url, "--state-dir",
                place.path("state"), "--object-bytes", "10k",
            ], input: frames, environment: Self.credentials)
        try #require(put.status == 0, "\(put.errors)")
        let all = try Program.run(
            "recq", ["cat", "s3://bronze/a/b", "--endpoint-url", url, "--whole"],
            environment: Self.credentials)
        #expect(all.status == 0 && all.output == frames, "\(all.errors)")
        let some = try Program.run(
            "recq",
            [
                "cat", "s3://bronze/a", "--endpoint-url", url, "--symbol", "币安人生USDT", "--from",
                "1000", "--to", "1001",
            ], environment: Self.credentials)
        #expect(some.output.count == 2 * 110, "\(some.errors)")
        // Without the right to it, and where there is nothing.
        let denied = try Program.run(
            "recq", ["count", "s3://bronze/a", "--endpoint-url", url],
            environment: Self.credentials.merging(["AWS_SECRET_ACCESS_KEY": "wrong"]) { $1 })
        #expect(denied.status == 77, "\(denied.errors)")
        let empty = try Program.run(
            "recq", ["count", "s3://bronze/nothing", "--endpoint-url", url],
            environment: Self.credentials)
        #expect(empty.status == 69 && empty.errors.contains("no objects"), "\(empty.errors)")
        // An anonymous reader is refused by this server, with the reason.
        let anonymous = try Program.run("recq", ["count", "\(url)/bronze/a"])
        #expect(anonymous.status == 77, "\(anonymous.errors)")
    }
}
