import Foundation
import TestSupport
import Testing

/// fan-out: several readers of one stream, none of which waits for another.
struct FanOutTests {
    @Test func `readers that end with their input get everything, in order`() throws {
        let records = try FanOutRun.trades(1...20000)
        let place = try TemporaryDirectory()
        try Data(records).write(to: URL(fileURLWithPath: place.path("records")))
        let outcome = try FanOutRun.typed(">(cat > a) >(cat > b) - < records > c", in: place)
        #expect(outcome.status == 0 && !outcome.errors.contains("WARNING"), "\(outcome.errors)")
        for name in ["a", "b", "c"] {
            let isWhole = waitUntil(30) {
                FileManager.default.contents(atPath: place.path(name)) == Data(records)
            }
            #expect(isWhole, "\(name)")
        }
    }

    @Test func `a reader that is away keeps no other one waiting, and gets all of it later`() throws
    {
        let records = try FanOutRun.trades(1...50000)
        let run = try FanOutRun(["kinesis", "s3"])
        let s3 = try run.reader("s3")
        run.write(records)
        // 5.5 MB, of which a pipe holds one at the most.
        #expect(waitUntil(60) { run.output("s3").count == records.count }, "\(run.log)")
        #expect(run.output("s3") == records)
        let kinesis = try run.reader("kinesis")
        #expect(waitUntil(60) { run.output("kinesis").count == records.count }, "\(run.log)")
        #expect(run.output("kinesis") == records)
        #expect(run.stop(SIGTERM) == 0, "\(run.log)")
        _ = (s3, kinesis)
    }

    @Test func `what waits outlives kills and a stop, and each reader gets each record`() throws {
        let records = try FanOutRun.trades(1...50000)
        let run = try FanOutRun(["a", "b"])
        // As systemd does: a reader sees no end while fan-out is away.
        let held = ["a", "b"].map { open(run.place.path($0), O_RDWR | O_CLOEXEC) }
        defer { held.forEach { close($0) } }
        let a = try run.reader("a")
        let parts = 10
        let frames = records.count / 50000
        for part in 0..<parts {
            let range = (part * 5000 * frames)..<((part + 1) * 5000 * frames)
            run.write(Array(records[range]))
            let wanted = (part + 1) * 5000 * frames
            // Killed at different moments: before it has read, while it writes, when all is done.
            if part % 3 == 1 { #expect(waitUntil(60) { run.output("a").count >= wanted / 2 }) }
            if part % 3 == 2 { #expect(waitUntil(60) { run.output("a").count >= wanted }) }
            _ = run.stop(SIGKILL)
            try run.start()
        }
        func ids(_ name: String) throws -> Set<Int64> {
            Set(try LiveRecords.lines(run.output(name)).map(\.first))
        }
        let wanted = Set((1...50000).map(Int64.init))
        #expect(try waitUntil(90) { try ids("a") == wanted }, "\(run.log)")
        // A stop keeps what the other one has not got.
        #expect(run.stop(SIGTERM) == 0)
        #expect(run.log.contains("output b did not read everything"), "\(run.log)")
        try run.start()
        let b = try run.reader("b")
        #expect(try waitUntil(90) { try ids("b") == wanted }, "\(run.log)")
        #expect(run.stop(SIGTERM) == 0)
        _ = (a, b)
    }

    @Test func `a full spool stops reading, says so, and goes on when there is room`() throws {
        let records = try FanOutRun.trades(1...50000)
        let run = try FanOutRun(["a", "b"], ["--spool-max", "2MiB"])
        let a = try run.reader("a")
        run.write(records)
        #expect(waitUntil(30) { run.log.contains("reading stops until there is space") })
        #expect(run.output("a").count < records.count)
        let b = try run.reader("b")
        #expect(waitUntil(60) { run.output("b").count == records.count }, "\(run.log)")
        #expect(waitUntil(60) { run.output("a").count == records.count }, "\(run.log)")
        #expect(run.output("a") == records && run.output("b") == records)
        #expect(run.stop(SIGTERM) == 0)
        _ = (a, b)
    }

    /// With one sink down for long: what the health of the host says, and under load of no sink that runs.
    @Test func `an output that is away is named by the health, and one that is busy is not`() throws
    {
        let records = try FanOutRun.trades(1...50000)
        let run = try FanOutRun(["kinesis", "s3"], ["--spool-max", "16MiB", "--instance", "test"])
        let s3 = try run.reader("s3")
        func health() throws -> String {
            let seen = try Program.run(
                "healthd", ["--once", "--log-format", "text"],
                environment: [
                    "STATS_DIR": run.place.path("stats"), "COLUMNS": "300",
                    "HEALTH__UNDELIVERED_SECONDS": "1", "HEALTH__NO_DATA_SECONDS": "3600",
                ])
            return seen.text + seen.errors
        }
        // Something is on its way to it at all times.
        let part = records.count / 50000 * 200
        var place = 0
        let isNamed = try waitUntil(60) {
            if place < records.count {
                run.write(Array(records[place..<min(place + part, records.count)]))
                place += part
            }
            return try health().contains("output kinesis is away or slow")
        }
        var seen = try health()
        #expect(isNamed, "\(seen)\(run.log)")
        let kinesis = try run.reader("kinesis")
        let isOver = try waitUntil(60) {
            seen = try health()
            return !seen.contains("undelivered")
        }
        #expect(isOver, "\(seen)")
        #expect(run.stop(SIGTERM) == 0, "\(run.log)")
        _ = (s3, kinesis)
    }

    @Test func `a command that ended is an error at the end, and no other output's trouble`() throws
    {
        let records = try FanOutRun.trades(1...20000)
        let place = try TemporaryDirectory()
        try Data(records).write(to: URL(fileURLWithPath: place.path("records")))
        let outcome = try FanOutRun.typed(">(exit 3) >(cat > b) < records", in: place)
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(outcome.errors.contains("no process reads from output 1"), "\(outcome.errors)")
        #expect(
            waitUntil(30) {
                FileManager.default.contents(atPath: place.path("b")) == Data(records)
            })
        // The next run has it for the first one.
        let next = try FanOutRun.typed(">(cat > a) >(cat > c) < /dev/null", in: place)
        #expect(next.status == 0, "\(next.errors)")
        #expect(
            waitUntil(30) {
                FileManager.default.contents(atPath: place.path("a")) == Data(records)
            })
        #expect(FileManager.default.contents(atPath: place.path("c")) == Data())
    }

