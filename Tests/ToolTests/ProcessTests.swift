import Foundation
import TestSupport
import Testing

/// How the built programs begin and end, whatever started them and whoever reads them.
struct ProcessTests {
    private static let stages = [
        "rest-pull", "sbe-tap", "dedup", "s3-put", "kinesis-put", "healthd",
    ]
    private static let tools = stages + ["recq", "ledgerctl", "exchange-sim", "ws-echo"]

    /// Runs a line of bash, in which the programs are found by name.
    private func shell(
        _ line: String, input: [UInt8] = [], environment: [String: String] = [:]
    ) throws -> Program.Outcome {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return try Program.run(
            "bash", ["-c", line], input: input,
            environment: ["PATH": "\(Program.directory.path):\(path)"].merging(environment) { $1 })
    }

    // MARK: - Output that cannot be written

    @Test(arguments: tools)
    func `help and version that find no room are an error`(tool: String) throws {
        for option in ["--help", "--version"] {
            let outcome = try shell("\(tool) \(option) > /dev/full")
            #expect(outcome.status == 74, "\(option): \(outcome.errors)")
            #expect(outcome.errors.contains("No space left"), "\(option): \(outcome.errors)")
        }
    }

    @Test(arguments: [
        "recq", "ledgerctl", "recq help json", "recq json --help", "dedup --explain-config",
        "recq schema trade", "rest-pull --generate-completion-script bash",
    ])
    func `an answer that finds no room is an error`(command: String) throws {
        let outcome = try shell("\(command) > /dev/full")
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(outcome.errors.contains("No space left"), "\(outcome.errors)")
    }

    @Test(arguments: ["recq", "recq json --help", "dedup --help", "dedup --version"])
    func `an answer to a closed standard output is an error`(command: String) throws {
        let outcome = try shell("\(command) >&-")
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(outcome.errors.contains("Bad file descriptor"), "\(outcome.errors)")
    }

    @Test(arguments: tools)
    func `a usage error names the program and is 64`(tool: String) throws {
        let outcome = try Program.run(tool, ["--no-such-option"])
        #expect(outcome.status == 64)
        #expect(outcome.errors.hasPrefix("\(tool): error: "), "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
    }

    // MARK: - Closed descriptors

