import Foundation
import Posix
import Stats
import TestSupport
import Testing

/// Rules about figures that no stage here can be made to show at will: this test is the stage.
struct FigureRuleTests {
    private func fake(_ health: Health, _ stage: String) throws -> StatsWriter {
        let stats = try StatsWriter(directory: health.stats, stage: stage, instance: "fake")
        stats.enter(.running)
        return stats
    }

    @Test func `a tap without a connection`() throws {
        let health = try Health(["connection_down_seconds: 0.3", "heartbeat_seconds: 600"])
        let stats = try fake(health, "sbe-tap")
        let open = stats.gauge("connections_open", help: "Connections open now.")
        open.set(0)
        #expect(try health.waitFor("connection_down") != nil)
        #expect(try health.get("/health/components/sbe_client").status == 503)
        open.set(1)
        #expect(try health.waitFor("connection_down", isThere: false) != nil)
        #expect(try health.get("/health/components/sbe_client").status == 200)
    }

    @Test func `messages that cannot be decoded, over five percent of a minute`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try fake(health, "sbe-tap")
        let good = stats.counter("records_in", help: "Records decoded.")
        let bad = stats.counter(
            "records_quarantined", labels: "reason=\"schema\"", help: "Messages put aside.")
        good.add(97)
        bad.add(3)
        let settled = stats.counter("records_out", help: "Records written.")
        settled.add(94)
        #expect(try waitUntil { try health.get("/health/components/sbe_client").status == 200 })
        bad.add(5)
        good.add(5)
        #expect(try health.waitFor("decode_errors") != nil)
        good.add(1000)
        settled.add(1000)
        #expect(try health.waitFor("decode_errors", isThere: false) != nil)
    }

    @Test func `a breaker of a sink`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try fake(health, "kinesis-put")
        let state = stats.gauge("breaker_state", labels: "stream=\"trade\"", help: "Breaker.")
        state.set(2)
        #expect(try health.waitFor("breaker_open") != nil)
        #expect(try health.get("/health/components/kinesis_producer").status == 503)
        state.set(0)
        #expect(try health.waitFor("breaker_open", isThere: false) != nil)
    }

    @Test func `objects that conflict, and a reserve that is given up`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try fake(health, "s3-put")
        let conflicts = stats.gauge(FigureName.objectsConflicting, help: "Objects put aside.")
        let reserve = stats.gauge(FigureName.diskReserve, help: "Bytes kept for a full disk.")
        reserve.set(4096)
        #expect(try waitUntil { try health.get("/health/components/s3_writer").status == 200 })
        conflicts.set(1)
        #expect(try health.waitFor("object_conflict") != nil)
        #expect(try health.get("/complete").status == 503)
        #expect(try !health.get("/health").reasons.contains("disk_full"))
        conflicts.set(0)
        reserve.set(0)
        #expect(try health.waitFor("disk_full") != nil)
        #expect(try !health.get("/health").reasons.contains("object_conflict"))
    }

    @Test func `a heartbeat that stops without a signal`() throws {
        let health = try Health(["heartbeat_seconds: 0.5"])
        let stats = try fake(health, "dedup")
        #expect(try health.waitFor("heartbeat_stale") != nil)
        // Who says that it waits for its reader is well.
        stats.heartbeat.waits(for: .output)
        #expect(try health.waitFor("heartbeat_stale", isThere: false) != nil)
    }

    @Test func `metrics that found no room are told, and make nothing unhealthy`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try fake(health, "dedup")
        for number in 0..<400 { stats.counter("c\(number)", help: "A counter.").add() }
        #expect(try health.waitFor("metrics_refused") != nil)
        #expect(try health.get("/health").status == 200)
    }

    @Test func `a stage that ended in order is shown for a while, then its file is removed`() throws
    {
        let health = try Health(["heartbeat_seconds: 600", "keep_seconds: 1"])
        let (other, stats) = (try fake(health, "s3-put"), try fake(health, "dedup"))
        let path = try #require(stats.path)
        stats.end(exitCode: 0)
        #expect(
            try waitUntil {
                try health.get("/health/components/dedup.fake").text.contains("stopped")
            })
        #expect(try health.get("/health").status == 200)
        #expect(waitUntil { !FileManager.default.fileExists(atPath: path) }, "\(path)")
        #expect(try waitUntil { try health.get("/health/components/dedup.fake").status == 404 })
        withExtendedLifetime(other) {}
    }

    @Test func `SIGHUP takes new rules, and a bad configuration changes nothing`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try fake(health, "sbe-tap")
        stats.gauge("connections_open", help: "Connections.").set(0)
        #expect(try waitUntil { try health.isRunning("sbe-tap.fake") })
        let config = health.place.path("config.yaml")
        try Health.configure(config, ["heartbeat_seconds: 600", "connection_down_seconds: 0.2"])
        health.program.signal(SIGHUP)
        #expect(try health.waitFor("connection_down") != nil)
        try Health.configure(config, ["heartbeat_seconds: nonsense"])
        health.program.signal(SIGHUP)
        #expect(try health.get("/health").reasons == ["connection_down"])
    }

    @Test func `sums over processes do not fall when a process goes`() throws {
        let health = try Health(["heartbeat_seconds: 600", "keep_seconds: 0.2"])
        let keeper = try fake(health, "dedup")
        let series =
            "ingestor_messages_total{source=\"rest\",symbol=\"BTCUSDT\",message_type=\"trade\"}"
        func count(_ stats: StatsWriter, _ number: Int) {
            stats.counter(
                "stream_records", labels: "symbol=\"BTCUSDT\",stream=\"trade\"",
                help: "Records."
            ).add(number)
        }
        for round in 1...2 {
            let stats = try fake(health, "rest-pull")
            count(stats, 10)
            let expected = "\(series) \(10 * round)\n"
            #expect(try waitUntil { try health.get("/metrics").text.contains(expected) })
            stats.end(exitCode: 0)
            let path = try #require(stats.path)
            #expect(waitUntil { !FileManager.default.fileExists(atPath: path) }, "\(path)")
            #expect(try waitUntil { try health.get("/metrics").text.contains(expected) })
        }
        withExtendedLifetime(keeper) {}
    }

    @Test func `hostile files in the directory are passed over`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try fake(health, "dedup")
        #expect(try waitUntil { try health.isRunning("dedup.fake") })
        let good = try Data(contentsOf: URL(fileURLWithPath: try #require(stats.path)))
        func file(_ name: String) -> URL { URL(fileURLWithPath: "\(health.stats)/\(name).stats") }
        try Data(count: good.count).write(to: file("zeros"))
        try good.prefix(5000).write(to: file("short"))
        var wild = good
        for index in 8..<4096 where index % 3 == 0 { wild[index] = 0xFF }
        try wild.write(to: file("wild"))
        symlink("/etc/passwd", file("link").path)
        mkfifo(file("fifo").path, 0o644)
        stats.counter("marks", help: "Marks.").add(7)
        #expect(
            try waitUntil {
                try health.get("/metrics").text.contains(
                    "ingestor_stage_marks_total{stage=\"dedup\",stage_instance=\"fake\"} 7")
            })
        #expect(try health.get("/live").status == 200)
    }
}
