import Foundation
import TestSupport
import Testing

/// sbe-tap against the simulated venue: what comes is what the market made, whatever happens to the
/// connections.
struct SbeTapTests {
    // MARK: - What comes

    @Test func `trades are those of the market, and the same records as REST gives`() throws {
        let simulator = try Simulator(["--newest", "100", "--invalid-aggregates", "50"])
        let tap = try LiveTap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=2100")
        #expect(
            waitUntil { tap.output.count >= 3000 * 110 }, "\(tap.output.count) bytes: \(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let live = try LiveRecords.lines(tap.output)
        let ids = LiveRecords.trades(live)
        let first = try #require(ids.first)
        let last = try #require(ids.last)
        #expect(ids == Array(first...last) && ids.count > 3000)
        let pull = try Program.run(
            "rest-pull",
            ["trades", "--base-url", simulator.url, "--from", "\(first)", "--to", "\(last)"])
        #expect(pull.status == 0, "\(pull.errors)")
        let history = try LiveRecords.lines(pull.output)
        #expect(history.count == live.count)
        for (one, other) in zip(live, history) {
            for name in one.values.keys
            where !["source", "ingest_ts", "ingest_time_ns"].contains(name) {
                #expect("\(one.values[name] ?? "")" == "\(other.values[name] ?? "")", "\(name)")
            }
        }
    }

