import Foundation
import Stats
import TestSupport
import Testing

/// Who belongs to the host's health, with real processes: stages that were given a name.
struct VisitorTests {
    private func member(_ health: Health) throws -> StatsWriter {
        let stats = try StatsWriter(directory: health.stats, stage: "s3-put", instance: "live")
        stats.enter(.running)
        try #require(try waitUntil { try health.isRunning("s3-put.live") })
        return stats
    }

    private func files(_ health: Health) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: health.stats).sorted()
    }

    @Test func `a run from the shell that fails changes nothing of the host's health`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try member(health)
        let outcome = try Program.run(
            "dedup", ["--stats-dir", health.stats], input: Array("no frames at all".utf8))
        #expect(outcome.status == 65, "\(outcome.errors)")
        #expect(
            try files(health) == [
                "healthd.main.settings", "healthd.main.stats", "s3-put.live.stats",
            ])
        for path in ["/health", "/ready", "/fresh", "/complete"] {
            let reply = try health.get(path)
            #expect(reply.status == 200, "\(path): \(reply.text)")
        }
        #expect(try !health.get("/metrics").text.contains("dedup"))
        withExtendedLifetime(stats) {}
    }

    @Test func `a visitor is shown while it runs, and is forgotten when it was killed`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let stats = try member(health)
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let visitor = try BackgroundProgram(
            "dedup", ["--stats-dir", health.stats], input: fifo.path, output: "/dev/null")
        let id = "dedup.\(visitor.pid)"
        #expect(try waitUntil { try health.get("/overview").text.contains("\"id\":\"\(id)\"") })
        #expect(try health.get("/metrics").text.contains("ingestor_visitors 1\n"))
        #expect(try health.get("/health/components/\(id)").status == 404)
        visitor.signal(SIGSTOP)
        visitor.signal(SIGKILL)
        #expect(try waitUntil { try !health.get("/overview").text.contains(id) })
        #expect(try waitUntil { try !files(health).contains { $0.hasPrefix(id) } })
        #expect(try health.get("/health").status == 200)
        withExtendedLifetime(stats) {}
    }

    @Test func `without a healthd the next stage removes what a killed visitor left`() throws {
        let place = try TemporaryDirectory()
        let stats = place.path("stats")
        let fifo = try OpenFIFO(place.path("fifo"))
        do {
            let visitor = try BackgroundProgram(
                "dedup", ["--stats-dir", stats], input: fifo.path, output: "/dev/null")
            for end in ["stats", "settings"] {
                let file = "\(stats)/dedup.\(visitor.pid).\(end)"
                #expect(waitUntil { FileManager.default.fileExists(atPath: file) }, "\(file)")
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: stats).count == 2)
        let next = try Program.run("dedup", ["--stats-dir", stats])
        #expect(next.status == 0, "\(next.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: stats) == [])
    }

    @Test func `a second process of one name says who has it, and both are seen`() throws {
        let health = try Health(["heartbeat_seconds: 600"])
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let first = try health.start("dedup", [], input: fifo.path, output: "/dev/null")
        #expect(try waitUntil { try health.isRunning("dedup.a") })
        let second = try LiveProgram("dedup", ["--stats-dir", health.stats, "--instance", "a"])
        #expect(
            waitUntil {
                second.errors.contains("dedup.a is already running as process \(first.pid)")
            },
            "\(second.errors)")
        #expect(try waitUntil { try health.isRunning("dedup.a-2") })
        #expect(try health.waitFor("name_taken") != nil)
        #expect(try health.isRunning("dedup.a") && health.get("/health").status == 200)
        second.closeInput()
        #expect(second.wait() == 0, "\(second.errors)")
        // Once the first one is over, its name is free at once.
        first.signal(SIGKILL)
        let third = try Program.run("dedup", ["--stats-dir", health.stats, "--instance", "a"])
        #expect(third.status == 0 && !third.errors.contains("already"), "\(third.errors)")
    }

    @Test func `stages that run are seen behind any number of files of those that ended`() throws {
        let place = try TemporaryDirectory()
        for number in 0..<300 {
            try StatsWriter(directory: place.path, stage: "dedup", instance: "\(number)")
                .end(exitCode: 0)
        }
        for number in 0..<300 {
            try Data("junk".utf8).write(to: URL(fileURLWithPath: place.path("a\(number).stats")))
        }
        let tap = try StatsWriter(directory: place.path, stage: "sbe-tap", instance: "live")
        tap.enter(.running)
        let outcome = try Program.run(
            "healthd", ["--once", "--json", "--interval", "0.1", "--stats-dir", place.path])
        #expect(outcome.status == 0, "\(outcome.text.suffix(400)) \(outcome.errors)")
        #expect(outcome.text.contains("\"id\":\"sbe-tap.live\""))
        withExtendedLifetime(tap) {}
    }

    @Test func `where nothing runs nothing is complete, and what is declared is a number`() throws {
        let health = try Health(["heartbeat_seconds: 600", "hole_seconds: 0"])
        #expect(try health.waitFor("nothing_runs", at: "/complete") != nil)
        #expect(try health.get("/complete").status == 503)
        let stats = try member(health)
        let labels = "symbol=\"BTCUSDT\",kind=\"depthDiff\""
        for (name, value) in [
            (FigureName.ledgerFirst, 1), (FigureName.ledgerLast, 100), (FigureName.ledgerHeld, 90),
            (FigureName.ledgerDeclared, 10),
        ] { stats.gauge(name, labels: labels, help: "").set(Int64(value)) }
        #expect(try waitUntil { try health.get("/complete").json["declared_ids"] as? Int == 10 })
        let reply = try health.get("/complete")
        #expect(
            reply.status == 200 && reply.json["status"] as? String == "complete", "\(reply.status)")
        #expect(reply.text.contains("\"sequence\":\"BTCUSDT depthDiff\""), "\(reply.text)")
        #expect(try health.get("/health").status == 200)
    }
}
