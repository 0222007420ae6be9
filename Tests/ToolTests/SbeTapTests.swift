import Foundation
import TestSupport
import Testing

/// sbe-tap against the simulated venue: what comes is what the market made, whatever happens to the
/// connections.
struct SbeTapTests {
    /// A tap that was started, and what it wrote so far.
    private final class Tap {
        let place: TemporaryDirectory
        private let process: Process

        /// - Parameter throttle: a shell command that standard output goes through.
        init(_ simulator: Simulator, _ arguments: [String], throttle: String = "cat") throws {
            let place = try TemporaryDirectory()
            self.place = place
            let words =
                [
                    "--ws-url", simulator.streams, "--base-url", simulator.url, "--quarantine",
                    place.path("quarantine"), "--initial-backoff", "20ms", "--max-backoff", "100ms",
                    "--log-format", "json", "--stats-dir", place.path("stats"),
                ] + arguments
            let tool = Program.directory.appendingPathComponent("sbe-tap").path
            let quoted = ([tool] + words).map { "'\($0)'" }.joined(separator: " ")
            process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            // The shell's last word is the tap's own status.
            process.arguments = [
                "-c",
                "trap 'kill -TERM $tap' TERM; mkfifo \(place.path("fifo"));"
                    + " \(throttle) < \(place.path("fifo")) > \(place.path("out")) & "
                    + "\(quoted) > \(place.path("fifo")) 2> \(place.path("log")) & tap=$!; "
                    + "wait $tap; s=$?; [ $s -le 128 ] || { wait $tap; s=$?; }; wait; exit $s",
            ]
            var environment = ProcessInfo.processInfo.environment
            environment["BINANCE_API_KEY"] = "test-key-4711"
            process.environment = environment
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
        }

        deinit { if process.isRunning { process.terminate() } }

        var output: [UInt8] {
            (try? Data(contentsOf: URL(fileURLWithPath: place.path("out")))).map(Array.init) ?? []
        }

        var log: String {
            (try? String(contentsOfFile: place.path("log"), encoding: .utf8)) ?? ""
        }

        /// Waits for a text in the log.
        func says(_ text: String, times: Int = 1, _ seconds: Double = 10) -> Bool {
            waitUntil(seconds) { log.components(separatedBy: text).count > times }
        }

        /// Ends it with SIGTERM, and gives its exit status.
        func stop() -> Int32 {
            if process.isRunning { process.terminate() }
            process.waitUntilExit()
            return process.terminationStatus
        }

        /// Waits for its own end.
        func end() -> Int32 {
            process.waitUntilExit()
            return process.terminationStatus
        }

        var isRunning: Bool { process.isRunning }
    }

    private struct Line {
        let kind: String
        let symbol: String
        let first: Int64
        let last: Int64
        let values: [String: Any]
    }