    @Test func `all streams of two symbols come, over TLS, and books can be followed`() throws {
        let certificates = try TemporaryDirectory()
        let simulator = try Simulator([
            "--start", "now", "--history", "1000", "--rate", "100", "--symbol", "BTCUSDT,ETHUSDT",
            "--tls-dir", certificates.path("tls"), "--api-key", "k",
        ])
        let tap = try LiveTap(
            simulator,
            [
                "--symbols", "BTCUSDT,ethusdt", "--streams", "trade,bestBidAsk,depth,depth20",
                "--ws-url", simulator.secureStreams, "--ca", certificates.path("tls/ca.pem"),
            ])
        #expect(tap.says("snapshot of a book", times: 2))
        let mark = tap.output.count
        #expect(
            waitUntil { tap.output.count > mark + 100_000 }, "\(tap.output.count) bytes: \(tap.log)"
        )
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        for symbol in ["BTCUSDT", "ETHUSDT"] {
            for kind in ["trade", "bestBidAsk", "depthDiff", "depthSnapshot"] {
                #expect(
                    lines.contains { $0.kind == kind && $0.symbol == symbol }, "\(symbol) \(kind)")
            }
            LiveRecords.expectCovered(lines, symbol)
            LiveRecords.expectBook(lines, symbol)
            let quotes = lines.filter { $0.kind == "bestBidAsk" && $0.symbol == symbol }.map(
                \.first)
            #expect(zip(quotes, quotes.dropFirst()).allSatisfy(<))
        }
        #expect(!tap.log.contains("test-key-4711"))
    }

    @Test func `a later schema, other exponents and fragments change nothing in the values`() throws
    {
        let simulator = try Simulator([
            "--newest", "10", "--schema-version", "1", "--block-padding", "8",
            "--price-exponent=-4",
            "--quantity-exponent=-6", "--stream-fault-rate", "0.5", "--stream-faults", "fragment",
        ])
        let tap = try LiveTap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=410")
        #expect(
            waitUntil { tap.output.count >= 600 * 110 }, "\(tap.output.count) bytes: \(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        #expect(!lines.contains { $0.kind == "gap" })
        #expect(lines.allSatisfy { $0.values["price_exponent"] as? Int == -4 })
        let line = try #require(lines.first)
        let pull = try Program.run(
            "rest-pull",
            [
                "trades", "--base-url", simulator.url, "--from", "\(line.first)", "--to",
                "\(line.first)",
            ])
        let same = try #require(try LiveRecords.lines(pull.output).first)
        #expect((line.values["price"] as? NSNumber) == (same.values["price"] as? NSNumber))
        #expect((line.values["qty"] as? NSNumber) == (same.values["qty"] as? NSNumber))
    }

    // MARK: - Connections that go

    @Test func `planned rotation loses no id and doubles none`() throws {
        let simulator = try Simulator(["--start", "now", "--history", "10", "--rate", "500"])
        let tap = try LiveTap(
            simulator, ["--streams", "trade", "--max-connection-age", "500ms"])
        #expect(tap.says("connection replaced", times: 4, 20), "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let ids = LiveRecords.trades(try LiveRecords.lines(tap.output))
        #expect(ids.count > 500)
        #expect(ids == Array((ids.first ?? 0)...(ids.last ?? 0)))
        #expect(!tap.log.contains("connection lost"))
    }

    @Test(arguments: ["shutdown", "shutdownWrapped"])
    func `an announced shutdown is followed at once, without a hole`(action: String) throws {
        let simulator = try Simulator(["--start", "now", "--history", "10", "--rate", "500"])
        let tap = try LiveTap(simulator, ["--streams", "trade"])
        #expect(waitUntil { tap.output.count > 20_000 }, "\(tap.output.count) bytes: \(tap.log)")
        try simulator.post("/stream/do?action=\(action)&connection=all")
        #expect(tap.says("connection replaced"), "\(tap.log)")
        let mark = tap.output.count
        #expect(
            waitUntil { tap.output.count > mark + 20_000 }, "\(tap.output.count) bytes: \(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let ids = LiveRecords.trades(try LiveRecords.lines(tap.output))
        #expect(ids == Array((ids.first ?? 0)...(ids.last ?? 0)))
    }

    @Test(arguments: ["cut", "tear", "reset", "close"])
    func `a lost connection is opened again, and what passed meanwhile is declared`(
        action: String
    ) throws {
        let simulator = try Simulator(["--start", "now", "--history", "10", "--rate", "500"])
        let tap = try LiveTap(simulator, ["--streams", "trade,depth"])
        #expect(waitUntil { tap.output.count > 20_000 }, "\(tap.output.count) bytes: \(tap.log)")
        for round in 1...2 {
            try simulator.post("/stream/do?action=\(action)&connection=all")
            #expect(tap.says("connection lost", times: round), "\(tap.log)")
            #expect(tap.says("\"connected\"", times: round + 1), "\(tap.log)")
        }
        let mark = tap.output.count
        #expect(
            waitUntil { tap.output.count > mark + 40_000 }, "\(tap.output.count) bytes: \(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        LiveRecords.expectBook(lines, "BTCUSDT")
        let reasons = lines.filter { $0.kind == "gap" }.map { $0.values["reason"] as? String }
        #expect(reasons.allSatisfy { $0 == "disconnected" })
    }

    @Test func `two connections of which one is cut, and drops messages, lose nothing`() throws {
        let simulator = try Simulator(["--start", "now", "--history", "10", "--rate", "300"])
        let tap = try LiveTap(simulator, ["--streams", "trade", "--connections", "2"])
        #expect(tap.says("\"connected\"", times: 2))
        for round in 1...3 {
            try simulator.post("/stream/next?fault=drop&count=5&connection=\(round + 1)")
            let mark = tap.output.count
            #expect(
                waitUntil { tap.output.count > mark + 5_000 },
                "\(tap.output.count) bytes: \(tap.log)")
            try simulator.post("/stream/do?action=cut&connection=\(round)")
            #expect(tap.says("\"connected\"", times: round + 2), "\(tap.log)")
            #expect(
                waitUntil { tap.output.count > mark + 20_000 },
                "\(tap.output.count) bytes: \(tap.log)")
        }
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        #expect(!lines.contains { $0.kind == "gap" }, "\(tap.log)")
        let ids = LiveRecords.trades(lines)
        #expect(ids == Array((ids.first ?? 0)...(ids.last ?? 0)))
    }

    @Test func `messages that the venue drops become gap records`() throws {
        let simulator = try Simulator(["--newest", "10"])
        let tap = try LiveTap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=20")
        #expect(waitUntil { tap.output.count > 1000 }, "\(tap.output.count) bytes: \(tap.log)")
        try simulator.post("/stream/next?fault=drop&count=3")
        try simulator.post("/market?newest=60")
        #expect(waitUntil { tap.output.count >= 80 * 110 }, "\(tap.output.count) bytes: \(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        let gaps = lines.filter { $0.kind == "gap" }
        #expect(gaps.count == 1 && gaps[0].values["reason"] as? String == "missed")
    }

    @Test func `silence is noticed, and the connection opened again`() throws {
        let simulator = try Simulator(["--start", "now", "--history", "10", "--rate", "200"])
        let tap = try LiveTap(simulator, ["--streams", "trade", "--stall-timeout", "400ms"])
        #expect(waitUntil { tap.output.count > 5_000 }, "\(tap.output.count) bytes: \(tap.log)")
        try simulator.post("/stream/do?action=stall&connection=all")
        #expect(tap.says("\"cause\":\"stalled\""), "\(tap.log)")
        #expect(tap.says("\"connected\"", times: 2))
        let mark = tap.output.count
        #expect(
            waitUntil { tap.output.count > mark + 5_000 }, "\(tap.output.count) bytes: \(tap.log)")
        #expect(tap.stop() == 0)
        LiveRecords.expectCovered(try LiveRecords.lines(tap.output))
    }

    @Test func `pings are answered within the venue's limit of messages`() throws {
        let simulator = try Simulator([
            "--start", "now", "--rate", "50", "--ping-interval", "0.05", "--pong-timeout", "2",
            "--message-limit", "5",
        ])
        let tap = try LiveTap(simulator, ["--streams", "trade", "--duration", "3"])
        #expect(tap.end() == 0, "\(tap.log)")
        #expect(!tap.log.contains("connection lost"), "\(tap.log)")
    }
}
