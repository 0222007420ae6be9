import Foundation
import TestSupport
import Testing

/// A venue that begins to number again: the same ids, of other records, weeks later.
struct RenumberedTests {
    private static let start: Int64 = 1_704_067_200_000_000
    private static let day: Int64 = 86_400_000_000
    private static let kinds = ["trade", "aggTrade", "depthDiff", "bestBidAsk"]

    private static func own(_ kind: String, _ id: Int64) -> String {
        let traded = "\"price\":1.5,\"qty\":2,\"is_buyer_maker\":true,\"is_best_match\":null"
        return switch kind {
        case "trade": "\"trade_id\":\(id),\(traded)"
        case "aggTrade":
            "\"agg_trade_id\":\(id),\"first_trade_id\":\(id),\"last_trade_id\":\(id),\(traded)"
        case "depthDiff":
            "\"first_update_id\":\(id),\"last_update_id\":\(id),\"bids\":[],\"asks\":[]"
        default: "\"update_id\":\(id),\"bid_px\":1,\"bid_sz\":1,\"ask_px\":2,\"ask_sz\":1"
        }
    }

    /// Records of 30 ids, one every ten minutes from a time on.
    private static func records(_ kind: String, from time: Int64, every: Int64 = 600_000_000) throws
        -> [UInt8]
    {
        try RecqTests.frames(
            (Int64(1)...30).map { id in
                #"{"kind":"\#(kind)","symbol":"BTCUSDT",\#(own(kind, id)),"source":"rest","#
                    + #""price_exponent":-8,"qty_exponent":-8,"#
                    + "\"event_time_us\":\(time + id * every),\"ingest_time_ns\":\"1704067200000000001\","
                    + "\"venue\":1,\"flags\":0}\n"
            }.joined())
    }

    private static func count(_ frames: [UInt8]) throws -> Int {
        try Program.run("recq", ["json"], input: frames).text.split(separator: "\n").count
    }

