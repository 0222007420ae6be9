import Foundation
import TestSupport
import Testing

/// rest-pull --repair against ledgers that s3-put writes.
struct RepairTests {
    /// A sink with a ledger, and the records that it was given.
    private struct Held {
        let run: S3PutState
        var ledger: String { run.state + "/ledger" }
    }

    /// Gives a sink the ranges of ids of a dataset.
    private func held(
        _ simulator: Simulator, _ ranges: [ClosedRange<Int>], dataset: String = "trades"
    ) throws -> Held {
        let run = try S3PutState()
        var records: [UInt8] = []
        for ids in ranges {
            let part = try Program.run(
                "rest-pull",
                [
                    dataset, "--from", "\(ids.lowerBound)", "--to", "\(ids.upperBound)",
                    "--base-url", simulator.url,
                ])
            #expect(part.status == 0, "\(part.errors)")
            records += part.output
        }
        let put = try run.put(records)
        #expect(put.status == 0, "\(put.errors)")
        return Held(run: run)
    }

    private func repair(
        _ simulator: Simulator, _ held: Held, _ more: [String] = [], place: String? = nil
    ) throws -> Program.Outcome {
        try Program.run(
            "rest-pull",
            [
                "--repair", place ?? held.ledger, "--base-url", simulator.url, "--archive-url",
                simulator.url, "--archive-dir", held.run.place.path("archive"), "--settle", "0",
            ] + more)
    }

    private func stats(_ simulator: Simulator) throws -> String {
        try Program.run("curl", ["-s", simulator.control + "/stats"]).text
    }

    private func ids(_ records: [UInt8]) throws -> [Int64] {
        try LiveRecords.lines(records).filter { $0.kind != "gap" }.map(\.first)
    }

    @Test func `a directory is a destination or a sink's state, as for ledgerctl`() throws {
        let simulator = try Simulator(["--newest", "2000"])
        let held = try held(simulator, [1...100, 121...200])
        for place in [held.run.state, held.run.state + "/", held.run.place.path("data")] {
            let outcome = try repair(simulator, held, place: place)
            #expect(outcome.status == 0, "\(place): \(outcome.errors)")
            #expect(try ids(outcome.output) == Array(101...120), "\(place)")
        }
    }

