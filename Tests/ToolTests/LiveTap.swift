import Foundation
import TestSupport
import Testing

/// A tap that was started, and what it wrote so far.
final class LiveTap {
    let place: TemporaryDirectory
    private let program: LiveProgram

    /// - Parameter throttle: a shell command that standard output goes through.
    convenience init(_ simulator: Simulator, _ arguments: [String], throttle: String = "cat") throws
    {
        try self.init(
            streams: simulator.streams, rest: simulator.url, arguments, throttle: throttle)
    }

    /// - Parameters:
    ///   - streams: base URL of the streams.
    ///   - rest: base URL of the REST API; a refused port where no test needs it.
    ///   - first: shell commands that come before the tap, in its process.
    init(
        streams: String, rest: String = "http://127.0.0.1:1", _ arguments: [String],
        throttle: String = "cat", first: String = ""
    ) throws {
        let place = try TemporaryDirectory()
        self.place = place
        let words =
            [
                "--ws-url", streams, "--base-url", rest, "--quarantine",
                place.path("quarantine"), "--initial-backoff", "20ms", "--max-backoff", "100ms",
                "--log-format", "json", "--stats-dir", place.path("stats"),
            ] + arguments
        let tool = Program.directory.appendingPathComponent("sbe-tap").path
        let quoted = ([tool] + words).map { "'\($0)'" }.joined(separator: " ")
        // The shell's own status is the tap's; it passes the signal on.
        let script =
            "trap 'kill -TERM $tap' TERM; mkfifo \(place.path("fifo"));"
            + " \(throttle) < \(place.path("fifo")) > \(place.path("out")) & "
            + "(\(first) exec \(quoted)) > \(place.path("fifo")) 2> \(place.path("log")) & tap=$!; "
            + "wait $tap; s=$?; [ $s -le 128 ] || { wait $tap; s=$?; }; wait; exit $s"
        program = try LiveProgram(
            "bash", ["-c", script], environment: ["BINANCE_API_KEY": "test-key-4711"])
    }

    var output: [UInt8] {
        (try? Data(contentsOf: URL(fileURLWithPath: place.path("out")))).map(Array.init) ?? []
    }

    var log: String {
        (try? String(contentsOfFile: place.path("log"), encoding: .utf8)) ?? ""
    }

    /// Waits for a text in the log.
    func says(_ text: String, times: Int = 1, _ seconds: Double = 30) -> Bool {
        waitUntil(seconds) { log.components(separatedBy: text).count > times }
    }

    /// Waits until it has written so many bytes, and then nothing for a while.
    func settles(above bytes: Int) -> Bool {
        var size = -1
        var since = Date()
        return waitUntil(30) {
            var status = stat()
            let now = stat(place.path("out"), &status) == 0 ? Int(status.st_size) : 0
            if now != size { (size, since) = (now, Date()) }
            return size > bytes && Date().timeIntervalSince(since) > 0.3
        }
    }

    /// Asks it to end.
    func signal() { program.signalled(SIGTERM) }

    /// Ends it with SIGTERM, and gives its exit status.
    func stop() -> Int32 {
        signal()
        return program.wait()
    }

    /// Waits for its own end.
    func end() -> Int32 { program.wait() }
}

/// A reader that takes nothing until it may.
struct Gate {
    private let place: TemporaryDirectory
    /// For the shell.
    let reader: String

    init() throws {
        place = try TemporaryDirectory()
        reader = "(until [ -e \(place.path("open")) ]; do sleep 0.02; done; cat)"
    }

    func open() throws {
        try Data().write(to: URL(fileURLWithPath: place.path("open")))
    }
}

/// A record as `recq json` has it.
struct RecordLine {
    let kind: String
    let symbol: String
    let first: Int64
    let last: Int64
    let values: [String: Any]
}

/// What records are there, and what they leave out.
enum LiveRecords {
    /// Records as `recq json` has them.
    static func lines(_ records: [UInt8]) throws -> [RecordLine] {
        let outcome = try Program.run("recq", ["json"], input: whole(records))
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try outcome.text.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let values = try #require(object as? [String: Any])
            func number(_ names: String...) -> Int64 {
                names.lazy.compactMap { (values[$0] as? NSNumber)?.int64Value }.first ?? -1
            }
            return RecordLine(
                kind: values["kind"] as? String ?? "", symbol: values["symbol"] as? String ?? "",
                first: number(
                    "trade_id", "first_update_id", "first_id", "update_id", "last_update_id",
                    "agg_trade_id", "open_time_us"),
                last: number(
                    "trade_id", "last_update_id", "last_id", "update_id", "agg_trade_id",
                    "open_time_us"), values: values)
        }
    }

    /// Records without a half one at the end, of a program that is still writing.
    static func whole(_ records: [UInt8]) -> [UInt8] {
        var end = 0
        while end + 6 <= records.count {
            let length = records[end..<end + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length > 0, end + length <= records.count else { break }
            end += length
        }
        return Array(records[..<end])
    }

    /// Whole records.
    static func count(_ records: [UInt8]) -> Int {
        var count = 0
        var place = 0
        while place + 6 <= records.count {
            place += records[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            if place <= records.count { count += 1 }
        }
        return count
    }

    static func trades(_ lines: [RecordLine], _ symbol: String = "BTCUSDT") -> [Int64] {
        lines.filter { $0.kind == "trade" && $0.symbol == symbol }.map(\.first)
    }

    /// Ids without hole, copy or disorder, save what gap records cover.
    static func expectCovered(_ lines: [RecordLine], _ symbol: String = "BTCUSDT") {
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

    /// Follows the changes from the first whole book on.
    static func expectBook(_ lines: [RecordLine], _ symbol: String) {
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

    /// Frames with their ingest times as zeros; the two taps were not read at the same instant.
    static func withoutIngestTime(_ records: [UInt8]) -> [UInt8] {
        var records = records
        var place = 0
        while place + 30 <= records.count {
            for byte in place + 22..<place + 30 { records[byte] = 0 }
            place += records[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        return records
    }
}