    /// What a person types, and ends: the terminal interrupts every process of the line at once.
    @Test(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `Ctrl-C ends a line with two sinks in order, and neither lacks a record`() throws {
        let python = try #require(Python.path)
        let simulator = try Simulator(["--start", "now", "--rate", "50"])
        let place = try TemporaryDirectory()
        let sinks = ["a", "b"].map {
            ">(s3-put --to file://\(place.path($0)) --state-dir \(place.path("state-\($0)")))"
        }.joined(separator: " ")
        let environment = [
            "PATH": Program.directory.path + ":/usr/local/bin:/usr/bin:/bin",
            "BINANCE__SBE_WS_URL": simulator.streams, "BINANCE__REST_BASE_URL": simulator.url,
            "BINANCE_API_KEY": "any", "STATS_DIR": place.path("stats"), "S3__OBJECT_SECONDS": "1",
            "LOGGING__FORMAT": "text", "LOGGING__LEVEL": "DEBUG",
        ]
        let outcome = try Program.run(
            python,
            [
                script("control_c.py"), place.path, "stored: [^\r]*kind=trade", "4",
                "sbe-tap --streams trade | fan-out --state-dir spool \(sinks)",
            ], environment: environment)
        #expect(outcome.status == 0, "\(outcome.text) \(outcome.errors)")
        #expect(outcome.text.contains("ended with 0 0\n"), "\(outcome.text)")
        #expect(!outcome.text.contains("error:"), "\(outcome.text)")
        // What a sink had not taken when it ended, the next run has for it.
        let next = try Program.run(
            "bash", ["-c", "cd \(place.path); fan-out --state-dir spool \(sinks) < /dev/null"],
            environment: environment)
        #expect(next.status == 0, "\(next.errors)")
        func trades(_ name: String) throws -> String {
            try Program.run(
                "ledgerctl", ["verify", place.path("state-\(name)/ledger"), "--kind", "trade"]
            )
            .text
        }
        let isWhole = try waitUntil(60) {
            let first = try trades("a")
            return try first.contains("  whole") && first == trades("b")
        }
        let (first, second) = (try trades("a"), try trades("b"))
        #expect(isWhole, "\(first) \(second) \(outcome.text)")
    }

    /// Nothing more is written to it, so that no write can fail.
    @Test func `a command that ended with its input unread is not waited for`() throws {
        let records = try FanOutRun.trades(1...100)
        let place = try TemporaryDirectory()
        try Data(records).write(to: URL(fileURLWithPath: place.path("records")))
        let outcome = try FanOutRun.typed(">(head -c 10 > a) >(cat > b) < records", in: place)
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(outcome.errors.contains("no process reads from output 1"), "\(outcome.errors)")
        #expect(
            waitUntil {
                FileManager.default.contents(atPath: place.path("b")) == Data(records)
            })
    }

    @Test(arguments: [
        (["a=/dev/null", "a=/dev/null"], Int32(64), "two outputs have one name"),
        (["a b=/dev/null"], 64, "is not an output"), (["=x"], 64, "is not an output"),
        ([], 64, "<name=path>"), (["/nowhere/fifo"], 74, "/nowhere/fifo"),
    ])
    func `what is not an output is said`(words: [String], status: Int32, hint: String) throws {
        let place = try TemporaryDirectory()
        let outcome = try Program.run("fan-out", ["--state-dir", place.path("state")] + words)
        #expect(outcome.status == status && outcome.errors.contains(hint), "\(outcome.errors)")
    }
}
