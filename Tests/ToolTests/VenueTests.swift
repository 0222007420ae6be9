import Foundation
import TestSupport
import Testing

/// rest-pull against a venue that misbehaves, as one does sooner or later.
struct VenueTests {
    private static let patience = [
        "--initial-backoff", "10ms", "--max-backoff", "50ms", "--max-attempts", "40",
    ]

    private func pull(
        _ simulator: Simulator, _ arguments: [String]
    ) throws -> Program.Outcome {
        try Program.run("rest-pull", arguments + ["--base-url", simulator.url] + Self.patience)
    }

    private func count(_ records: [UInt8]) throws -> String {
        try Program.run("recq", ["count"], input: records).text
    }

    @Test(arguments: [
        "close", "delay", "error", "html", "garbage", "truncate", "duplicate", "missing",
        "unordered",
    ])
    func `a fault that passes leaves no trace in the records`(fault: String) throws {
        let simulator = try Simulator([
            "--newest", "9000", "--fault-rate", "0.3", "--faults", fault, "--invalid-aggregates",
            "50",
        ])
        let outcome = try pull(simulator, ["aggTrades", "--from", "1", "--to", "9000"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        try expectMarket(outcome.output, dataset: "aggTrades", count: 9000)
    }

    @Test
    func `ids that are not served any more are declared and named, and the exit status is 69`()
        throws
    {
        let simulator = try Simulator(["--newest", "5000", "--oldest", "2500"])
        let outcome = try pull(simulator, ["aggTrades", "--from", "1", "--to", "5000"])
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("ids 1 to 2499"), "\(outcome.errors)")
        let json = try Program.run("recq", ["json"], input: outcome.output)
        #expect(json.text.contains("\"kind\":\"gap\""))
        #expect(json.text.contains("\"reason\":\"notServed\""))
        #expect(try count(outcome.output).contains("2501  BTCUSDT aggTrade"))
    }

    @Test func `ids that do not exist yet are named, and the exit status is 69`() throws {
        let simulator = try Simulator(["--newest", "100"])
        let outcome = try pull(simulator, ["aggTrades", "--from", "1", "--to", "150"])
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("ids 101 to 150"), "\(outcome.errors)")
        #expect(try count(outcome.output).contains("100  total"))
    }

