import Foundation
import TestSupport
import Testing

/// What `rest-pull` makes of a range that cannot exist: never a silent end with nothing.
struct RangeTests {
    /// 40000 aggregates from 2024-01-01T00:00:00Z, ten a second.
    private func pull(_ arguments: [String]) throws -> Program.Outcome {
        let simulator = try Simulator(["--newest", "40000"])
        return try Program.run("rest-pull", arguments + ["--base-url", simulator.url])
    }

    @Test(
        arguments: ["aggTrades", "trades"],
        [
            ("1704067200", "seconds"), ("1704067200000", "milliseconds"),
            ("1704067200000000", "microseconds"), ("1704067200000000000", "nanoseconds"),
        ])
    func `epoch numbers where ids are expected are told of, with their unit`(
        dataset: String, number: (text: String, unit: String)
    ) throws {
        let simulator = try Simulator(["--newest", "40000"])
        let end = number.text.dropLast(1) + "1"
        for range in [
            ["--from", number.text], ["--to", number.text],
            ["--from", number.text, "--to", "\(end)"],
        ] {
            let outcome = try Program.run(
                "rest-pull", [dataset, "--base-url", simulator.url] + range)
            #expect(outcome.status == 69, "\(range): \(outcome.errors)")
            #expect(outcome.errors.contains("looks like \(number.unit)"), "\(outcome.errors)")
            #expect(outcome.errors.contains("2024-01-01T00:00:0"), "\(outcome.errors)")
        }
        let followed = try Program.run(
            "rest-pull",
            [dataset, "--base-url", simulator.url, "--follow", "--from", number.text])
        #expect(followed.status == 64, "\(followed.errors)")
    }

