import Foundation
import TestSupport
import Testing

/// A tap whose symbols change while it runs.
struct SymbolChangeTests {
    /// The process of a tap, as it says itself.
    private func process(of tap: LiveTap) throws -> pid_t {
        let stats = tap.place.path("stats")
        var found: pid_t?
        _ = waitUntil(30) {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: stats)) ?? []
            for name in names where name.hasSuffix(".settings") {
                let text = try? String(contentsOfFile: stats + "/" + name, encoding: .utf8)
                found = text?.firstMatch(of: /"pid":(\d+)/).flatMap { pid_t($0.1) }
            }
            return found != nil
        }
        return try #require(found, "\(tap.log)")
    }

    private func configure(_ path: String, _ symbols: [String], _ kinds: String = "trade") throws {
        try """
        binance:
          symbols: [\(symbols.joined(separator: ", "))]
          stream_types: [\(kinds)]

        """.write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// What the venue sends over each open connection.
    private func streams(_ simulator: Simulator) throws -> [[String]] {
        let outcome = try Program.run("curl", ["-sf", simulator.control + "/connections"])
        let rows = try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [[String: Any]]
        return (rows ?? []).map { ($0["streams"] as? [String] ?? []).sorted() }
    }

    @Test
    func `symbols come and go without another connection, and none of their trades is missing`()
        throws
    {
        let simulator = try Simulator([
            "--start", "now", "--rate", "50", "--symbol", "BTCUSDT,ETHUSDT,BNBUSDT",
        ])
        let place = try TemporaryDirectory()
        let config = place.path("c.yaml")
        try configure(config, ["BTCUSDT"])
        let tap = try LiveTap(simulator, ["--config", config])
        let pid = try process(of: tap)
        #expect(tap.says("\"connected\""), "\(tap.log)")
        func brings(_ symbol: String, beyond count: Int = 0) -> Bool {
            waitUntil(30) {
                let lines = (try? LiveRecords.lines(tap.output)) ?? []
                return LiveRecords.trades(lines, symbol).count > count
            }
        }
        #expect(brings("BTCUSDT"))
        try configure(config, ["BTCUSDT", "ETHUSDT", "BNBUSDT"])
        kill(pid, SIGHUP)
        #expect(tap.says("the set of streams has changed"), "\(tap.log)")
        #expect(brings("ETHUSDT") && brings("BNBUSDT"), "\(tap.log)")
        #expect(
            try waitUntil(30) {
                try streams(simulator) == [["bnbusdt@trade", "btcusdt@trade", "ethusdt@trade"]]
            })
        try configure(config, ["ETHUSDT"])
        kill(pid, SIGHUP)
        #expect(try waitUntil(30) { try streams(simulator) == [["ethusdt@trade"]] }, "\(tap.log)")
        let count = LiveRecords.trades(try LiveRecords.lines(tap.output), "ETHUSDT").count
        #expect(brings("ETHUSDT", beyond: count))
        #expect(tap.log.components(separatedBy: "\"connected\"").count == 2, "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        for symbol in ["BTCUSDT", "ETHUSDT", "BNBUSDT"] {
            let ids = LiveRecords.trades(lines, symbol)
            #expect(ids == Array((ids.first ?? 0)...(ids.last ?? 0)), "\(symbol)")
        }
        #expect(!lines.contains { $0.kind == "gap" })
    }

    @Test func `a connection that comes later has the streams that are wanted by then`() throws {
        let simulator = try Simulator([
            "--start", "now", "--rate", "50", "--symbol", "BTCUSDT,ETHUSDT",
        ])
        let place = try TemporaryDirectory()
        let config = place.path("c.yaml")
        try configure(config, ["BTCUSDT"])
        let tap = try LiveTap(simulator, ["--config", config, "--max-connection-age", "2s"])
        let pid = try process(of: tap)
        #expect(tap.says("\"connected\""), "\(tap.log)")
        try configure(config, ["ETHUSDT"], "trade, bestBidAsk")
        kill(pid, SIGHUP)
        #expect(tap.says("connection replaced", times: 2), "\(tap.log)")
        #expect(
            try waitUntil(30) {
                let all = try streams(simulator)
                return !all.isEmpty
                    && all.allSatisfy { $0 == ["ethusdt@bestBidAsk", "ethusdt@trade"] }
            })
        #expect(tap.stop() == 0, "\(tap.log)")
    }

    @Test func `what a running tap cannot take over is named, and it goes on`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "50"])
        let place = try TemporaryDirectory()
        let config = place.path("c.yaml")
        try configure(config, ["BTCUSDT"])
        let tap = try LiveTap(simulator, ["--config", config])
        let pid = try process(of: tap)
        #expect(tap.says("\"connected\""), "\(tap.log)")
        try """
        binance:
          symbols: [BTCUSDT]
          stream_types: [trade]
          connections: 2

        """.write(toFile: config, atomically: true, encoding: .utf8)
        kill(pid, SIGHUP)
        #expect(tap.says("binance.connections needs a restart"), "\(tap.log)")
        try configure(config, [])
        kill(pid, SIGHUP)
        #expect(tap.says("the configuration is unchanged"), "\(tap.log)")
        let bytes = tap.output.count
        #expect(waitUntil(30) { tap.output.count > bytes }, "\(tap.output.count) bytes: \(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
    }
}
