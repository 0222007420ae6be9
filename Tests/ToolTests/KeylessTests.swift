import Foundation
import TestSupport
import Testing

/// sbe-tap without a key, against the simulator's JSON streams.
struct KeylessTests {
    /// Runs a tap to its own end.
    private func tap(
        _ simulator: Simulator, _ arguments: [String], key: String? = nil
    ) throws -> Program.Outcome {
        let place = try TemporaryDirectory()
        return try Program.run(
            "sbe-tap",
            [
                "--ws-url", simulator.streams, "--base-url", simulator.url, "--quarantine",
                place.path("quarantine"), "--log-format", "json",
            ] + arguments,
            environment: key.map { ["BINANCE_API_KEY": $0] } ?? [:])
    }

    /// Fields in which the two forms cannot be equal: how and when it came here.
    private static let own: Set<String> = ["source", "ingest_ts", "ingest_time_ns"]
    /// Also what the venue does not say in JSON, and when it sent changes of a book.
    private static let times: Set<String> = ["event_ts", "event_time_us", "flags"]

    /// Records by kind and id, without the fields that cannot be equal.
    private func facts(
        _ records: [UInt8], without hidden: Set<String>
    ) throws -> [String: String] {
        let outcome = try Program.run("recq", ["json"], input: LiveRecords.whole(records))
        #expect(outcome.status == 0, "\(outcome.errors)")
        var facts: [String: String] = [:]
        for line in try LiveRecords.lines(records) {
            let left = line.values.filter { !hidden.contains($0.key) }
            let data = try JSONSerialization.data(withJSONObject: left, options: .sortedKeys)
            facts["\(line.kind) \(line.first)"] = String(decoding: data, as: UTF8.self)
        }
        return facts
    }

    @Test(arguments: ["trade", "bestBidAsk", "depth", "depth20"])
    func `the same market in SBE and in JSON gives equal records`(stream: String) throws {
        let simulator = try Simulator(["--newest", "100", "--flood", "2000"])
        let words = ["--streams", stream, "--limit", "900", "--no-snapshots"]
        let sbe = try tap(simulator, words, key: "any")
        let json = try tap(simulator, words)
        #expect(sbe.status == 0 && json.status == 0, "\(sbe.errors)\(json.errors)")
        let hidden = stream == "trade" ? Self.own : Self.own.union(Self.times)
        let (one, other) = (
            try facts(sbe.output, without: hidden), try facts(json.output, without: hidden)
        )
        #expect(one.count == 900 && other.count == 900, "\(one.count) and \(other.count)")
        let common = Set(one.keys).intersection(other.keys)
        // Both begin with the market's next aggregate.
        #expect(common.count > 800, "\(common.count)")
        for key in common.sorted() where one[key] != other[key] {
            Issue.record("\(key):\n\(one[key] ?? "")\n\(other[key] ?? "")")
            return
        }
        #expect(try orders(sbe.output) == orders(json.output))
        print("\(stream): \(common.count) records are equal in both forms")
    }

    private func orders(_ records: [UInt8]) throws -> [Int64] {
        try LiveRecords.lines(records).prefix(800).map(\.first)
    }