    @Test(arguments: kinds) func `dedup and recq drop copies, and nothing of a new numbering`(
        kind: String
    ) throws {
        let place = try TemporaryDirectory()
        let first = try Self.records(kind, from: Self.start)
        let second = try Self.records(kind, from: Self.start + 40 * Self.day)
        let (one, other) = (place.path("1.bin"), place.path("2.bin"))
        try Data(first).write(to: URL(fileURLWithPath: one))
        try Data(second).write(to: URL(fileURLWithPath: other))
        // Each twice: what is a copy stays a copy.
        let all = first + first + second + second
        let runs: [(String, [String], [UInt8])] = [
            ("dedup", [], all), ("dedup", [], second + first + first),
            ("recq", ["sort", "--unique"], all), ("recq", ["sort", "--unique", "--by", "id"], all),
            ("recq", ["merge", "--unique", one, other, one, other], []),
            ("recq", ["cat", one, other, other], []),
        ]
        for (program, arguments, input) in runs {
            let run = try Program.run(program, arguments, input: input)
            #expect(run.status == 0, "\(run.errors)")
            let whole = input.count == all.count || input.isEmpty ? 60 : nil
            // Of the one in another order the copies, of an earlier time, cannot be told.
            if let whole { #expect(try Self.count(run.output) == whole, "\(program) \(arguments)") }
        }
    }

    @Test(arguments: ["trade", "aggTrade", "depthDiff"], [true, false])
    func `a sink stops, whether the ids that come again are delivered or were just read`(
        kind: String, inOneRun: Bool
    ) throws {
        let place = try TemporaryDirectory()
        let data = place.path("data")
        let first = try Self.records(kind, from: Self.start)
        let second = try Self.records(kind, from: Self.start + 40 * Self.day)
        func put(_ input: [UInt8], _ more: [String] = []) throws -> Program.Outcome {
            try Program.run("s3-put", ["--to", "file://\(data)"] + more, input: input)
        }
        if !inOneRun { #expect(try put(first).status == 0) }
        let stopped = try put((inOneRun ? first : []) + second)
        #expect(stopped.status == 78, "\(stopped.errors)")
        #expect(stopped.errors.contains("--new-epoch BTCUSDT/\(kind)"), "\(stopped.errors)")
        let again = try put([], ["--new-epoch", "BTCUSDT/\(kind)"])
        #expect(again.status == 0, "\(again.errors)")
        let proof = try Program.run("ledgerctl", ["verify", "file://\(data)", "--read"])
        #expect(proof.status == 0, "\(proof.text)\(proof.errors)")
        #expect(proof.text.contains("epoch 2  1 to 30  whole, 30 held"), "\(proof.text)")
        #expect(try Self.count(Program.run("recq", ["cat", data]).output) == 60)
    }

    @Test(arguments: [true, false])
    func `a best price of an id that was delivered weeks ago is delivered`(inOneRun: Bool) throws {
        let place = try TemporaryDirectory()
        let data = place.path("data")
        let first = try Self.records("bestBidAsk", from: Self.start)
        let second = try Self.records("bestBidAsk", from: Self.start + 40 * Self.day)
        for input in inOneRun ? [first + first + second + second] : [first, first, second] {
            let run = try Program.run("s3-put", ["--to", "file://\(data)"], input: input)
            #expect(run.status == 0, "\(run.errors)")
        }
        #expect(try Self.count(Program.run("recq", ["cat", data]).output) == 60)
    }

    @Test(arguments: [true, false])
    func `a late record of the numbering before vouches for none of the new one`(inOneRun: Bool)
        throws
    {
        let place = try TemporaryDirectory()
        let data = place.path("data")
        let first = try Self.records("trade", from: Self.start)
        let frame = first.count / 30
        let second = Array(
            try Self.records("trade", from: Self.start + 40 * Self.day).prefix(frame * 5))
        func put(_ input: [UInt8]) throws {
            let run = try Program.run(
                "s3-put", ["--to", "file://\(data)", "--new-epoch", "BTCUSDT/trade"], input: input)
            #expect(run.status == 0, "\(run.errors)")
        }
        // All but the trade 20; then five of the new numbering; then all of before.
        let most = Array(first[..<(frame * 19)] + first[(frame * 20)...])
        let parts = [most, second, first]
        for part in inOneRun ? [parts.flatMap(\.self)] : parts { try put(part) }
        let proof = try Program.run(
            "ledgerctl", ["verify", "file://\(data)", "--symbol", "BTCUSDT"])
        #expect(proof.text.contains("epoch 2  1 to 5 "), "\(proof.text)")
        #expect(proof.text.contains("missing   20 to 20"), "\(proof.text)")
        // Another judge: what one numbering holds says nothing of the other.
        let script = packageRoot.appendingPathComponent("docs/verify.py").path
        let judge = try Program.run(
            try #require(Python.path), [script, data, "BTCUSDT", "trade", "18", "22"])
        #expect(judge.status == 1, "\(judge.text)\(judge.errors)")
        #expect(judge.text.contains("missing 20 to 20 of series 0, epoch 1"), "\(judge.text)")
        #expect(try Self.count(Program.run("recq", ["cat", data, "--kind", "trade"]).output) == 34)
        let aside = try String(
            contentsOfFile: data + "/.s3-put/quarantine.ndjson", encoding: .utf8)
        #expect(aside.split(separator: "\n").count == 1, "\(aside)")
    }

    @Test func `a record whose time cannot be right ends no run`() throws {
        let place = try TemporaryDirectory()
        let data = place.path("data")
        let first = try Self.records("trade", from: Self.start)
        for time in [Int64.min / 2, 0, Int64.max / 2] {
            let wrong = try Self.records("trade", from: time)
            let run = try Program.run("s3-put", ["--to", "file://\(data)"], input: first + wrong)
            #expect(run.status == 0, "\(time): \(run.errors)")
        }
        #expect(try Self.count(Program.run("recq", ["cat", data]).output) == 30)
    }

    @Test func `days of either numbering are proven without naming an epoch`() throws {
        let place = try TemporaryDirectory()
        let data = place.path("data")
        // Six hours apart: a week each.
        let every = Self.day / 4
        for (shift, more) in [(Int64(0), []), (40, ["--new-epoch", "BTCUSDT/trade"])] {
            let records = try Self.records(
                "trade", from: Self.start + shift * Self.day, every: every)
            let run = try Program.run("s3-put", ["--to", "file://\(data)"] + more, input: records)
            #expect(run.status == 0, "\(run.errors)")
        }
        // A day of each, one between them, and one in which a numbering ends.
        let days = [
            ("2024-01-03", 0), ("2024-02-13", 0), ("2024-01-20", 1), ("2024-01-08", 1),
        ]
        for (day, status) in days {
            let proof = try Program.run("ledgerctl", ["verify", "file://\(data)", "--day", day])
            #expect(proof.status == status, "\(day): \(proof.text)\(proof.errors)")
            let whole = try Program.run("recq", ["cat", data, "--whole", "--day", day])
            #expect((whole.status == 0) == (status == 0), "\(day): \(whole.errors)")
        }
    }
}
