import Foundation
import TestSupport
import Testing

/// `pipelines/capture`, `replay` and `backfill`, as a person runs them from a shell.
struct PipelineScriptTests {
    private static func environment(
        _ place: TemporaryDirectory, _ simulator: Simulator?
    ) -> [String: String] {
        var variables = [
            "PATH": Program.directory.path + ":/usr/local/bin:/usr/bin:/bin", "HOME": place.path,
            "STATS_DIR": place.path("stats"), "TMPDIR": "/tmp", "BINANCE_API_KEY": "any",
            "S3__OBJECT_SECONDS": "1", "DRAIN_TIMEOUT_SECONDS": "20",
        ]
        if let simulator {
            variables["BINANCE__SBE_WS_URL"] = simulator.streams
            variables["BINANCE__REST_BASE_URL"] = simulator.url
        }
        return variables
    }

    private static func run(
        _ name: String, _ arguments: [String], in place: TemporaryDirectory,
        _ simulator: Simulator? = nil
    ) throws -> Program.Outcome {
        try Program.run(
            "bash", [packageRoot.appendingPathComponent("pipelines/\(name)").path] + arguments,
            environment: environment(place, simulator))
    }

    private static func trades(_ folder: String) throws -> String {
        try Program.run(
            "ledgerctl",
            ["verify", "\(folder)/.s3-put/ledger", "--symbol", "BTCUSDT", "--kind", "trade"]
        ).text
    }

    @Test func `what is captured until a signal is whole`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "50"])
        let place = try TemporaryDirectory()
        let capture = try BackgroundProgram(
            "bash",
            [
                "-c", #"exec "$@" 2> "$0""#, place.path("log"),
                packageRoot.appendingPathComponent("pipelines/capture").path,
                "file://\(place.path("a folder"))", "btcusdt",
            ], environment: Self.environment(place, simulator))
        let came = try waitUntil(60) { try Self.trades(place.path("a folder")).contains("whole") }
        capture.signal(SIGTERM)
        #expect(waitUntil(60) { capture.hasEnded })
        let log = (try? String(contentsOfFile: place.path("log"), encoding: .utf8)) ?? ""
        #expect(came && !log.contains("\"ERROR\""), "\(log)")
        #expect(try Self.trades(place.path("a folder")).contains("  whole"), "\(log)")
    }

    @Test func `a capture that is replayed is delivered once, however often`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "50"])
        let place = try TemporaryDirectory()
        let raw = try Program.run(
            "bash",
            [
                "-c", "sbe-tap --raw --streams trade --limit 40 > '\(place.path("cap.bin"))'",
            ], environment: Self.environment(place, simulator))
        #expect(raw.status == 0, "\(raw.errors)")
        let once = try Program.run(
            "bash",
            ["-c", "sbe-tap --replay '\(place.path("cap.bin"))' | dedup | recq count"],
            environment: Self.environment(place, nil))
        let folder = place.path("replayed")
        var ledgers: Set<String> = []
        for _ in 1...2 {
            let outcome = try Self.run(
                "replay", ["file://\(folder)", place.path("cap.bin"), place.path("cap.bin")],
                in: place)
            #expect(outcome.status == 0, "\(outcome.errors)")
            ledgers.insert(try Self.trades(folder))
        }
        #expect(ledgers.count == 1 && ledgers.first?.contains("  whole") == true, "\(ledgers)")
        let objects = try Program.run(
            "bash", ["-c", "recq cat '\(folder)' --kind trade | recq count"],
            environment: Self.environment(place, nil))
        #expect(objects.text == once.text && !objects.text.isEmpty, "\(objects) \(once)")
    }

    @Test func `a backfill that is done finds nothing to do`() throws {
        let simulator = try Simulator(["--newest", "20000"])
        let place = try TemporaryDirectory()
        let arguments = ["trades,aggTrades", "1", "5000", "file://\(place.path("b"))"]
        for isFirst in [true, false] {
            let outcome = try Self.run("backfill", arguments, in: place, simulator)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("nothing to do") != isFirst, "\(outcome.errors)")
        }
        let held = try Self.trades(place.path("b"))
        #expect(held.contains("1 to 5000  whole"), "\(held)")
    }

    @Test(arguments: [
        ("capture", ["s3:/bucket/x", "BTCUSDT"], Int32(64), "neither s3://BUCKET/PREFIX nor file"),
        ("capture", ["BTC/USDT"], 64, "symbols have no : or /"),
        ("replay", [], 64, "replay [URL] FILE..."),
        ("replay", ["file://PLACE/x", "/nowhere/a.bin"], 74, "replay: cannot read /nowhere/a.bin"),
        ("replay", ["file://PLACE/x", "/tmp"], 74, "replay: cannot read /tmp"),
        ("backfill", ["trades"], 64, "backfill DATASETS FROM TO"),
        ("backfill", ["candles", "1", "2", "file://PLACE/x"], 64, "candles"),
    ])
    func `wrong usage ends before anything is written`(
        name: String, arguments: [String], status: Int32, words: String
    ) throws {
        let place = try TemporaryDirectory()
        let outcome = try Self.run(
            name, arguments.map { $0.replacing("PLACE", with: place.path) }, in: place)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
}
