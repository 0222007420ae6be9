import Foundation
import Stats
import TestSupport
import Testing

@testable import Monitoring
@testable import healthd

/// What the page says of symbols, delays, holes and codes.
struct PageContentTests {
    private static let html = ["-H", "Accept: text/html"]

    @Test func `symbols, delays, holes and what fills them are on the page`() throws {
        let health = try Health(["heartbeat_seconds: 600", "hole_seconds: 0.1"])
        let source = try StatsWriter(
            directory: health.stats, stage: "sbe-tap", instance: "live", pipeline: "btc")
        let counter = source.counter(
            "stream_records", labels: "symbol=\"BTCUSDT\",stream=\"trade\"", help: "")
        counter.add(7)
        source.histogram("event_delay", help: "").record(12_000_000)
        source.enter(.running)
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let sink = try health.start(
            "s3-put", ["--to", "file://" + health.place.path("data"), "--object-idle", "0.1"],
            input: fifo.path)
        fifo.write(try Records.trades([1, 2, 5]))
        #expect(try health.waitFor("hole_open") != nil)
        var page = ""
        #expect(
            try waitUntil {
                counter.add(1)
                page = try health.get("/", Self.html).text
                // The curve begins with the first step of the history.
                return page.contains("data-title=\"Records/s\"") && page.contains("--repair &#39;/")
                    && page.contains("15 min ago")
            })
        for words in [
            "BTCUSDT", "venue&#39;s time to receipt here", "15 min ago", "24 h ago",
            "class=\"hole\"", "<dd>btc</dd>",
            "rest-pull --repair &#39;\(health.place.path("data"))/.s3-put/ledger&#39; --follow",
            "<a href=\"reasons#hole_open\"", "Fetch the ids",
        ] { #expect(page.contains(words), "\(words)") }
        withExtendedLifetime((source, sink)) {}
    }

    @Test func `ids that were missed are told of a million, before and after they are repaired`()
        throws
    {
        let health = try Health(["heartbeat_seconds: 600"])
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let sink = try health.start(
            "s3-put", ["--to", "file://" + health.place.path("data"), "--object-idle", "0.1"],
            input: fifo.path)
        func rates() throws -> [String: String] {
            var rates: [String: String] = [:]
            for line in try health.get("/metrics").text.split(separator: "\n")
            where line.hasPrefix("ingestor_gap_ids_per_million{") {
                let state = line.components(separatedBy: "state=\"").last?.split(separator: "\"")
                rates[String(state?.first ?? "")] = String(line.split(separator: " ").last ?? "")
            }
            return rates
        }
        fifo.write(try Records.trades([1, 2, 5]))
        let isMissing = try waitUntil { try rates()["missing"] == "400000.0" }
        let before = try rates()
        #expect(isMissing, "\(before)")
        let page = try health.get("/", Self.html).text
        #expect(page.contains("Gap rate: of a million ids") && page.contains(">400000</td>"))
        fifo.write(try Records.trades([3, 4]))
        let isRepaired = try waitUntil {
            let rates = try rates()
            return rates["missing"] == "0.0" && rates["repaired"] == "400000.0"
                && rates["declared"] == "0.0"
        }
        let after = try rates()
        #expect(isRepaired, "\(after)")
        let overview = try health.get("/overview").text
        #expect(overview.contains("\"repaired_ids\":2"), "\(overview)")
        withExtendedLifetime(sink) {}
    }

    @Test func `each code has a page that says what to do, and an alert leads to it`() throws {
        let health = try Health()
        let reply = try health.get("/reasons", Self.html)
        #expect(reply.status == 200 && reply.headers.contains("text/html"), "\(reply.status)")
        let list = try #require(
            try health.get("/reasons").json["reasons"] as? [[String: Any]])
        #expect(list.count == Problem.Code.allCases.count)
        let documentation = try String(
            contentsOf: packageRoot.appendingPathComponent("docs/monitoring.md"), encoding: .utf8)
        let guide = try String(
            contentsOf: packageRoot.appendingPathComponent("docs/guides/troubleshooting.md"),
            encoding: .utf8)
        for code in Problem.Code.allCases {
            #expect(guide.contains("`\(code.rawValue)`"), "\(code)")
            #expect(reply.text.contains("<section id=\"\(code.rawValue)\">"))
            #expect(documentation.contains("`\(code.rawValue)`"), "\(code)")
            #expect(code.meaning.count > 15 && code.advice.count > 20)
            #expect(!code.advice.contains("  "), "\(code)")
        }
    }
}

/// What healthd remembers for its pictures.
struct RememberedTests {
    @Test func `a delay of long ago leaves the figures`() throws {
        let place = try TemporaryDirectory()
        let stats = try StatsWriter(directory: place.path, stage: "dedup", instance: "a")
        let delay = stats.histogram("output_delay", help: "")
        for _ in 0..<100 { delay.record(5_000_000_000) }
        var recent = RecentDelays()
        func take(_ seconds: Int64) throws -> Delay? {
            let file = try FileManager.default.contentsOfDirectory(atPath: place.path).first ?? ""
            let snapshot = try StatsSnapshot(path: place.path(file))
            recent.take(snapshot.metrics, now: seconds * 1_000_000_000)
            return recent.delays.first
        }
        #expect(try take(1)?.count == 100)
        #expect(try take(302)?.count == nil)
        for _ in 0..<10 { delay.record(1_000_000) }
        let now = try #require(try take(400))
        #expect(now.count == 10 && now.high < 0.01, "\(now)")
        withExtendedLifetime(stats) {}
    }

    @Test func `holes stay on the strip of a day, and leave it`() {
        var history = CoverageHistory()
        var coverage = SequenceCoverage(symbol: "BTCUSDT", kind: "trade")
        coverage.held = 10
        func look(_ cell: Int64, holes: Int64) -> [CoverageHistory.Cell] {
            coverage.holes = holes
            let stage = StageView(
                id: "s3-put.a", stage: "s3-put", instance: "a", pipeline: "", version: "", pid: 1,
                startTime: 0, state: "running", stateSince: 0, isRunning: true, heartbeatAge: 0,
                waitsFor: "", lastError: nil, figures: [:], labelled: [], rates: Rates(),
                delays: [], coverage: [coverage], residue: nil, problems: [])
            history.take(
                Overview(
                    time: cell * CoverageHistory.step + 5, service: "", startTime: 0,
                    stages: [stage], links: [], problems: []))
            return history.cells(stage, coverage)
        }
        #expect(look(1000, holes: 0).last == .whole)
        #expect(look(1000, holes: 2).last == .hole)
        // A hole that was open within the ten minutes is not forgotten.
        #expect(look(1000, holes: 0).last == .hole)
        let later = look(1003, holes: 0)
        #expect(Array(later.suffix(4)) == [.hole, .unknown, .unknown, .whole])
        #expect(later.count == CoverageHistory.length)
        #expect(!look(1003 + 144, holes: 0).contains(.hole))
    }
}