    @Test(arguments: ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">&- 2>&-"])
    func `a standard descriptor that is closed is taken by no other file`(closed: String) throws {
        let place = try TemporaryDirectory()
        let fifo = place.path("fifo")
        #expect(mkfifo(fifo, 0o600) == 0)
        let program = try BackgroundProgram(
            "bash",
            [
                "-c",
                "exec \(Program.directory.path)/s3-put --to file://\(place.path)/data "
                    + "--stats-dir \(place.path)/stats \(closed.contains("<") ? "" : "<> \(fifo)") "
                    + closed,
            ])
        func targets() -> [String?] {
            [0, 1, 2].map {
                try? FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/\(program.pid)/fd/\($0)")
            }
        }
        guard !closed.contains("<") else {
            // A file of its own must not be taken for its input: there is none, which it says.
            #expect(waitUntil { program.hasEnded }, "it waits for an input that it does not have")
            let again = try shell(
                "s3-put --to file://\(place.path)/data --stats-dir \(place.path)/stats \(closed)")
            #expect(again.status == 74, "\(again.errors)")
            if !closed.contains("2>") {
                #expect(again.errors.contains("Bad file descriptor"), "\(again.errors)")
            }
            return
        }
        let isRunning = waitUntil {
            FileManager.default.fileExists(atPath: place.path("data/.s3-put/spool/lock"))
        }
        #expect(isRunning)
        let found = targets()
        if closed.contains(">&-"), !closed.hasPrefix("2") { #expect(found[1] == "/dev/null") }
        if closed.contains("2>&-") { #expect(found[2] == "/dev/null") }
        // A log line must not be a stop signal, nor anything else be taken for one.
        program.signal(SIGTERM)
    }

    @Test func `records for a closed standard output are an error, not silence`() throws {
        let outcome = try shell("dedup >&-", input: try Records.trades(1...3))
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(outcome.errors.contains("standard output"), "\(outcome.errors)")
    }

    // MARK: - Arguments

    /// A library that does what injectors do: it sets a variable before the program begins.
    private func preload(_ place: TemporaryDirectory) throws -> String {
        try preloadedLibrary(
            """
            #include <stdlib.h>
            __attribute__((constructor)) static void set(void) { setenv("PRELOADED", "1", 1); }
            """, in: place)
    }

    @Test(arguments: [
        ("recq count", "trade"), ("dedup --explain-config --window 77", "77"),
        ("s3-put --explain-config --to file:///x/y", "file:///x/y"),
        ("kinesis-put --explain-config --instance mine", "mine"),
        ("healthd --explain-config --listen 127.0.0.1:18480", "18480"),
        ("rest-pull trades --explain-config --symbol ETHUSDT", "ETHUSDT"),
        ("sbe-tap --explain-config --symbols ETHUSDT", "ETHUSDT"),
        ("ledgerctl show /nonexistent || true", ""), ("exchange-sim --version", "."),
        ("ws-echo --version", "."),
    ])
    func `arguments are taken as given when a preloaded library sets a variable`(
        command: String, shown: String
    ) throws {
        let place = try TemporaryDirectory()
        let outcome = try shell(
            "env LD_PRELOAD=\(try preload(place)) \(command)", input: try Records.trades(1...3),
            environment: ["AWS_REGION": "us-east-1", "BINANCE_API_KEY": "k"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        if !shown.isEmpty { #expect(outcome.text.contains(shown), "\(outcome.text)") }
        #expect(!outcome.text.contains("USAGE"), "\(outcome.text)")
        #expect(!outcome.errors.contains("\"stage\":\"stage\""), "\(outcome.errors)")
    }

    // MARK: - A reader that has read enough

    /// More than any pipe holds.
    private static let many = Result { try Records.trades(1...20_000) }

    @Test(arguments: ["recq json", "recq head -n 100000"])
    func `a person who has read enough hears nothing, and it is no failure`(command: String) throws
    {
        let outcome = try shell(
            "\(command) | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}",
            input: try Self.many.get())
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.isEmpty, "\(outcome.errors)")
    }

    @Test(arguments: ["dedup", "recq json | recq pack"])
    func `a filter whose reader has read enough dies as Unix filters do, and says nothing`(
        command: String
    ) throws {
        let outcome = try shell(
            "\(command) | head -c 1 > /dev/null; s=(${PIPESTATUS[@]}); exit ${s[-2]}",
            input: try Self.many.get())
        #expect(outcome.status == 141, "\(outcome.errors)")
        #expect(outcome.errors.isEmpty, "\(outcome.errors)")
    }

    @Test(arguments: [
        ("dedup --instance live", [:]), ("dedup", ["STAGE_INSTANCE": "live"]),
        ("dedup", ["PIPELINE_NAME": "live"]), ("dedup", ["INVOCATION_ID": "0123"]),
        ("dedup", ["NOTIFY_SOCKET": "/run/none"]), ("recq json", ["INVOCATION_ID": "0123"]),
    ])
    func `in a service a reader that is gone is 74 and is told`(
        command: String, environment: [String: String]
    ) throws {
        let place = try TemporaryDirectory()
        let outcome = try shell(
            "\(command) --stats-dir \(place.path) | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}",
            input: try Self.many.get(), environment: environment)
        #expect(outcome.status == 74, "\(outcome.errors)")
        #expect(outcome.errors.contains("Broken pipe"), "\(outcome.errors)")
    }

    @Test func `a source whose reader has read enough dies as Unix sources do`() throws {
        let simulator = try Simulator(["--newest", "50000"])
        let outcome = try shell(
            "rest-pull aggTrades --from 1 --to 50000 --base-url \(simulator.url) | head -c 1 "
                + "> /dev/null; exit ${PIPESTATUS[0]}")
        #expect(outcome.status == 141, "\(outcome.errors)")
        #expect(!outcome.errors.contains("Broken pipe"), "\(outcome.errors)")
    }

    // MARK: - Signals

    @Test func `a stage that waits for the writer of a FIFO hears SIGTERM`() throws {
        let place = try TemporaryDirectory()
        let fifos = ["a", "b"].map(place.path)
        for fifo in fifos { #expect(mkfifo(fifo, 0o600) == 0) }
        let program = try LiveProgram("dedup", fifos + ["--stats-dir", place.path("stats")])
        #expect(waitUntil { Stats.isThere(in: place.path("stats")) })
        program.signalled(SIGTERM)
        #expect(program.wait() == 0, "\(program.errors)")
    }

    @Test func `FIFOs are merged whichever writer comes first`() throws {
        let place = try TemporaryDirectory()
        let outcome = try shell(
            """
            mkfifo \(place.path)/a \(place.path)/b
            cat > \(place.path)/in
            dedup \(place.path)/a \(place.path)/b > \(place.path)/out & p=$!
            cat \(place.path)/in > \(place.path)/b
            cat \(place.path)/in > \(place.path)/a
            wait $p && recq count \(place.path)/out
            """, input: try Records.trades(1...50))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.text.contains("50"), "\(outcome.text)")
    }

    /// As a terminal sends it: to all stages of a pipeline at once.
    @Test(arguments: ["dedup", "s3-put"])
    func `what is in a pipe when SIGINT comes to all stages is not lost`(tool: String) throws {
        let place = try TemporaryDirectory()
        let isSink = tool == "s3-put"
        let program = try LiveProgram(
            "bash",
            [
                "-c",
                "exec \(Program.directory.path)/\(tool) --stats-dir \(place.path)/stats "
                    + (isSink ? "--to file://\(place.path)/data" : "> \(place.path)/out"),
            ])
        let records = try Records.trades(1...200)
        program.write(Array(records.prefix(1000)))
        #expect(waitUntil { program.unread == 0 && Stats.isThere(in: place.path("stats")) })
        program.signalled(SIGINT)
        // The stage before it writes out what it has.
        program.write(Array(records.dropFirst(1000)))
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        if isSink {
            #expect(program.errors.contains("200 records in 1 object"), "\(program.errors)")
        } else {
            let output = try Data(contentsOf: URL(fileURLWithPath: place.path("out")))
            #expect(Array(output) == records, "\(output.count) bytes")
        }
    }

    @Test func `at SIGINT a stage reads on for ten seconds, and no longer`() throws {
        let place = try TemporaryDirectory()
        let program = try LiveProgram("dedup", ["--stats-dir", place.path("stats")])
        // Once it has read something it knows what its input is.
        program.write(try Records.trades(1...1))
        #expect(waitUntil { program.unread == 0 })
        let start = Date()
        program.signalled(SIGINT)
        // Its writer is there, and writes nothing.
        #expect(program.wait() == 0, "\(program.errors)")
        let seconds = Date().timeIntervalSince(start)
        #expect(seconds > 9 && seconds < 40, "\(seconds) s")
        program.closeInput()
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a second signal ends a stage that drains at once, and its spool stays`(number: Int32)
        throws
    {
        let place = try TemporaryDirectory()
        let arguments = [
            "--to", "s3://bucket/x", "--endpoint-url", "http://127.0.0.1:1", "--region",
            "us-east-1", "--state-dir", place.path("state"), "--drain-timeout", "3600",
            "--give-up-after", "1h", "--object-idle", "0.1",
        ]
        let environment = [
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        ]
        let program = try LiveProgram("s3-put", arguments, environment: environment)
        program.write(try Records.trades(1...100))
        let spool = place.path("state/spool")
        func spooled() -> Int {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: spool)) ?? []
            return names.reduce(0) { sum, name in
                let path = "\(spool)/\(name)"
                let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size]
                return sum + ((size as? Int) ?? 0)
            }
        }
        #expect(waitUntil { spooled() > 100 * 100 }, "\(program.errors)")
        program.signalled(number)
        // Nearer to each other, or pending at once, two would count as one.
        let hasEnded = waitUntil {
            usleep(300_000)
            program.signalled(number)
            return program.hasEnded
        }
        #expect(hasEnded, "\(program.errors)")
        #expect(program.wait() == 128 + number, "\(program.errors)")
        #expect(spooled() > 100 * 100)
    }

    @Test func `a signal that the parent blocked is heard all the same`() throws {
        let place = try TemporaryDirectory()
        let outcome = try shell(
            """
            python3 -c '
            import signal, os
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
            os.execvp("dedup", ["dedup", "--stats-dir", "\(place.path)/stats"])' < <(sleep 60) & p=$!
            until ls \(place.path)/stats/*.stats > /dev/null 2>&1; do sleep 0.02; done
            kill -TERM $p; wait $p
            """)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }
}

/// Looks whether a stage has come so far that it has figures.
private enum Stats {
    static func isThere(in directory: String) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.contains { $0.hasSuffix(".stats") }
    }
}

/// Records as frames.
enum Records {
    /// Trades of BTCUSDT.
    static func trades(_ ids: ClosedRange<Int>) throws -> [UInt8] {
        let lines = ids.map { id in
            """
            {"kind":"trade","symbol":"BTCUSDT","trade_id":\(id),"price":65000.1,"qty":0.5,\
            "is_buyer_maker":true,"is_best_match":null,"source":"rest","price_exponent":-8,\
            "qty_exponent":-8,"event_time_us":\(1_704_067_200_000_000 + id),\
            "ingest_time_ns":"1704067200000000001","venue":1,"flags":0}\n
            """
        }
        let outcome = try Program.run("recq", ["pack"], input: Array(lines.joined().utf8))
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }
}
