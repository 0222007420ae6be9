import Foundation
import TestSupport
import Testing

/// rest-pull and answers of a venue, or of what is in its place, that are not pages of records.
struct VenueAnswerTests {
    private static let range = ["aggTrades", "--from", "1", "--to", "10"]

    // MARK: - Statuses

    @Test(
        arguments: [
            (451, 77, "data-api.binance.vision"), (302, 78, "https://www.example.org/elsewhere"),
            (308, 78, "--base-url"), (404, 69, "--base-url"), (405, 69, "--base-url"),
            (500, 75, "attempts"), (204, 76, "HTTP 204"),
        ] as [(Int, Int32, String)])
    func `a status ends the run with what to do about it`(
        status: Int, code: Int32, words: String
    ) throws {
        let venue = try ScriptedREST("status", "\(status)")
        let outcome = try Program.run(
            "rest-pull",
            Self.range + [
                "--base-url", venue.url, "--max-attempts", "2", "--initial-backoff", "1ms",
            ])
        #expect(outcome.status == code, "\(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test func `a restricted location is told of at once, also in the middle of a pull`() throws {
        let simulator = try Simulator(["--newest", "5000"])
        for endpoint in ["exchangeInfo", "historicalTrades", "aggTrades"] {
            try simulator.post("/next?fault=restricted&endpoint=\(endpoint)")
            let dataset = endpoint == "aggTrades" ? "aggTrades" : "trades"
            let outcome = try Program.run(
                "rest-pull", [dataset, "--from", "1", "--base-url", simulator.url])
            #expect(outcome.status == 77, "\(endpoint): \(outcome.errors)")
            #expect(outcome.errors.contains("data-api.binance.vision"), "\(outcome.errors)")
        }
    }

    @Test(arguments: [1, 2, 7, 200])
    func `unknown symbols are named among many`(unknown: Int) throws {
        let symbols = (1...200).map { "S\($0)USDT" }
        let wrong = unknown == 1 ? ["S100USDT"] : Array(symbols.shuffled().prefix(min(unknown, 7)))
        let venue = try ScriptedREST("unknown", wrong.joined(separator: ","))
        let outcome = try venue.pull(Self.range + ["--symbol", symbols.joined(separator: ",")])
        #expect(outcome.status == 64)
        if unknown <= 2 {
            for symbol in wrong { #expect(outcome.errors.contains(symbol), "\(outcome.errors)") }
            #expect(!outcome.errors.contains("at least one of"), "\(outcome.errors)")
        }
        #expect(!outcome.errors.contains("S1USDT,") || wrong.contains("S1USDT"))
        #expect(try venue.requests() <= 70)
    }

    // MARK: - Garbled answers

    @Test(arguments: ["exchangeInfo", "depth", "aggTrades", "klines"])
    func `an answer that cannot be read is asked for again, whatever the endpoint`(
        endpoint: String
    ) throws {
        let simulator = try Simulator(["--newest", "5000"])
        for _ in 1...3 { try simulator.post("/next?fault=garbage&endpoint=\(endpoint)") }
        let dataset = endpoint == "exchangeInfo" ? "aggTrades" : endpoint
        let outcome = try Program.run(
            "rest-pull",
            [dataset, "--base-url", simulator.url, "--initial-backoff", "1ms"]
                + (dataset == "depth" ? [] : ["--from", "2024-01-01", "--limit", "5"]))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            !outcome.output.isEmpty && outcome.errors.contains("asking again"),
            "\(outcome.status) \(outcome.errors)")
    }

