import Foundation
import TestSupport
import Testing

/// rest-pull from the archive of the simulated exchange, with the defects of the real one.
struct ArchiveTests {
    /// Six days with an aggregate a minute.
    private func simulator(_ start: String = "2025-03-01") throws -> Simulator {
        try Simulator([
            "--start", start, "--spacing", "60000", "--newest", "9000", "--invalid-aggregates",
            "50",
        ])
    }

    private func pull(
        _ simulator: Simulator, _ arguments: [String], _ place: TemporaryDirectory
    ) throws -> Program.Outcome {
        try Program.run(
            "rest-pull",
            arguments + [
                "--base-url", simulator.url, "--archive-url", simulator.url, "--archive-dir",
                place.path("archive"), "--initial-backoff", "10ms", "--max-backoff", "50ms",
            ])
    }

    /// What records say, without where and when they came. A voided aggregate's bare zero has
    /// another exponent in each form, and REST declares klines that never were.
    private func facts(_ records: [UInt8], milliseconds: Bool = false) throws -> [String] {
        let own = ["source", "ingest_ts", "ingest_time_ns", "price_exponent", "qty_exponent"]
        return try LiveRecords.lines(records).filter { $0.kind != "gap" }.map { line in
            var left = line.values.filter { !own.contains($0.key) }
            if milliseconds { left["event_time_us"] = nil }
            let data = try JSONSerialization.data(withJSONObject: left, options: .sortedKeys)
            return String(decoding: data, as: UTF8.self)
        }
    }

    private static let days = ["--from", "2025-03-02", "--to", "2025-03-04"]