    @Test func `without a key the JSON streams are used, and that is said once`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "200"])
        let outcome = try tap(simulator, ["--limit", "500"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.components(separatedBy: "JSON streams").count == 2)
        #expect(outcome.errors.contains("BINANCE_API_KEY"), "\(outcome.errors)")
        let lines = try LiveRecords.lines(outcome.output)
        LiveRecords.expectCovered(lines)
        LiveRecords.expectBook(lines, "BTCUSDT")
        #expect(lines.contains { $0.values["source"] as? String == "json" })
    }

    @Test func `aggregates and klines come, each once and without a hole`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "100", "--history", "1000"])
        let tap = try LiveTap(
            simulator, ["--encoding", "json", "--streams", "trade,aggTrade,kline_1s"])
        let came = waitUntil(60) {
            let lines = (try? LiveRecords.lines(tap.output)) ?? []
            return lines.count { $0.kind == "kline" } >= 4
        }
        #expect(came, "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let check = try Program.run("recq", ["check"], input: tap.output)
        #expect(check.status == 0, "\(check.text)")
        let lines = try LiveRecords.lines(tap.output)
        // Each kline counts the trades in it, which came by themselves.
        let trades = lines.filter { $0.kind == "trade" }
        let klines = lines.filter { $0.kind == "kline" }.dropFirst()
        for kline in klines {
            let open = (kline.values["open_time_us"] as? NSNumber)?.int64Value ?? 0
            let inside = trades.count {
                let time = ($0.values["event_time_us"] as? NSNumber)?.int64Value ?? 0
                return (open..<(open + 1_000_000)).contains(time)
            }
            #expect((kline.values["trade_count"] as? NSNumber)?.intValue == inside)
            #expect(kline.values["is_closed"] as? Bool == true)
        }
        // The trades of each aggregate are those that came beside it.
        let ids = Set(trades.map(\.first))
        let aggregates = lines.filter { $0.kind == "aggTrade" }.dropFirst()
        #expect(!aggregates.isEmpty)
        for aggregate in aggregates.dropLast() {
            let first = (aggregate.values["first_trade_id"] as? NSNumber)?.int64Value ?? 0
            #expect(ids.contains(first), "\(first)")
        }
        print("\(klines.count) klines, \(aggregates.count) aggregates, \(trades.count) trades")
    }

    @Test func `a capture of JSON messages replays to the records that live decoding gave`() throws
    {
        let simulator = try Simulator(["--newest", "100", "--flood", "3000"])
        let words = ["--streams", "trade,bestBidAsk,depth", "--no-snapshots"]
        let capture = try tap(simulator, words + ["--raw", "--limit", "1500"])
        #expect(capture.status == 0, "\(capture.errors)")
        let place = try TemporaryDirectory()
        let file = place.path("capture")
        try Data(capture.output).write(to: URL(fileURLWithPath: file))
        let replayed = try tap(simulator, ["--replay", file])
        #expect(replayed.status == 0, "\(replayed.errors)")
        #expect(LiveRecords.count(replayed.output) == 1500, "\(replayed.errors)")
        let live = try tap(simulator, words + ["--limit", "1500"])
        #expect(
            try facts(live.output, without: Self.own.union(Self.times)).keys.sorted()
                == facts(replayed.output, without: Self.own.union(Self.times)).keys.sorted())
    }

    @Test(arguments: ["truncate", "garbage", "template", "schema", "overlong"])
    func `spoiled messages are quarantined, and the others pass`(fault: String) throws {
        let simulator = try Simulator(["--start", "now", "--rate", "200"])
        let tap = try LiveTap(simulator, ["--encoding", "json", "--streams", "trade"])
        #expect(tap.settlesOnce(above: 2000))
        try simulator.post("/stream/next?fault=\(fault)&stream=trade&count=3")
        #expect(tap.says("was quarantined"), "\(tap.log)")
        #expect(tap.settlesOnce(above: tap.output.count + 20_000))
        #expect(tap.stop() == 0)
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        #expect(lines.contains { $0.kind == "gap" })
    }

    @Test(arguments: [
        (["--encoding", "sbe", "--streams", "aggTrade"], Int32(64), "--encoding json"),
        (["--streams", "ticker"], 64, "kline_1m"),
        (["--encoding", "sbe"], 78, "BINANCE_API_KEY"),
    ])
    func `what cannot be is refused with a way out`(
        words: [String], status: Int32, hint: String
    ) throws {
        let simulator = try Simulator(["--start", "now", "--no-json"])
        let outcome = try tap(simulator, words)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains(hint), "\(outcome.errors)")
    }

    @Test(arguments: ["sbe-tap", "rest-pull"])
    func `--list shows symbols with status, tick and lot sizes`(tool: String) throws {
        let simulator = try Simulator(["--symbol", "BTCUSDT,ETHUSDT", "--newest", "1"])
        let flag = tool == "sbe-tap" ? "--symbols" : "--symbol"
        let all = try Program.run(tool, ["--list", "--base-url", simulator.url])
        #expect(all.status == 0, "\(all.errors)")
        let rows = all.text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.map(\.first) == ["SYMBOL", "BTCUSDT", "ETHUSDT"])
        #expect(rows.last == ["ETHUSDT", "TRADING", "ETH", "USDT", "0.01", "0.00001", "0.00001"])
        let some = try Program.run(
            tool, ["--list", flag, "ethusdt", "--base-url", simulator.url])
        #expect(some.text.split(separator: "\n").count == 2, "\(some.text)\(some.errors)")
        let none = try Program.run(
            tool, ["--list", flag, "NOPEUSDT", "--base-url", simulator.url])
        #expect(none.status == 64 && none.errors.contains("NOPEUSDT"), "\(none.errors)")
    }
}

extension LiveTap {
    /// Waits until it has written more than so many bytes.
    fileprivate func settlesOnce(above bytes: Int) -> Bool {
        waitUntil(30) { output.count > bytes }
    }
}
