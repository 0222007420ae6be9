import Foundation
import TestSupport
import Testing

/// A healthd for one test, which looks ten times a second.
final class Health {
    /// What it answered.
    struct Reply {
        let status: Int
        let headers: String
        let text: String

        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:]
        }

        /// The codes of the reasons, with the stage where there is one.
        var reasons: Set<String> {
            let reasons = json["reasons"] as? [[String: Any]] ?? []
            return Set(reasons.compactMap { $0["code"] as? String })
        }
    }

    let place: TemporaryDirectory
    let url: String
    let metrics: String
    let program: BackgroundProgram

    /// - Parameters:
    ///   - rules: lines of the section `health` of its configuration.
    ///   - lines: what follows that section.
    init(
        _ rules: [String] = [], arguments: [String] = [], environment: [String: String] = [:],
        lines: [String] = []
    ) throws {
        place = try TemporaryDirectory()
        try Self.configure(place.path("config.yaml"), rules, lines)
        program = try BackgroundProgram(
            "healthd",
            [
                "--config", place.path("config.yaml"), "--stats-dir", place.path("stats"),
                "--metrics-port", "0", "--interval", "0.1",
            ] + (arguments.contains("--listen") ? [] : ["--listen", "127.0.0.1:0"]) + arguments,
            environment: environment)
        let words = program.firstLine().split(separator: " ").map(String.init)
        func value(_ name: String) -> String {
            words.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
                ?? ""
        }
        url = value("health")
        metrics = value("metrics")
        try #require(!url.isEmpty, "healthd did not start")
    }

    static func configure(_ path: String, _ rules: [String], _ lines: [String] = []) throws {
        let text =
            "health:\n  interval_seconds: 0.1\n" + rules.map { "  \($0)\n" }.joined()
            + lines.map { $0 + "\n" }.joined()
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    var stats: String { place.path("stats") }

    /// Asks with curl.
    func get(_ path: String, _ options: [String] = []) throws -> Reply {
        try Self.fetch(path.hasPrefix("http") ? path : url + path, options)
    }

    static func fetch(_ url: String, _ options: [String] = []) throws -> Reply {
        let outcome = try Program.run(
            "curl", ["-s", "-i", "--max-time", "10", "--path-as-is"] + options + [url])
        let text = outcome.text
        let end = text.range(of: "\r\n\r\n")
        let headers = String(text[..<(end?.lowerBound ?? text.endIndex)])
        let status = headers.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return Reply(
            status: status, headers: headers.lowercased(),
            text: end.map { String(text[$0.upperBound...]) } ?? "")
    }

    /// Waits until /health has a reason, or has it no more, and says how long that took.
    func waitFor(
        _ code: String, isThere: Bool = true, seconds: Double = 30, at path: String = "/health"
    ) throws -> Double? {
        let start = Date()
        let found = try waitUntil(seconds) {
            try get(path).reasons.contains(code) == isThere
        }
        let took = Date().timeIntervalSince(start)
        print("detection \(code) \(isThere ? "raised" : "cleared") after \(took) s")
        return found ? took : nil
    }

    /// Starts a stage whose figures it sees.
    func start(
        _ name: String, _ arguments: [String], instance: String = "a", input: String? = nil,
        output: String? = nil, environment: [String: String] = [:]
    ) throws -> BackgroundProgram {
        try BackgroundProgram(
            name, arguments + ["--stats-dir", stats, "--instance", instance],
            environment: environment, input: input, output: output)
    }

    /// True when /health/components has the stage, running.
    func isRunning(_ id: String) throws -> Bool {
        let details = try get("/health/components/\(id)").json["details"] as? [String: Any]
        return (details?["stats"] as? [String: Any])?["state"] as? String == "running"
    }
}

/// A FIFO that stays open for writing, so that a stage that reads it waits.
final class OpenFIFO {
    let path: String
    private var descriptor: Int32

    init(_ path: String) throws {
        self.path = path
        try #require(mkfifo(path, 0o600) == 0)
        // Reading and writing: the open does not wait for the other side.
        descriptor = open(path, O_RDWR | O_CLOEXEC)
        try #require(descriptor >= 0)
    }

    deinit { end() }

    /// Whoever reads it has its end.
    func end() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Waits for so many bytes and takes them from who reads it.
    func take(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let taken = read(descriptor, &bytes, count)
        try #require(taken == count)
        return bytes
    }

    func write(_ bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}

/// Records as frames, made by `recq pack`.
enum Records {
    static func trades(_ ids: [Int]) throws -> [UInt8] {
        let lines = ids.map {
            """
            {"kind":"trade","symbol":"BTCUSDT","event_ts":1704067200015,"ingest_ts":1795632735260,\
            "trade_id":\($0),"price":65003.83000000,"qty":0.27059000,"is_buyer_maker":false,\
            "source":"rest","is_best_match":true,"price_exponent":-8,"qty_exponent":-8,\
            "event_time_us":1704067200015973,"ingest_time_ns":"1795632735260202299","venue":1,\
            "flags":0}
            """
        }
        return try packed(lines)
    }

    /// A change of a book for every range of ids, and a gap record of the source's for those between.
    static func changes(_ ranges: [ClosedRange<Int>]) throws -> [UInt8] {
        let common = """
            "symbol":"BTCUSDT","source":"sbe","price_exponent":-8,"qty_exponent":-8,\
            "event_time_us":1704067200015973,"ingest_time_ns":"1704067200015973000","venue":1,\
            "flags":0}
            """
        var lines: [String] = []
        var next = ranges.first?.lowerBound ?? 0
        for range in ranges {
            if next < range.lowerBound {
                lines.append(
                    "{\"kind\":\"gap\",\"first_id\":\(next),\"last_id\":\(range.lowerBound - 1),"
                        + "\"missing_kind\":\"depthDiff\",\"missing_template\":5,\"series\":0,\"reason\":\"missed\",\(common)"
                )
            }
            lines.append(
                "{\"kind\":\"depthDiff\",\"first_update_id\":\(range.lowerBound),"
                    + "\"last_update_id\":\(range.upperBound),\"bids\":[],\"asks\":[],\(common)")
            next = range.upperBound + 1
        }
        return try packed(lines)
    }

    private static func packed(_ lines: [String]) throws -> [UInt8] {
        let outcome = try Program.run(
            "recq", ["pack"], input: Array((lines.joined(separator: "\n") + "\n").utf8))
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }
}
