import Foundation
import TestSupport
import Testing

/// What a newcomer types first: `make demo`, and the demo of the package.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct DemoTests {
    private static func environment(_ place: TemporaryDirectory) throws -> [String: String] {
        [
            "PATH": Program.directory.path + ":/usr/local/bin:/usr/bin:/bin", "HOME": place.path,
            "PYTHON": try #require(Python.path), "STATS_DIR": place.path("stats"),
            "LC_ALL": "C.UTF-8",
        ]
    }

    @Test func `make demo backfills, streams, reads back, and ends well`() throws {
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "bash",
            [
                packageRoot.appendingPathComponent("Scripts/demo").path, Program.directory.path,
                place.path("bronze"), "2",
            ], environment: try Self.environment(place))
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        for line in [
            "BTCUSDT trade  72000 ids  1 to 72000  0 holes",
            "BTCUSDT aggTrade  36000 ids  1 to 36000  0 holes",
            "in order, whole, from the first one that was sent", #"{"symbol": ""#,
            "│  72000 │",
        ] {
            #expect(outcome.text.contains(line), "\(line): \(outcome.text)")
        }
        #expect(!outcome.text.contains("WITH HOLES") && !outcome.errors.contains("No such file"))
    }

    @Test func `pipelines/demo needs nothing but the programs`() throws {
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "bash",
            [
                packageRoot.appendingPathComponent("pipelines/demo").path, place.path("demo"), "3",
            ], environment: try Self.environment(place))
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        #expect(outcome.text.contains("  whole"), "\(outcome.text)")
        #expect(outcome.text.contains("kind=trade/instrument=ETHUSDT"), "\(outcome.text)")
    }
}