    @Test func `following a book survives garbled answers, and always garbled ones end with 76`()
        throws
    {
        let simulator = try Simulator(["--newest", "5000"])
        let place = try TemporaryDirectory()
        let program = try BackgroundProgram(
            "rest-pull",
            ["depth", "--follow", "--poll-interval", "20ms", "--base-url", simulator.url],
            output: place.path("books"))
        func size() -> Int {
            (try? Data(contentsOf: URL(fileURLWithPath: place.path("books"))).count) ?? 0
        }
        #expect(waitUntil { size() > 0 }, "\(size())")
        for _ in 1...3 { try simulator.post("/next?fault=garbage&endpoint=depth") }
        let before = size()
        #expect(waitUntil { size() > 3 * before }, "\(size())")
        withExtendedLifetime(program) {}
        let always = try ScriptedREST("status", "200")
        #expect(try always.pull(["depth"]).status == 76)
    }

    @Test func `a venue that spoils each fourth reply fills no disk`() throws {
        let venue = try ScriptedREST("every_fourth")
        let outcome = try venue.pull([
            "aggTrades", "--from", "1", "--to", "400000", "--parallel", "1",
        ])
        #expect(outcome.status == 0, "\(outcome.errors.suffix(1000))")
        let kinds = try Program.run("recq", ["count"], input: outcome.output).text
        #expect(kinds.contains("400000  BTCUSDT aggTrade"), "\(kinds)")
        let lines = outcome.errors.split(separator: "\n").count
        #expect(lines < 40, "\(lines) lines")
    }

    @Test(arguments: [(["--parallel", "3"], 3...3), ([], 8...32)])
    func `a venue far away is asked for more at once, unless a number is given`(
        options: [String], expected: ClosedRange<Int>
    ) throws {
        let venue = try ScriptedREST("far", "0.25")
        // At four each quarter of a second these are more than two seconds.
        let outcome = try venue.pull(
            ["aggTrades", "--from", "1", "--to", "45000"] + options)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let check = try Program.run("recq", ["check"], input: outcome.output)
        #expect(check.text.contains("45000 records  0 duplicates"), "\(check.text)")
        let most = try venue.mostAtOnce()
        #expect(expected.contains(most), "\(most) at once")
    }