    /// Records as `recq json` has them.
    private static func lines(_ records: [UInt8]) throws -> [Line] {
        let outcome = try Program.run("recq", ["json"], input: whole(records))
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try outcome.text.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let values = try #require(object as? [String: Any])
            func number(_ names: String...) -> Int64 {
                names.lazy.compactMap { (values[$0] as? NSNumber)?.int64Value }.first ?? -1
            }
            return Line(
                kind: values["kind"] as? String ?? "", symbol: values["symbol"] as? String ?? "",
                first: number(
                    "trade_id", "first_update_id", "first_id", "update_id", "last_update_id"),
                last: number("trade_id", "last_update_id", "last_id", "update_id"), values: values)
        }
    }

    /// Records without a half one at the end, of a program that is still writing.
    private static func whole(_ records: [UInt8]) -> [UInt8] {
        var end = 0
        while end + 6 <= records.count {
            let length = records[end..<end + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length > 0, end + length <= records.count else { break }
            end += length
        }
        return Array(records[..<end])
    }

    private static func trades(_ lines: [Line], _ symbol: String = "BTCUSDT") -> [Int64] {
        lines.filter { $0.kind == "trade" && $0.symbol == symbol }.map(\.first)
    }

    /// Ids without hole, copy or disorder, save what gap records cover.
    private static func expectCovered(_ lines: [Line], _ symbol: String = "BTCUSDT") {
        var next: Int64?
        for line in lines where line.symbol == symbol {
            let isGap = line.kind == "gap" && line.values["missing_kind"] as? String == "trade"
            guard line.kind == "trade" || isGap else { continue }
            if let next {
                #expect(line.first == next, "\(line.kind) \(line.first) instead of \(next)")
            }
            next = line.last + 1
        }
    }

    private func simulator(_ options: String...) throws -> Simulator {
        try Simulator(options)
    }

    // MARK: - What comes

    @Test func `trades are those of the market, and the same records as REST gives`() throws {
        let simulator = try simulator("--newest", "100", "--invalid-aggregates", "50")
        let tap = try Tap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=2100")
        #expect(waitUntil { tap.output.count >= 3000 * 102 })
        #expect(tap.stop() == 0, "\(tap.log)")
        let live = try Self.lines(tap.output)
        let ids = Self.trades(live)
        let first = try #require(ids.first)
        let last = try #require(ids.last)
        #expect(ids == Array(first...last) && ids.count > 3000)
        let pull = try Program.run(
            "rest-pull",
            ["trades", "--base-url", simulator.url, "--from", "\(first)", "--to", "\(last)"])
        #expect(pull.status == 0, "\(pull.errors)")
        let history = try Self.lines(pull.output)
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
        let simulator = try simulator(
            "--start", "now", "--history", "1000", "--rate", "100", "--symbol", "BTCUSDT,ETHUSDT",
            "--tls-dir", certificates.path("tls"), "--api-key", "k")
        let tap = try Tap(
            simulator,
            [
                "--symbols", "BTCUSDT,ethusdt", "--streams", "trade,bestBidAsk,depth,depth20",
                "--ws-url", simulator.secureStreams, "--ca", certificates.path("tls/ca.pem"),
            ])
        #expect(tap.says("snapshot of a book", times: 2))
        let mark = tap.output.count
        #expect(waitUntil { tap.output.count > mark + 100_000 })
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try Self.lines(tap.output)
        for symbol in ["BTCUSDT", "ETHUSDT"] {
            for kind in ["trade", "bestBidAsk", "depthDiff", "depthSnapshot"] {
                #expect(
                    lines.contains { $0.kind == kind && $0.symbol == symbol }, "\(symbol) \(kind)")
            }
            Self.expectCovered(lines, symbol)
            Self.expectBook(lines, symbol)
            let quotes = lines.filter { $0.kind == "bestBidAsk" && $0.symbol == symbol }.map(
                \.first)
            #expect(zip(quotes, quotes.dropFirst()).allSatisfy(<))
        }
        #expect(!tap.log.contains("test-key-4711"))
    }

    /// Follows the changes from the first whole book on.
    private static func expectBook(_ lines: [Line], _ symbol: String) {
        var book: Int64?
        var changes = 0
        for line in lines where line.symbol == symbol {
            if line.kind == "depthSnapshot", line.values["source"] as? String == "rest" {
                book = line.last
            } else if line.kind == "gap", line.values["missing_kind"] as? String == "depthDiff" {
                book = nil
            } else if line.kind == "depthDiff", let current = book, line.last > current {
                #expect(line.first <= current + 1)
                book = line.last
                changes += 1
            }
        }
        #expect(changes > 0)
    }

    @Test func `a later schema, other exponents and fragments change nothing in the values`() throws
    {
        let simulator = try simulator(
            "--newest", "10", "--schema-version", "1", "--block-padding", "8",
            "--price-exponent=-4",
            "--quantity-exponent=-6", "--stream-fault-rate", "0.5", "--stream-faults", "fragment")
        let tap = try Tap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=410")
        #expect(waitUntil { tap.output.count >= 600 * 102 })
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try Self.lines(tap.output)
        Self.expectCovered(lines)
        #expect(!lines.contains { $0.kind == "gap" })
        #expect(lines.allSatisfy { $0.values["price_exponent"] as? Int == -4 })
        let line = try #require(lines.first)
        let pull = try Program.run(
            "rest-pull",
            [
                "trades", "--base-url", simulator.url, "--from", "\(line.first)", "--to",
                "\(line.first)",
            ])
        let same = try #require(try Self.lines(pull.output).first)
        #expect((line.values["price"] as? NSNumber) == (same.values["price"] as? NSNumber))
        #expect((line.values["qty"] as? NSNumber) == (same.values["qty"] as? NSNumber))
    }

    // MARK: - Connections that go

    @Test func `planned rotation loses no id and doubles none`() throws {
        let simulator = try simulator("--start", "now", "--history", "10", "--rate", "500")
        let tap = try Tap(
            simulator, ["--streams", "trade", "--max-connection-age", "500ms"])
        #expect(tap.says("connection replaced", times: 4, 20), "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let ids = Self.trades(try Self.lines(tap.output))
        #expect(ids.count > 500)
        #expect(ids == Array((ids.first ?? 0)...(ids.last ?? 0)))
        #expect(!tap.log.contains("connection lost"))
    }

    @Test(arguments: ["shutdown", "shutdownWrapped"])
    func `an announced shutdown is followed at once, without a hole`(deed: String) throws {
        let simulator = try simulator("--start", "now", "--history", "10", "--rate", "500")
        let tap = try Tap(simulator, ["--streams", "trade"])
        #expect(waitUntil { tap.output.count > 20_000 })
        try simulator.post("/stream/do?deed=\(deed)&connection=all")
        #expect(tap.says("connection replaced"), "\(tap.log)")
        let mark = tap.output.count
        #expect(waitUntil { tap.output.count > mark + 20_000 })
        #expect(tap.stop() == 0, "\(tap.log)")
        let ids = Self.trades(try Self.lines(tap.output))
        #expect(ids == Array((ids.first ?? 0)...(ids.last ?? 0)))
    }

    @Test(arguments: ["cut", "tear", "reset", "close"])
    func `a lost connection is opened again, and what passed meanwhile is declared`(
        deed: String
    ) throws {
        let simulator = try simulator("--start", "now", "--history", "10", "--rate", "500")
        let tap = try Tap(simulator, ["--streams", "trade,depth"])
        #expect(waitUntil { tap.output.count > 20_000 })
        for round in 1...2 {
            try simulator.post("/stream/do?deed=\(deed)&connection=all")
            #expect(tap.says("connection lost", times: round), "\(tap.log)")
            #expect(tap.says("\"connected\"", times: round + 1), "\(tap.log)")
        }
        let mark = tap.output.count
        #expect(waitUntil { tap.output.count > mark + 40_000 })
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try Self.lines(tap.output)
        Self.expectCovered(lines)
        Self.expectBook(lines, "BTCUSDT")
        let reasons = lines.filter { $0.kind == "gap" }.map { $0.values["reason"] as? String }
        #expect(reasons.allSatisfy { $0 == "disconnected" })
    }

    @Test func `two connections of which one is cut, and drops messages, lose nothing`() throws {
        let simulator = try simulator("--start", "now", "--history", "10", "--rate", "300")
        let tap = try Tap(simulator, ["--streams", "trade", "--connections", "2"])
        #expect(tap.says("\"connected\"", times: 2))
        for round in 1...3 {
            try simulator.post("/stream/next?fault=drop&count=5&connection=\(round + 1)")
            let mark = tap.output.count
            #expect(waitUntil { tap.output.count > mark + 5_000 })
            try simulator.post("/stream/do?deed=cut&connection=\(round)")
            #expect(tap.says("\"connected\"", times: round + 2), "\(tap.log)")
            #expect(waitUntil { tap.output.count > mark + 20_000 })
        }
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try Self.lines(tap.output)
        #expect(!lines.contains { $0.kind == "gap" }, "\(tap.log)")
        let ids = Self.trades(lines)
        #expect(ids == Array((ids.first ?? 0)...(ids.last ?? 0)))
    }

    @Test func `messages that the venue drops become gap records`() throws {
        let simulator = try simulator("--newest", "10")
        let tap = try Tap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=20")
        #expect(waitUntil { tap.output.count > 1000 })
        try simulator.post("/stream/next?fault=drop&count=3")
        try simulator.post("/market?newest=60")
        #expect(waitUntil { tap.output.count >= 80 * 102 })
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try Self.lines(tap.output)
        Self.expectCovered(lines)
        let gaps = lines.filter { $0.kind == "gap" }
        #expect(gaps.count == 1 && gaps[0].values["reason"] as? String == "missed")
    }

    @Test func `silence is noticed, and the connection opened again`() throws {
        let simulator = try simulator("--start", "now", "--history", "10", "--rate", "200")
        let tap = try Tap(simulator, ["--streams", "trade", "--stall-timeout", "400ms"])
        #expect(waitUntil { tap.output.count > 5_000 })
        try simulator.post("/stream/do?deed=stall&connection=all")
        #expect(tap.says("\"cause\":\"stalled\""), "\(tap.log)")
        #expect(tap.says("\"connected\"", times: 2))
        let mark = tap.output.count
        #expect(waitUntil { tap.output.count > mark + 5_000 })
        #expect(tap.stop() == 0)
        Self.expectCovered(try Self.lines(tap.output))
    }

    @Test func `pings are answered within the venue's limit of messages`() throws {
        let simulator = try simulator(
            "--start", "now", "--rate", "50", "--ping-interval", "0.05", "--pong-timeout", "2",
            "--message-limit", "5")
        let tap = try Tap(simulator, ["--streams", "trade", "--duration", "3"])
        #expect(tap.end() == 0, "\(tap.log)")
        #expect(!tap.log.contains("connection lost"), "\(tap.log)")
    }

    // MARK: - Refusals

    @Test(arguments: [(401, 77), (403, 77), (400, 78), (404, 78)] as [(Int, Int32)])
    func `a refusal that stays one ends the program`(status: Int, code: Int32) throws {
        let simulator = try simulator("--newest", "10", "--refuse-handshakes", "\(status)")
        let tap = try Tap(simulator, ["--streams", "trade"])
        #expect(tap.end() == code, "\(tap.log)")
        #expect(tap.log.contains("HTTP \(status)") && !tap.log.contains("test-key-4711"))
    }

    @Test(arguments: [429, 418, 503])
    func `a refusal that passes is waited out`(status: Int) throws {
        let simulator = try simulator("--newest", "10")
        try simulator.post("/stream/refuse?status=\(status)&count=2")
        let tap = try Tap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\"", 20), "\(tap.log)")
        #expect(tap.log.components(separatedBy: "connection refused").count >= 3)
        #expect(tap.stop() == 0)
    }

    @Test func `a certificate that nobody vouches for ends with 78, a wrong stream with 64`() throws
    {
        let certificates = try TemporaryDirectory()
        let simulator = try simulator("--newest", "10", "--tls-dir", certificates.path("tls"))
        let tap = try Tap(simulator, ["--ws-url", simulator.secureStreams])
        #expect(tap.end() == 78, "\(tap.log)")
        #expect(try Tap(simulator, ["--streams", "trades"]).end() == 64)
        #expect(try Tap(simulator, ["--symbols", String(repeating: "X", count: 25)]).end() == 64)
    }

    @Test func `a stream without data is named`() throws {
        let simulator = try simulator("--start", "now", "--rate", "100")
        let tap = try Tap(
            simulator,
            ["--symbols", "BTCUSDT,BTCUSD", "--streams", "trade", "--first-data-timeout", "500ms"])
        #expect(tap.says("BTCUSD@trade"), "\(tap.log)")
        #expect(tap.stop() == 0)
        #expect(!tap.log.contains("BTCUSDT@trade"))
    }

    // MARK: - Messages that are not understood

    @Test(arguments: [
        ("truncate", "truncated"), ("template", "template"), ("schema", "schema"),
        ("garbage", "schema"),
    ])
    func `a message that is not understood is kept aside with its bytes`(
        fault: String, reason: String
    ) throws {
        let simulator = try simulator("--newest", "10")
        let tap = try Tap(simulator, ["--streams", "trade"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=20")
        #expect(waitUntil { tap.output.count > 1000 })
        try simulator.post("/stream/next?fault=\(fault)&count=1")
        try simulator.post("/market?newest=60")
        #expect(waitUntil { tap.output.count >= 80 * 102 })
        #expect(tap.stop() == 0, "\(tap.log)")
        Self.expectCovered(try Self.lines(tap.output))
        let text = try String(contentsOfFile: tap.place.path("quarantine"), encoding: .utf8)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 1)
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let line = try #require(object)
        if fault != "garbage" {
            #expect((line["reason"] as? String)?.hasPrefix(reason) == true, "\(line)")
        }
        let frame = try #require(Data(base64Encoded: line["frame"] as? String ?? ""))
        let raw = try Self.lines(Array(frame))
        #expect(raw.count == 1 && raw[0].kind == "raw")
    }

    // MARK: - Capture and replay

    @Test func `a capture that is replayed gives what live decoding gave`() throws {
        let simulator = try simulator(
            "--newest", "10", "--symbol", "BTCUSDT,ETHUSDT", "--stream-fault-rate", "0.02",
            "--stream-faults", "truncate,template,overlong")
        let streams = [
            "--symbols", "BTCUSDT,ETHUSDT", "--streams", "trade,bestBidAsk,depth,depth20",
        ]
        let capture = try Tap(simulator, streams + ["--raw"])
        let live = try Tap(simulator, streams + ["--no-snapshots"])
        #expect(capture.says("\"connected\"") && live.says("\"connected\""))
        try simulator.post("/market?newest=300")
        #expect(waitUntil { live.output.count > 100_000 && capture.output.count > 80_000 })
        var sizes = (live.output.count, capture.output.count)
        #expect(
            waitUntil {
                usleep(300_000)
                let before = sizes
                sizes = (live.output.count, capture.output.count)
                return before == sizes
            })
        #expect(capture.stop() == 0 && live.stop() == 0)
        for line in try Self.lines(capture.output) { #expect(line.kind == "raw") }
        for speed in ["max", "50"] {
            let replay = try Program.run(
                "sbe-tap",
                ["--replay", "-", "--speed", speed, "--quarantine", live.place.path("q2")],
                input: capture.output)
            #expect(replay.status == 0, "\(replay.errors)")
            #expect(Self.withoutIngestTime(replay.output) == Self.withoutIngestTime(live.output))
        }
    }

    /// Frames with their ingest times as zeros; the two taps were not read at the same instant.
    private static func withoutIngestTime(_ records: [UInt8]) -> [UInt8] {
        var records = records
        var place = 0
        while place + 30 <= records.count {
            for byte in place + 22..<place + 30 { records[byte] = 0 }
            place += records[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        return records
    }

    // MARK: - Slow readers

    @Test func `a slow reader that blocks loses nothing`() throws {
        let simulator = try simulator("--newest", "10", "--flood", "60000", "--no-flood-close")
        let tap = try Tap(
            simulator, ["--streams", "trade", "--buffer-bytes", "64k"],
            throttle: "(sleep 1; cat)")
        #expect(waitUntil(20) { tap.output.count >= 60_000 * 102 })
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try Self.lines(tap.output)
        Self.expectCovered(lines)
        #expect(!lines.contains { $0.kind == "gap" })
    }

    @Test func `a slow reader that spills loses nothing, and leaves no file`() throws {
        let simulator = try simulator("--newest", "10", "--flood", "60000", "--no-flood-close")
        let spill = try TemporaryDirectory()
        let tap = try Tap(
            simulator,
            ["--streams", "trade", "--buffer-bytes", "64k", "--overflow", "spill:\(spill.path)"],
            throttle: "(sleep 1; cat)")
        #expect(
            waitUntil { try FileManager.default.contentsOfDirectory(atPath: spill.path).count == 1 }
        )
        #expect(waitUntil(20) { tap.output.count >= 60_000 * 102 })
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try Self.lines(tap.output)
        Self.expectCovered(lines)
        #expect(!lines.contains { $0.kind == "gap" })
        #expect(try FileManager.default.contentsOfDirectory(atPath: spill.path) == [])
    }

    @Test func `a slow reader that drops is told what it missed`() throws {
        let simulator = try simulator("--newest", "10", "--flood", "60000", "--no-flood-close")
        let tap = try Tap(
            simulator, ["--streams", "trade", "--buffer-bytes", "64k", "--overflow", "drop"],
            throttle: "(sleep 1; cat)")
        #expect(waitUntil(20) { tap.output.count > 1_000_000 })
        var size = 0
        #expect(
            waitUntil(20) {
                usleep(300_000)
                let before = size
                size = tap.output.count
                return before == size
            })
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try Self.lines(tap.output)
        Self.expectCovered(lines)
        let gaps = lines.filter { $0.kind == "gap" }
        #expect(!gaps.isEmpty)
        #expect(gaps.allSatisfy { $0.values["reason"] as? String == "overflow" })
    }

    @Test func `a reader that goes ends the tap with 74`() throws {
        let simulator = try simulator("--start", "now", "--rate", "500")
        let tap = try Tap(simulator, ["--streams", "trade"], throttle: "head -c 2000")
        #expect(tap.end() == 74, "\(tap.log)")
    }

    @Test func `it ends after a number of records, or a time`() throws {
        let simulator = try simulator("--start", "now", "--rate", "500")
        let tap = try Tap(simulator, ["--streams", "trade", "--limit", "123"])
        #expect(tap.end() == 0, "\(tap.log)")
        #expect(try Self.lines(tap.output).count == 123)
        let other = try Tap(simulator, ["--streams", "trade", "--duration", "300ms"])
        #expect(other.end() == 0)
    }
}