    @Test(arguments: [
        ["trades"], ["aggTrades"], ["klines", "--interval", "1m"],
        ["klines", "--interval", "1h,1d"],
    ])
    func `days of the archive are what REST has`(dataset: [String]) throws {
        let simulator = try simulator()
        let place = try TemporaryDirectory()
        let rest = try pull(simulator, dataset + Self.days, place)
        let archive = try pull(simulator, dataset + Self.days + ["--source", "archive"], place)
        #expect(rest.status == 0 && archive.status == 0, "\(rest.errors)\(archive.errors)")
        let (one, other) = (try facts(rest.output), try facts(archive.output))
        #expect(one.count > 40 && one == other, "\(one.count) and \(other.count)")
        #expect(
            try LiveRecords.lines(archive.output).allSatisfy {
                $0.values["source"] as? String == "archive"
            })
        let left =
            (try? FileManager.default.contentsOfDirectory(atPath: place.path("archive"))) ?? []
        #expect(left.isEmpty, "\(left)")
        print("\(dataset[0]): \(one.count) records")
    }

    @Test func `files of before 2025 are in milliseconds`() throws {
        let simulator = try simulator("2024-03-01")
        let place = try TemporaryDirectory()
        let days = ["--from", "2024-03-02", "--to", "2024-03-03"]
        let rest = try pull(simulator, ["trades"] + days, place)
        let archive = try pull(simulator, ["trades"] + days + ["--source", "archive"], place)
        #expect(archive.status == 0, "\(archive.errors)")
        #expect(
            try facts(rest.output, milliseconds: true) == facts(archive.output, milliseconds: true))
        for line in try LiveRecords.lines(archive.output) {
            let time = (line.values["event_time_us"] as? NSNumber)?.int64Value ?? 0
            #expect(time % 1000 == 0 && time > 1_700_000_000_000_000, "\(time)")
        }
    }

    @Test func `a part of a day, a month, a limit`() throws {
        let simulator = try Simulator([
            "--start", "2025-01-28", "--spacing", "3600000", "--newest", "1500",
        ])
        let place = try TemporaryDirectory()
        let part = ["--from", "2025-02-02T06:30:00Z", "--to", "2025-02-03T04:00:00Z"]
        let rest = try pull(simulator, ["aggTrades"] + part, place)
        for more in [[], ["--monthly"]] {
            let archive = try pull(
                simulator, ["aggTrades", "--source", "archive"] + part + more, place)
            #expect(archive.status == 0, "\(archive.errors)")
            #expect(try facts(rest.output) == facts(archive.output))
        }
        let some = try pull(
            simulator,
            [
                "aggTrades", "--source", "archive", "--from", "2025-02-02", "--to", "2025-02-06",
                "--limit", "30",
            ], place)
        #expect(try LiveRecords.lines(some.output).count == 30, "\(some.errors)")
    }

    @Test
    func `days that lack their file at the beginning are missing, unless nothing was before them`()
        throws
    {
        let simulator = try simulator()
        let place = try TemporaryDirectory()
        func trades(_ from: String, _ to: String) throws -> Program.Outcome {
            try pull(
                simulator, ["trades", "--source", "archive", "--from", from, "--to", to], place)
        }
        // Before the listing there was nothing.
        let listed = try trades("2025-02-26", "2025-03-03")
        #expect(listed.status == 0, "\(listed.errors)")
        #expect(listed.errors.contains("2025-02-26 to "), "\(listed.errors)")
        #expect(listed.errors.contains("as before a listing"), "\(listed.errors)")
        // A day behind it was lost.
        try simulator.post("/archive?file=BTCUSDT-trades-2025-03-02&defect=absent")
        let lost = try trades("2025-03-02", "2025-03-04")
        #expect(lost.status == 69, "\(lost.errors)")
        #expect(lost.errors.contains("missing: BTCUSDT-trades-2025-03-02 (the first file"))
        // What has not begun is not asked for.
        let future = try trades("2025-03-03", "2190-01-01")
        #expect(future.status == 69 && future.errors.contains("has not happened yet"))
        let begins = try trades("2190-01-01", "2190-01-03")
        #expect(begins.status == 64 && begins.errors.contains("in the future"), "\(begins.errors)")
    }

    @Test(arguments: [
        ("absent", Int32(69), "BTCUSDT-trades-2025-03-03"),
        ("cut", 69, "missing: BTCUSDT trade ids"),
        ("hole", 69, "missing: BTCUSDT trade ids"),
        ("checksum", 76, "is not what its CHECKSUM says, twice"),
        ("zip", 76, "does not end as a zip file does"),
        ("replaced", 76, "is not what its CHECKSUM says, twice"),
        ("unchecked", 0, "has no CHECKSUM"),
        ("titles", 0, ""),
        ("overlap", 0, ""),
    ])
    func `what is wrong with a file is said, and costs no other`(
        defect: String, status: Int32, words: String
    ) throws {
        let simulator = try simulator()
        let place = try TemporaryDirectory()
        let file = "BTCUSDT-trades-2025-03-03"
        try simulator.post("/archive?file=\(file)&defect=\(defect)")
        let outcome = try pull(
            simulator,
            [
                "trades", "--source", "archive", "--from", "2025-03-02", "--to", "2025-03-06",
                "--parallel", "1", "--max-attempts", "2",
            ], place)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(words.isEmpty || outcome.errors.contains(words), "\(outcome.errors)")
        let lines = try LiveRecords.lines(outcome.output)
        LiveRecords.expectCovered(lines)
        if status != 0 {
            #expect(lines.contains { $0.kind == "gap" }, "\(defect)")
        }
        let check = try Program.run("recq", ["check"], input: outcome.output)
        #expect(check.text.contains("0 duplicates  0 out of order"), "\(check.text)")
    }

    @Test(arguments: [
        ("none", Int32(0), "equal"), ("hole", 1, "in REST, not in the archive"),
        ("cut", 1, "in REST, not in the archive"),
        ("value", 1, "qty is 0.77777 in the archive"), ("absent", 1, "HTTP 404"),
        ("checksum", 1, "is not what its CHECKSUM says"), ("titles", 0, "equal"),
    ])
    func `an audit names what differs between the archive and REST`(
        defect: String, status: Int32, words: String
    ) throws {
        for start in ["2025-03-01", "2024-03-01"] {
            let simulator = try simulator(start)
            let place = try TemporaryDirectory()
            let day = start.dropLast() + "2"
            try simulator.post("/archive?file=BTCUSDT-trades-\(day)&defect=\(defect)")
            let outcome = try pull(
                simulator,
                ["trades", "--audit", "--from", "\(day)", "--to", start.dropLast() + "3"], place)
            #expect(outcome.status == status, "\(outcome.errors)")
            #expect(outcome.text.contains(words), "\(outcome.text)\(outcome.errors)")
        }
    }

    @Test func `an audit compares with what is held`() throws {
        let simulator = try simulator()
        let place = try TemporaryDirectory()
        let day = ["--from", "2025-03-02", "--to", "2025-03-03"]
        let some = try pull(simulator, ["trades"] + day + ["--limit", "500"], place)
        let file = place.path("held")
        try Data(some.output).write(to: URL(fileURLWithPath: file))
        let outcome = try pull(simulator, ["trades", "--audit", "--resume", file] + day, place)
        #expect(outcome.status == 1, "\(outcome.errors)")
        #expect(outcome.text.contains("in the archive, not held"), "\(outcome.text)")
    }

    @Test func `what a killed run had fetched is gone on with`() throws {
        let simulator = try simulator()
        let place = try TemporaryDirectory()
        let arguments = [
            "trades", "--source", "archive", "--from", "2025-03-02", "--to", "2025-03-03",
        ]
        let first = try pull(simulator, arguments + ["--keep-files"], place)
        #expect(first.status == 0, "\(first.errors)")
        let file = place.path("archive/BTCUSDT-trades-2025-03-02.zip")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let headers = try Program.run(
            "curl",
            [
                "-s", "-D", "-", "-o", "/dev/null", "-r", "0-0",
                simulator.url + "/data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2025-03-02.zip",
            ])
        let tag = headers.text.split(whereSeparator: \.isNewline)
            .first { $0.lowercased().hasPrefix("etag") }
        let name = (tag ?? "").dropFirst(5).filter { $0.isLetter || $0.isNumber }
        try FileManager.default.removeItem(atPath: file)
        // All of it is there, and only its checksum was not looked at yet.
        let part = file + ".\(name).part"
        try Data(bytes).write(to: URL(fileURLWithPath: part))
        let again = try pull(simulator, arguments + ["--log-level", "DEBUG"], place)
        #expect(again.status == 0, "\(again.errors)")
        #expect(again.errors.contains("continuing after"), "\(again.errors)")
        #expect(try facts(first.output) == facts(again.output))
        // A part of something else is found out by the checksum, and fetched again.
        try Data(bytes.reversed()).write(to: URL(fileURLWithPath: part))
        let healed = try pull(simulator, arguments, place)
        #expect(healed.status == 0, "\(healed.errors)")
        #expect(try facts(first.output) == facts(healed.output))
    }

    @Test func `ids that are held are left out`() throws {
        let simulator = try simulator()
        let place = try TemporaryDirectory()
        let all = ["trades", "--source", "archive"] + Self.days
        let some = try pull(
            simulator, ["trades", "--from", "2025-03-02T05:00", "--to", "2025-03-02T20:00"], place)
        let file = place.path("held")
        try Data(some.output).write(to: URL(fileURLWithPath: file))
        let rest = try pull(simulator, all + ["--resume", file], place)
        #expect(rest.status == 0, "\(rest.errors)")
        let whole = try pull(simulator, all, place)
        let merged = try Program.run("dedup", [], input: rest.output + some.output)
        #expect(
            try Set(facts(merged.output)) == Set(facts(whole.output)))
        #expect(
            try facts(rest.output).count + facts(some.output).count == facts(whole.output).count)
    }

    @Test(arguments: [
        (["trades", "--source", "archive", "--from", "5", "--to", "9"], "is an id"),
        (["trades", "--source", "archive"], "need --from and --to"),
        (["depth", "--source", "archive", "--from", "2025-01-01"], "whole days"),
        (["trades", "--monthly"], "--source archive"),
        (
            ["trades", "--source", "archive", "--from", "2025-01-02", "--to", "2025-01-01"],
            "not before"
        ),
    ])
    func `what the archive cannot do is a usage error`(words: [String], hint: String) throws {
        let outcome = try Program.run("rest-pull", words + ["--archive-url", "http://127.0.0.1:1"])
        #expect(outcome.status == 64 && outcome.errors.contains(hint), "\(outcome.errors)")
    }
}