    @Test func `a newer schema is read as before, and told of once`() throws {
        let venue = try ScriptedREST("newer_schema")
        let outcome = try venue.pull(["aggTrades", "--from", "1", "--to", "3"], encoding: "sbe")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.components(separatedBy: "version 6").count == 2)
        let lines = try LiveRecords.lines(outcome.output)
        #expect(lines.map { ($0.values["agg_trade_id"] as? NSNumber)?.intValue } == [1, 2, 3])
        #expect(lines.allSatisfy { ($0.values["first_trade_id"] as? NSNumber) != nil })
        #expect(
            lines.map { ($0.values["event_time_us"] as? NSNumber)?.int64Value }
                == [1, 2, 3].map { 1_514_764_800_000_000 + $0 * 1_000_000 })
    }

    @Test func `a password in the base URL is not logged`() throws {
        for status in ["404", "451", "500"] {
            let venue = try ScriptedREST("status", status)
            let outcome = try Program.run(
                "rest-pull",
                Self.range + [
                    "--base-url", venue.url.replacingOccurrences(of: "//", with: "//user:s3cr3t@"),
                    "--max-attempts", "2", "--initial-backoff", "1ms",
                ])
            #expect(outcome.status != 0)
            #expect(!outcome.errors.contains("s3cr3t"), "\(outcome.errors)")
        }
    }

    // MARK: - Numbers

    @Test func `quantities of 120 billion pieces are kept exactly`() throws {
        let venue = try ScriptedREST("wide", "kept")
        let outcome = try venue.pull(["aggTrades", "--from", "1", "--to", "5"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let json = try Program.run("recq", ["json"], input: outcome.output).text
        #expect(json.contains("\"qty\":120000000000"), "\(json)")
        let book = try venue.pull(["depth", "--levels", "5"])
        #expect(book.status == 0, "\(book.errors)")
        let levels = try Program.run("recq", ["json"], input: book.output).text
        #expect(levels.contains("120000000000"), "\(levels)")
    }

    @Test func `a value that cannot be kept costs its row, and not the run`() throws {
        let venue = try ScriptedREST("wide", "lost")
        let outcome = try venue.pull(["aggTrades", "--from", "1", "--to", "5"])
        #expect(outcome.status == 69)
        #expect(
            outcome.errors.contains("ids 3 to 3") && outcome.errors.contains("64 bits"),
            "\(outcome.status) \(outcome.errors)")
        let kinds = try Program.run("recq", ["count"], input: outcome.output).text
        #expect(kinds == "4  BTCUSDT aggTrade\n1  BTCUSDT gap\n5  total\n", "\(kinds)")
        // The venue does serve it: the gap record says what is wrong with it.
        let gap = try Program.run("recq", ["json"], input: outcome.output).text
            .split(separator: "\n").first { $0.contains("\"kind\":\"gap\"") }
        #expect(gap?.contains("\"reason\":\"quarantined\"") == true, "\(gap ?? "")")
        #expect(gap?.contains("its row came, and no record can hold it: ") == true, "\(gap ?? "")")
        let book = try venue.pull(["depth", "--levels", "5"])
        #expect(book.status == 69 && book.errors.contains("64 bits"), "\(book.errors)")
    }

    @Test(arguments: [.max, .min, -1, 9_223_372_036_854_775] as [Int64])
    func `a clock that shows no time is the venue's fault, which is 76`(time: Int64) throws {
        let outcome = try ScriptedREST("server_time", "\(time)").pull(Self.range)
        #expect(outcome.status == 76, "\(outcome.errors)")
        #expect(outcome.errors.contains("is not a time"), "\(outcome.errors)")
    }

    @Test(arguments: ["aggTrades", "trades", "klines"], [.max, .min, -1, .max - 1] as [Int64])
    func `ids that no venue has end in a status with words, never in a trap`(
        dataset: String, id: Int64
    ) throws {
        for range in [[], ["--from", "1"], ["--from", "2018-01-01"], ["--to", "2018-01-02"]] {
            let outcome = try ScriptedREST("newest", "\(id)").pull(
                [dataset, "--limit", "10"] + range)
            #expect([0, 64, 69, 76].contains(outcome.status), "\(range): \(outcome.errors)")
        }
    }

    // MARK: - Waiting

    @Test func `a ban before the first page is told of before it is waited for`() throws {
        let simulator = try Simulator(["--newest", "100"])
        try simulator.post("/next?fault=ban&endpoint=exchangeInfo&retryAfter=3600")
        let place = try TemporaryDirectory()
        let program = try LiveProgram(
            "bash",
            [
                "-c",
                "\(Program.directory.path)/rest-pull aggTrades --from 1 --base-url \(simulator.url)"
                    + " 2> \(place.path("log")); echo $? > \(place.path("status"))",
            ])
        #expect(program.wait() == 0)
        let status = try String(contentsOfFile: place.path("status"), encoding: .utf8)
        #expect(status == "75\n")
        try simulator.post("/next?fault=ban&endpoint=exchangeInfo&retryAfter=600")
        let waiting = try LiveProgram(
            "bash",
            [
                "-c",
                "exec \(Program.directory.path)/rest-pull aggTrades --from 1 --base-url "
                    + "\(simulator.url) 2> \(place.path("log"))",
            ])
        let isTold = waitUntil(10) {
            let log = (try? String(contentsOfFile: place.path("log"), encoding: .utf8)) ?? ""
            return log.contains("all requests wait 10 min")
        }
        #expect(isTold)
        waiting.signalled(SIGTERM)
        _ = waiting.wait()
    }

    // MARK: - Names

    @Test func `symbols may be typed in lower case`() throws {
        let simulator = try Simulator(["--newest", "10"])
        let outcome = try Program.run(
            "rest-pull",
            ["aggTrades", "--from", "1", "--symbol", "btcusdt", "--base-url", simulator.url])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let kinds = try Program.run("recq", ["count"], input: outcome.output).text
        #expect(kinds.contains("10  BTCUSDT aggTrade"))
    }
}