    @Test(arguments: [("1704067200", "seconds"), ("1704067200000000000", "nanoseconds")])
    func `klines take milliseconds and microseconds, and name other units`(
        number: String, unit: String
    ) throws {
        for end in ["--from", "--to"] {
            let outcome = try pull(["klines", end, number])
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("looks like \(unit)"), "\(outcome.errors)")
        }
        let outcome = try pull(["klines", "--from", "1704067200000", "--to", "1704070800000000"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let count = try Program.run("recq", ["count"], input: outcome.output).text
        #expect(count.contains("60  BTCUSDT kline"), "\(count)")
    }

    @Test(arguments: ["aggTrades", "trades", "klines"])
    func `a range before the market or after it is not there, which is 69`(dataset: String) throws {
        for range in [
            ["--from", "2010-01-01", "--to", "2011-01-01"], ["--to", "2011-01-01"],
            ["--from", "2025-01-01"], ["--from", "2025-01-01", "--to", "2025-02-01"],
        ] {
            let outcome = try pull([dataset] + range)
            #expect(outcome.status == 69, "\(dataset) \(range): \(outcome.errors)")
            #expect(outcome.errors.contains(": no "), "\(outcome.errors)")
        }
        let future = try pull([dataset, "--from", "2190-01-01"])
        #expect(future.status == 64)
        #expect(future.errors.contains("in the future"), "\(future.errors)")
        let followed = try pull([dataset, "--follow", "--to", "2011-01-01"])
        #expect(followed.status == 69, "\(followed.errors)")
    }

    private static func hoursAgo(_ hours: Double) -> String {
        ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: -hours * 3600))
    }

    @Test(arguments: ["aggTrades", "trades", "klines"])
    func `a range that has not happened yet in part is not whole, which is said`(dataset: String)
        throws
    {
        // The market goes on up to the present, which is what the venue's clock says.
        let simulator = try Simulator([
            "--start", Self.hoursAgo(3), "--spacing", "1000",
        ])
        let from = Self.hoursAgo(2)
        for end in ["2190-01-01", Self.hoursAgo(-5)] {
            let outcome = try Program.run(
                "rest-pull",
                [dataset, "--base-url", simulator.url, "--from", from, "--to", end])
            #expect(outcome.status == 69, "\(end): \(outcome.errors)")
            let words = dataset == "klines" ? "not over yet" : "has not happened yet"
            #expect(outcome.errors.contains(words), "\(end): \(outcome.errors)")
            // What there is came.
            let count = try Program.run("recq", ["count"], input: outcome.output).text
            #expect(!count.hasPrefix("0 "), "\(count)")
        }
        // Where a limit ends it, the rest was not asked for; nor is now the future.
        for more in [["--to", "2190-01-01", "--limit", "10"], ["--to", Self.hoursAgo(0)], []] {
            let outcome = try Program.run(
                "rest-pull", [dataset, "--base-url", simulator.url, "--from", from] + more)
            #expect(outcome.status == 0, "\(more): \(outcome.errors)")
        }
        guard dataset == "klines" else { return }
        let open = try Program.run(
            "rest-pull",
            ["klines", "--base-url", simulator.url, "--from", from, "--to", Self.hoursAgo(0)]
                + ["--interval", "1d"])
        #expect(open.errors.contains("not over yet"), "\(open.errors)")
    }

    @Test func `a time without records is a range without records, and a warning says so`() throws {
        // Two aggregates are at least 50 ms apart.
        let outcome = try pull([
            "aggTrades", "--from", "2024-01-01T00:10:00.000000", "--to",
            "2024-01-01T00:10:00.000001",
        ])
        #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.errors)")
        #expect(outcome.errors.contains("no records in that time"), "\(outcome.errors)")
    }

    @Test(arguments: ["aggTrades", "trades", "klines"], ["-5", "-1704067200000"])
    func `a negative number is told that it is one`(dataset: String, number: String) throws {
        for arguments in [["--from", number], ["--from=\(number)"], ["--to", number]] {
            let outcome = try pull([dataset] + arguments)
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("is negative"), "\(outcome.errors)")
        }
    }

    @Test(arguments: ["9223372036854775807", "99999999999999999999"])
    func `a number that no id can be is refused`(number: String) throws {
        let outcome = try pull(["aggTrades", "--from", "1", "--to", number])
        #expect(
            outcome.status == 64 && outcome.errors.contains("larger than any id"),
            "\(outcome.status) \(outcome.errors)")
    }

    /// Every program that takes a range of ids or times.
    private static let askers: [(command: [String], options: [String])] = [
        (["rest-pull", "aggTrades", "--base-url", "http://127.0.0.1:9"], ["--from", "--to"]),
        (["recq", "cat", "-"], ["--from", "--to"]),
        (["ledgerctl", "verify", "file://PLACE", "--from=1"], ["--to"]),
        (["ledgerctl", "verify", "file://PLACE", "--to=2024-01-31"], ["--from"]),
    ]

    @Test(arguments: ["2024-13-01", "noon", "", "-3y", "-5", "99999999999999999999"])
    func `every program names the option whose words are neither an id nor a time`(
        words: String
    ) throws {
        let place = try TemporaryDirectory()
        for (command, options) in Self.askers {
            for option in options {
                let arguments = command.dropFirst().map {
                    $0.replacing("PLACE", with: place.path)
                }
                let outcome = try Program.run(command[0], arguments + [option, words])
                let line = "\(command) \(option): \(outcome.status) \(outcome.errors)"
                #expect(outcome.status == 64, "\(line)")
                let begin = "\(command[0]): error: \(option): "
                #expect(outcome.errors.hasPrefix(begin), "\(line)")
            }
        }
    }

    @Test(arguments: ["yesterday", "-2h", "now", "2024-01-31 12:00", "2024-01-31T12:00+02:00"])
    func `every program takes the same words for a time`(words: String) throws {
        let place = try TemporaryDirectory()
        let whole = try Program.run("recq", ["cat", "-", "--from", words])
        #expect(whole.status == 0, "\(whole.errors)")
        let filter = try Program.run("recq", ["where", "time < '\(words)'"])
        #expect(filter.status == 0, "\(filter.errors)")
        let other = words == "now" || words == "-2h" ? "2100-01-01" : "now"
        let proof = try Program.run(
            "ledgerctl", ["verify", "file://\(place.path)", "--from", words, "--to", other])
        #expect(proof.status != 64, "\(proof.errors)")
    }

    @Test func `resuming what is whole says that there is nothing to do`() throws {
        let simulator = try Simulator(["--newest", "3000"])
        let place = try TemporaryDirectory()
        let range = ["aggTrades", "--from", "1", "--to", "3000", "--base-url", simulator.url]
        let first = try Program.run("rest-pull", range)
        try Data(first.output).write(to: URL(fileURLWithPath: place.path("held")))
        let again = try Program.run("rest-pull", range + ["--resume", place.path("held")])
        #expect(again.status == 0 && again.output.isEmpty, "\(again.status)")
        #expect(again.errors.contains("nothing to do: all 3000 are held"), "\(again.errors)")
    }

    @Test func `a repair asks again for what an earlier run declared missing`() throws {
        let simulator = try Simulator(["--newest", "3000", "--oldest", "1001"])
        let place = try TemporaryDirectory()
        let range = ["aggTrades", "--from", "1", "--to", "3000", "--base-url", simulator.url]
        let first = try Program.run("rest-pull", range)
        #expect(
            first.status == 69 && first.errors.contains("--resume PATH --repair"),
            "\(first.status) \(first.errors)")
        try Data(first.output).write(to: URL(fileURLWithPath: place.path("held")))
        try simulator.post("/market?oldest=1")
        let resumed = try Program.run("rest-pull", range + ["--resume", place.path("held")])
        #expect(resumed.status == 69 && resumed.output.isEmpty, "\(resumed.errors)")
        let repaired = try Program.run(
            "rest-pull", range + ["--resume", place.path("held"), "--repair"])
        #expect(repaired.status == 0, "\(repaired.errors)")
        let count = try Program.run("recq", ["count"], input: repaired.output).text
        #expect(count.contains("1000  BTCUSDT aggTrade"), "\(count)")
    }

    @Test func `a numbering that began anew below what is held is told of`() throws {
        let simulator = try Simulator(["--newest", "200000"])
        let place = try TemporaryDirectory()
        let held = try Program.run(
            "rest-pull",
            ["aggTrades", "--from", "199000", "--to", "200000", "--base-url", simulator.url])
        try Data(held.output).write(to: URL(fileURLWithPath: place.path("held")))
        try simulator.post("/market?newest=500")
        let again = try Program.run(
            "rest-pull",
            [
                "aggTrades", "--from", "1", "--to", "500", "--resume", place.path("held"),
                "--base-url", simulator.url,
            ])
        #expect(again.status == 0 && again.errors.contains("start over"), "\(again.errors)")
    }

    // MARK: - Ids of times

    @Test func `a long run of voided aggregates hides no trades`() throws {
        let venue = try ScriptedREST("voided")
        let from = try venue.pull(["trades", "--from", "2018-01-01T00:05:10"])
        #expect(from.status == 0, "\(from.errors)")
        let count = try Program.run("recq", ["check"], input: from.output).text
        #expect(count.contains("500 records  0 duplicates  0 out of order  0 holes"), "\(count)")
        let to = try venue.pull(["trades", "--from", "2018-01-01", "--to", "2018-01-01T00:05:10"])
        #expect(to.status == 0, "\(to.errors)")
        let kinds = try Program.run("recq", ["count"], input: to.output).text
        #expect(kinds == "300  BTCUSDT trade\n300  total\n", "\(kinds)")
    }

    @Test func `a billion ids that are gone are declared in one record, without asking for each`()
        throws
    {
        let venue = try ScriptedREST("hole_to", "1437921759")
        let outcome = try venue.pull(["aggTrades", "--from", "1"])
        #expect(outcome.status == 69)
        #expect(outcome.errors.contains("ids 1 to 1437921758"), "\(outcome.errors)")
        let kinds = try Program.run("recq", ["count"], input: outcome.output).text
        #expect(kinds == "3  BTCUSDT aggTrade\n1  BTCUSDT gap\n4  total\n", "\(kinds)")
        #expect(try venue.requests() < 40)
    }
}