    @Test func `a row that never comes is declared after three looks`() throws {
        let simulator = try Simulator([
            "--newest", "999", "--fault-rate", "1", "--faults", "missing",
        ])
        let outcome = try pull(simulator, ["aggTrades", "--from", "1", "--to", "999"])
        #expect(outcome.status == 69)
        #expect(
            outcome.errors.contains("missing: BTCUSDT aggTrade ids 500 to 500"), "\(outcome.errors)"
        )
        #expect(try count(outcome.output) == "998  BTCUSDT aggTrade\n1  BTCUSDT gap\n999  total\n")
    }

    @Test(arguments: ["garbage", "duplicate", "unordered", "truncate"])
    func `a venue that always lies is given up on with 76`(fault: String) throws {
        let simulator = try Simulator(["--newest", "999", "--fault-rate", "1", "--faults", fault])
        let outcome = try Program.run(
            "rest-pull",
            [
                "aggTrades", "--from", "1", "--to", "999", "--base-url", simulator.url,
                "--max-attempts", "3",
            ])
        #expect(outcome.status == 76, "\(outcome.errors)")
    }

    @Test(arguments: ["error", "html", "close"])
    func `a venue that always fails is given up on with 75`(fault: String) throws {
        let simulator = try Simulator(["--newest", "999", "--fault-rate", "1", "--faults", fault])
        let outcome = try Program.run(
            "rest-pull",
            [
                "aggTrades", "--from", "1", "--to", "999", "--base-url", simulator.url,
                "--max-attempts", "3", "--initial-backoff", "1ms",
            ])
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("after 3 attempts"), "\(outcome.errors)")
    }

    @Test func `429 and 418 stop all requests for as long as the venue says`() throws {
        for fault in ["limit", "ban"] {
            let simulator = try Simulator(["--newest", "3000"])
            try simulator.post("/next?fault=\(fault)")
            let start = Date()
            let outcome = try pull(simulator, ["aggTrades", "--from", "1", "--to", "3000"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(Date().timeIntervalSince(start) >= 1)
            #expect(outcome.errors.contains("all requests wait 1 s"), "\(outcome.errors)")
            try expectSteady(outcome.output, count: 3000)
        }
    }

    @Test func `the weight budget is kept, so that no 429 ever comes`() throws {
        let simulator = try Simulator([
            "--newest", "60000", "--weight-limit", "120", "--window", "1",
        ])
        let outcome = try pull(simulator, ["aggTrades", "--from", "1", "--to", "60000"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let stats = try Program.run("curl", ["-s", simulator.control + "/stats"]).text
        #expect(!stats.contains("429"), "\(stats)")
        try expectSteady(outcome.output, count: 60_000)
    }

    @Test func `a venue without SBE is asked for JSON`() throws {
        let simulator = try Simulator(["--newest", "2000", "--no-sbe"])
        let auto = try pull(simulator, ["aggTrades", "--from", "1", "--to", "2000"])
        #expect(auto.status == 0, "\(auto.errors)")
        try expectSteady(auto.output, count: 2000)
        let strict = try pull(
            simulator, ["aggTrades", "--from", "1", "--to", "2000", "--encoding", "sbe"])
        #expect(strict.status == 69)
        #expect(strict.errors.contains("--encoding json"))
    }

    @Test
    func `historicalTrades needs the key where the venue wants one; else the recent trades come`()
        throws
    {
        let simulator = try Simulator(["--newest", "5000", "--api-key", "secret-key"])
        let with = try Program.run(
            "rest-pull",
            ["trades", "--from", "1", "--to", "1500", "--base-url", simulator.url],
            environment: ["BINANCE_API_KEY": "secret-key"])
        #expect(with.status == 0, "\(with.errors)")
        #expect(try count(with.output).contains("1500  BTCUSDT trade"))
        #expect(!with.errors.contains("secret-key"))
        let without = try pull(simulator, ["trades"])
        #expect(without.status == 0, "\(without.errors)")
        #expect(try count(without.output).contains("1000  BTCUSDT trade"))
        #expect(without.errors.contains("BINANCE_API_KEY"))
    }

    @Test func `klines that never were are declared absent, which is no failure`() throws {
        let simulator = try Simulator(["--newest", "9000", "--absent-klines", "5"])
        let outcome = try pull(
            simulator, ["klines", "--from", "2024-01-01T00:01", "--to", "2024-01-01T00:14"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let json = try Program.run("recq", ["json"], input: outcome.output).text
        #expect(json.components(separatedBy: "\"reason\":\"absent\"").count - 1 == 2)
    }

    @Test func `the open kline is left out unless asked for`() throws {
        let simulator = try Simulator(["--start", "2024-01-01", "--spacing", "60000"])
        let closed = try pull(simulator, ["klines", "--interval", "1m", "--limit", "5"])
        #expect(closed.status == 0, "\(closed.errors)")
        let closedJSON = try Program.run("recq", ["json"], input: closed.output).text
        #expect(!closedJSON.contains("\"is_closed\":false"))
        let open = try pull(simulator, ["klines", "--interval", "1d", "--limit", "3", "--open"])
        let openJSON = try Program.run("recq", ["json"], input: open.output).text
        #expect(openJSON.contains("\"is_closed\":false"), "\(open.errors)")
    }

    @Test func `several symbols share one pull`() throws {
        let simulator = try Simulator(["--newest", "2500", "--symbol", "BTCUSDT,ETHUSDT,币安人生USDT"])
        let outcome = try pull(
            simulator,
            ["aggTrades", "--from", "1", "--to", "2500", "--symbol", "BTCUSDT,ETHUSDT,币安人生USDT"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let counts = try count(outcome.output)
        for symbol in ["BTCUSDT", "ETHUSDT", "币安人生USDT"] {
            #expect(counts.contains("2500  \(symbol) aggTrade"), "\(counts)")
        }
    }

    @Test func `a pull goes on behind what a file holds, half a record at its end included`() throws
    {
        let simulator = try Simulator(["--newest", "5000"])
        let place = try TemporaryDirectory()
        let file = place.path("part.bin")
        let first = try pull(simulator, ["aggTrades", "--from", "1", "--to", "2000"])
        try Data(first.output.dropLast(31)).write(to: URL(fileURLWithPath: file))
        let command =
            "\(Program.directory.path)/rest-pull aggTrades --from 1 --to 5000 --base-url "
            + "\(simulator.url) --resume \(file) >> \(file)"
        let outcome = try Program.run("sh", ["-c", command])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("cut 95 bytes"), "\(outcome.errors)")
        let check = try Program.run("recq", ["check", file])
        #expect(check.status == 0, "\(check.text)")
        #expect(check.text.contains("5000 records  0 duplicates"))
    }

    @Test func `following picks up what is new, in order, until it is told to stop`() throws {
        let simulator = try Simulator(["--newest", "1000"])
        let place = try TemporaryDirectory()
        let file = place.path("live.bin")
        let program =
            "\(Program.directory.path)/rest-pull aggTrades --from 900 --follow "
            + "--poll-interval 20ms --base-url \(simulator.url) > \(file) & echo $!; wait $!"
        let follower = try BackgroundProgram("sh", ["-c", program])
        let pid = follower.firstLine()
        for newest in [1000, 1500, 4200] {
            try simulator.post("/market?newest=\(newest)")
            let came = try waitUntil {
                try Program.run("recq", ["count", file]).text.contains("\(newest - 899)  total")
            }
            #expect(came, "\(newest)")
        }
        _ = try Program.run("kill", ["-TERM", pid])
        #expect(try Program.run("recq", ["check", file]).status == 0)
    }

    private func expectSteady(_ records: [UInt8], count: Int) throws {
        let check = try Program.run("recq", ["check"], input: records)
        #expect(check.status == 0, "\(check.text)")
        #expect(check.text.contains("\(count) records  0 duplicates  0 out of order  0 holes"))
    }
}