    @Test(arguments: ["trades", "aggTrades"])
    func `exactly the missing ids are fetched, marked as repairs, and never again`(
        dataset: String
    ) throws {
        let simulator = try Simulator(["--newest", "5000"])
        let held = try held(simulator, [1...1000, 1201...2000, 4001...4500], dataset: dataset)
        try simulator.post("/reset")
        let outcome = try repair(simulator, held)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try ids(outcome.output) == Array(1001...1200) + Array(2001...4000))
        #expect(
            try LiveRecords.lines(outcome.output).allSatisfy {
                $0.values["source"] as? String == "repair"
            })
        // One page for the first hole and two for the second, and one question whether it is served.
        let name = dataset == "trades" ? "historicalTrades" : "aggTrades"
        let asked = try stats(simulator)
        #expect(asked.contains("\"\(name) 200\":4"), "\(asked)")
        #expect(try held.run.put(outcome.output).status == 0)
        let verify = try Program.run(
            "ledgerctl",
            [
                "verify", held.ledger, "--symbol", "BTCUSDT", "--kind",
                dataset == "trades" ? "trade" : "aggTrade", "--from", "1", "--to", "4500",
            ])
        #expect(verify.status == 0, "\(verify.text)\(verify.errors)")
        let again = try repair(simulator, held)
        #expect(again.status == 0 && again.output.isEmpty, "\(again.errors)")
        let askedAgain = try stats(simulator)
        #expect(askedAgain.contains("\"\(name) 200\":4"), "\(askedAgain)")
    }

    @Test func `klines that never were are declared absent with the evidence`() throws {
        let simulator = try Simulator(["--newest", "9000", "--absent-klines", "5"])
        let run = try S3PutState()
        let all = try Program.run(
            "rest-pull",
            [
                "klines", "--from", "2024-01-01T00:01", "--to", "2024-01-01T00:14", "--base-url",
                simulator.url,
            ])
        // Without the gap records of the pull, a ledger cannot know.
        let json = try Program.run("recq", ["json"], input: all.output).text
        let klines =
            json.split(separator: "\n").filter { $0.contains("\"kind\":\"kline\"") }
            .enumerated().filter { $0.offset != 2 }.map(\.element).joined(separator: "\n") + "\n"
        let packed = try Program.run("recq", ["pack"], input: Array(klines.utf8))
        #expect(try run.put(packed.output).status == 0)
        let held = Held(run: run)
        let outcome = try repair(simulator, held)
        #expect(outcome.status == 69, "\(outcome.errors)")
        let lines = try LiveRecords.lines(outcome.output)
        #expect(lines.count { $0.kind == "kline" } == 1, "\(lines.map(\.kind))")
        let gaps = lines.filter { $0.kind == "gap" }
        #expect(gaps.count == 2 && gaps.allSatisfy { $0.values["reason"] as? String == "absent" })
        for gap in gaps {
            let words = gap.values["evidence"] as? String ?? ""
            #expect(words.contains("GET http") && words.contains("/api/v3/klines?"), "\(words)")
        }
        #expect(try run.put(outcome.output).status == 0)
        let again = try repair(simulator, held)
        #expect(again.status == 0 && again.output.isEmpty, "\(again.errors)")
    }

    @Test func `what the venue serves no more comes from the archive`() throws {
        let simulator = try Simulator([
            "--start", "2025-03-01", "--spacing", "60000", "--newest", "9000",
        ])
        let held = try held(simulator, [1...3000, 3101...9000])
        try simulator.post("/market?oldest=8000")
        let outcome = try repair(simulator, held)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try ids(outcome.output) == Array(3001...3100))
        #expect(
            try LiveRecords.lines(outcome.output).allSatisfy {
                $0.values["source"] as? String == "repair"
            })
    }

    @Test func `what nobody has any more is declared absent with the evidence, once`() throws {
        let simulator = try Simulator([
            "--start", "2025-03-01", "--spacing", "60000", "--newest", "9000",
        ])
        let held = try held(simulator, [1...3000, 3101...9000])
        try simulator.post("/market?oldest=8000")
        for day in 1...6 {
            try simulator.post("/archive?file=BTCUSDT-trades-2025-03-0\(day)&defect=absent")
        }
        let outcome = try repair(simulator, held)
        #expect(outcome.status == 69, "\(outcome.errors)")
        let lines = try LiveRecords.lines(outcome.output)
        #expect(lines.count == 1, "\(lines.map(\.kind))")
        let gap = try #require(lines.first)
        #expect(gap.first == 3001 && gap.last == 3100)
        #expect(gap.values["reason"] as? String == "notServed")
        let words = gap.values["evidence"] as? String ?? ""
        #expect(words.contains("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=3001"), "\(words)")
        #expect(words.contains("from 8000 on"), "\(words)")
        #expect(words.contains("BTCUSDT-trades-2025-03-0"), "\(words)")
        #expect(words.contains(": 404"), "\(words)")
        print("evidence: \(words)")
        // Another form keeps it, and a sink that has it never asks again.
        let packed = try Program.run(
            "recq", ["pack"], input: Program.run("recq", ["json"], input: outcome.output).output)
        #expect(packed.output == outcome.output)
        #expect(try held.run.put(outcome.output).status == 0)
        let again = try repair(simulator, held)
        #expect(again.status == 0 && again.output.isEmpty, "\(again.errors)")
    }

    @Test func `a running pipeline fills its own holes`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "200", "--history", "200"])
        let run = try S3PutState()
        let tools = Program.directory.path
        let script =
            "trap 'kill -TERM $tap $repair' TERM; mkfifo \(run.place.path("live")) \(run.place.path("again"));"
            + " \(tools)/sbe-tap --encoding json --streams trade --ws-url \(simulator.streams)"
            + " --base-url \(simulator.url) --initial-backoff 20ms > \(run.place.path("live"))"
            + " 2> \(run.place.path("tap.log")) & tap=$!;"
            + " \(tools)/rest-pull --repair \(run.state)/ledger --follow --settle 1"
            + " --look-interval 200ms --base-url \(simulator.url) --archive-url \(simulator.url)"
            + " > \(run.place.path("again")) 2> \(run.place.path("repair.log")) & repair=$!;"
            + " "
            + " \(tools)/dedup \(run.place.path("live")) \(run.place.path("again"))"
            + " 2> \(run.place.path("dedup.log")) | \(tools)/s3-put"
            + " \(run.arguments.map { "'\($0)'" }.joined(separator: " ")) --object-age 500ms"
            + " 2> \(run.place.path("put.log")) & put=$!; wait $put; wait $put; wait"
        let pipeline = try LiveProgram("bash", ["-c", script])
        func shown() throws -> String {
            try Program.run("ledgerctl", ["show", run.state + "/ledger"]).text
        }
        let began = try waitUntil(60) { try shown().contains("trade") }
        #expect(began, "\(run.log)")
        // A connection that is down for a second, at 400 trades a second.
        try simulator.post("/stream/refuse?status=503&count=8")
        try simulator.post("/stream/do?action=cut&connection=all")
        let filled = waitUntil(60) {
            let log =
                (try? String(contentsOfFile: run.place.path("repair.log"), encoding: .utf8)) ?? ""
            return log.contains("fetching")
        }
        #expect(filled, "\(run.log)")
        func holes() throws -> Int {
            let outcome = try Program.run("ledgerctl", ["verify", run.state + "/ledger"])
            return Int(outcome.status)
        }
        let closed = try waitUntil(60) { try holes() == 0 }
        let state = try shown()
        #expect(closed, "\(run.log)\(state)")
        pipeline.signalled(SIGTERM)
        _ = pipeline.wait()
        let records = try run.content()
        let lines = try LiveRecords.lines(records)
        let trades = LiveRecords.trades(lines).sorted()
        #expect(Set(trades).count == trades.count)
        #expect(trades.count == Int((trades.last ?? 0) - (trades.first ?? 0)) + 1)
        #expect(lines.contains { $0.values["source"] as? String == "repair" })
        print(
            "\(trades.count) trades, repaired: \(lines.count { $0.values["source"] as? String == "repair" })"
        )
    }

    @Test func `--repair without a ledger still marks records, wherever it is on the line`() throws
    {
        let simulator = try Simulator(["--newest", "100"])
        let range = ["--from", "1", "--to", "10", "--base-url", simulator.url]
        for words in [
            ["aggTrades"] + range + ["--repair"], ["--repair", "aggTrades"] + range,
            ["aggTrades", "--repair"] + range, ["aggTrades"] + range + ["--mark-repair"],
        ] {
            let outcome = try Program.run("rest-pull", words)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(
                try LiveRecords.lines(outcome.output).allSatisfy {
                    $0.values["source"] as? String == "repair"
                })
        }
    }

    @Test(arguments: [
        (["--repair", "/nowhere/ledger"], Int32(64), "no ledger at /nowhere/ledger"),
        (["--repair", "/nowhere/ledger", "--from", "1"], 64, "takes its range from the ledger"),
        (["depth", "--repair", "/nowhere/ledger"], 64, "past books cannot be fetched"),
    ])
    func `what cannot be repaired is said`(words: [String], status: Int32, hint: String) throws {
        let simulator = try Simulator(["--newest", "10"])
        let outcome = try Program.run("rest-pull", words + ["--base-url", simulator.url])
        #expect(outcome.status == status && outcome.errors.contains(hint), "\(outcome.errors)")
    }

    @Test func `a ledger that is not there is named before the venue is asked`() throws {
        let outcome = try Program.run(
            "rest-pull", ["--repair", "/nowhere/ledger", "--base-url", "http://127.0.0.1:9"])
        #expect(outcome.status == 64, "\(outcome.errors)")
        #expect(!outcome.errors.contains("127.0.0.1:9"), "\(outcome.errors)")
    }
}

/// s3-put into a directory, with its state.
struct S3PutState {
    let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    var state: String { place.path("state") }
    var arguments: [String] {
        [
            "--to", "file://" + place.path("data"), "--state-dir", state, "--format", "sbe",
            "--compression", "none", "--log-format", "json",
        ]
    }

    func put(_ records: [UInt8]) throws -> Program.Outcome {
        try Program.run("s3-put", arguments, input: records)
    }

    /// Records of all objects.
    func content() throws -> [UInt8] {
        let root = place.path("data")
        let all = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return try all.filter { $0.hasSuffix(".sbe") }.sorted().flatMap {
            Array(try Data(contentsOf: URL(fileURLWithPath: "\(root)/\($0)")))
        }
    }

    /// What the stages of a pipeline said.
    var log: String {
        ["tap.log", "repair.log", "dedup.log", "put.log"].map { name in
            let text = (try? String(contentsOfFile: place.path(name), encoding: .utf8)) ?? ""
            return "\(name): \(text.suffix(1500))\n"
        }.joined()
    }
}
