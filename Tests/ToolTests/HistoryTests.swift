import Foundation
import TestSupport
import Testing

/// History and live in one bucket, as docs/guides/live-with-repair.md has it: the stream's ids end the
/// pull of what was before them.
struct HistoryTests {
    @Test
    func `history and live join without a seam, each id once, equal to the venue's aggregates`()
        throws
    {
        let simulator = try Simulator(["--start", "now", "--history", "2000", "--rate", "50"])
        let place = try TemporaryDirectory()
        let url = "file://" + place.path("data")
        let ledger = place.path("data") + "/.s3-put/ledger"
        let environment = [
            "PATH": Program.directory.path + ":/usr/local/bin:/usr/bin:/bin",
            "HOME": place.path, "STATS_DIR": place.path("stats"),
            "BINANCE__REST_BASE_URL": simulator.url, "BINANCE__ARCHIVE_BASE_URL": simulator.url,
            "BINANCE__STREAM_TYPES": "trade", "S3__OBJECT_SECONDS": "1", "S3__IDLE_SECONDS": "1",
        ]
        func pull(_ words: String, state: String) throws -> Program.Outcome {
            try Program.run(
                "bash",
                [
                    "-c",
                    "set -o pipefail; rest-pull \(words) | s3-put --to '\(url)' --state-dir '\(place.path(state))'",
                ], environment: environment)
        }
        let pipeline = packageRoot.appendingPathComponent("pipelines/both").path
        let live = try BackgroundProgram(
            "bash",
            [
                "-c", "\"$0\" \"$@\" 2> '\(place.path("live.log"))'", pipeline, url, "BTCUSDT",
                "--ws-url", simulator.streams,
            ], environment: environment)
        // It begins before the live sink holds anything, and waits for that.
        let history = try pull(
            "trades --symbols BTCUSDT --from 1 --to held --resume '\(ledger)'", state: "history")
        #expect(history.status == 0, "\(history.errors)")
        #expect(history.errors.contains("waiting until \(ledger) holds BTCUSDT trade"))
        live.signal(SIGTERM)
        #expect(waitUntil(60) { live.hasEnded })
        let log = try String(contentsOfFile: place.path("live.log"), encoding: .utf8)
        let verify = ["verify", url, "--symbol", "BTCUSDT"]
        let outcome = try Program.run("ledgerctl", verify + ["--kind", "trade", "--read"])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)\(log)")
        #expect(
            outcome.text.hasPrefix("BTCUSDT trade  1 to ") && outcome.text.contains("  whole, ")
                && !outcome.text.contains("repeated") && !outcome.text.contains("two objects"),
            "\(outcome.text)\(log)")
        // Trades of the stream and aggregates of REST say the same.
        let aggregates = try pull("aggTrades --symbols BTCUSDT --from 1", state: "aggregates")
        #expect(aggregates.status == 0, "\(aggregates.errors)")
        let against = try Program.run("ledgerctl", verify + ["--against", "aggTrades"])
        #expect(against.status == 0, "\(against.text)\(against.errors)")
        #expect(
            against.text.contains(" rows equal to ") && !against.text.contains("differs"),
            "\(against.text)")
    }

    @Test func `what is held already is not pulled again, and a hole before the stream is`() throws
    {
        let simulator = try Simulator(["--newest", "2000"])
        let run = try S3PutState()
        func trades(_ range: String) throws -> [UInt8] {
            let outcome = try Program.run(
                "rest-pull",
                ["trades", "--base-url", simulator.url]
                    + range.split(separator: " ").map(String.init))
            #expect(outcome.status == 0, "\(outcome.errors)")
            return outcome.output
        }
        for range in ["--from 101 --to 200", "--from 901 --to 1000"] {
            #expect(try run.put(trades(range)).status == 0)
        }
        let rest = try trades("--from 1 --to held --resume \(run.state)/ledger")
        let ids = try LiveRecords.lines(rest).map(\.first)
        #expect(ids == Array(1...100) + Array(201...900), "\(ids.count)")
        for arguments in [
            ["--to", "held"], ["--to", "held", "--resume", run.state, "--follow"],
        ] {
            let refused = try Program.run(
                "rest-pull", ["trades", "--base-url", simulator.url] + arguments)
            #expect(
                refused.status == 64 && refused.errors.contains("--to held"), "\(refused.errors)")
        }
    }
}
