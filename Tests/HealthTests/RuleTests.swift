import Foundation
import TestSupport
import Testing

/// Each rule, raised and cleared by real processes.
@Suite(.serialized)
struct RuleTests {
    @Test func `a killed stage is dead until another one takes its place`() throws {
        let health = try Health()
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let stage = try health.start("dedup", [], input: fifo.path, output: "/dev/null")
        #expect(try waitUntil { try health.isRunning("dedup.a") })
        stage.signal(SIGKILL)
        #expect(try health.waitFor("stage_dead") != nil)
        let reply = try health.get("/health")
        #expect(
            reply.status == 503 && reply.text.contains("dedup.a"), "\(reply.status) \(reply.text)")
        #expect(try health.get("/health/components/dedup.a").status == 503)
        #expect(try health.get("/ready").reasons.contains("stage_dead"))
        let next = try health.start(
            "dedup", [], instance: "b", input: fifo.path, output: "/dev/null")
        #expect(try health.waitFor("stage_dead", isThere: false) != nil)
        #expect(try health.get("/health").status == 200)
        withExtendedLifetime((stage, next)) {}
    }

    @Test func `a stopped stage has a stale heartbeat until it goes on`() throws {
        let health = try Health()
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let stage = try health.start("dedup", [], input: fifo.path, output: "/dev/null")
        #expect(try waitUntil { try health.isRunning("dedup.a") })
        stage.signal(SIGSTOP)
        #expect(try health.waitFor("heartbeat_stale") != nil)
        stage.signal(SIGCONT)
        #expect(try health.waitFor("heartbeat_stale", isThere: false) != nil)
    }

    @Test func `an idle stage beats, and is without data until a record comes`() throws {
        let health = try Health(["heartbeat_seconds: 4", "no_data_seconds: 6"])
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let stage = try health.start("dedup", [], input: fifo.path, output: "/dev/null")
        #expect(try health.waitFor("no_data") != nil)
        #expect(try health.get("/fresh").reasons == ["no_data"])
        // It waited for longer than the limit of the heartbeat, and was well.
        #expect(try !health.get("/health").reasons.contains("heartbeat_stale"))
        fifo.write(try Records.trades([1]))
        #expect(try health.waitFor("no_data", isThere: false) != nil)
        #expect(try health.get("/fresh").status == 200)
        withExtendedLifetime(stage) {}
    }

    @Test func `a stage that could not go on has failed, and its last words are there`() throws {
        let health = try Health()
        let garbage = health.place.path("garbage")
        try Data("this is no record at all, and it is long enough to be looked at".utf8)
            .write(to: URL(fileURLWithPath: garbage))
        let stage = try health.start("dedup", [], input: garbage, output: "/dev/null")
        #expect(try health.waitFor("stage_failed") != nil)
        let text = try health.get("/health").text
        #expect(text.contains("ended with 65"))
        withExtendedLifetime(stage) {}
    }

    @Test func `an expected stage is missed until it runs`() throws {
        let health = try Health(arguments: ["--expect", "dedup"])
        #expect(try health.waitFor("stage_missing") != nil)
        #expect(try health.get("/ready").status == 503)
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let stage = try health.start("dedup", [], input: fifo.path, output: "/dev/null")
        #expect(try health.waitFor("stage_missing", isThere: false) != nil)
        #expect(try health.get("/ready").status == 200)
        withExtendedLifetime(stage) {}
    }

    @Test(arguments: ["dedup", "s3-put"])
    func `one lost record opens the equation, and the equation names the stage`(
        name: String
    ) throws {
        let health = try Health(["conservation_seconds: 0.3"])
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let arguments = name == "dedup" ? [] : ["--to", "file://" + health.place.path("data")]
        let stage = try health.start(
            name, arguments, input: fifo.path, output: "/dev/null",
            environment: ["BITCOIN_INGESTOR_TEST_DROP": "3"])
        fifo.write(try Records.trades([1, 2]))
        #expect(
            try waitUntil {
                try health.get("/metrics").text.contains(
                    "records_in_total{stage=\"\(name)\",stage_instance=\"a\"} 2")
            })
        #expect(try !health.get("/health").reasons.contains("conservation_open"))
        fifo.write(try Records.trades([3, 4]))
        #expect(try health.waitFor("conservation_open") != nil)
        let reasons = try #require(health.get("/health").json["reasons"] as? [[String: Any]])
        let open = reasons.filter { $0["code"] as? String == "conservation_open" }
        #expect(open.map { $0["stage"] as? String } == ["\(name).a"])
        #expect(try health.get("/complete").status == 503)
        #expect(
            try health.get("/metrics").text.contains(
                "ingestor_stage_conservation_residue{stage=\"\(name)\",stage_instance=\"a\"} 1\n"))
        stage.signal(SIGKILL)
        let next = try health.start(name, arguments, input: fifo.path, output: "/dev/null")
        #expect(try health.waitFor("conservation_open", isThere: false) != nil)
        withExtendedLifetime(next) {}
    }

    @Test func `what is lost in a pipe breaks the link between two stages`() throws {
        let health = try Health(["keep_seconds: 3"])
        let source = try OpenFIFO(health.place.path("source"))
        var pipe: OpenFIFO? = try OpenFIFO(health.place.path("pipe"))
        let path = try #require(pipe?.path)
        let writer = try health.start("dedup", [], input: source.path, output: path)
        let reader = try health.start(
            "dedup", [], instance: "b", input: path, output: "/dev/null")
        #expect(try waitUntil { try health.isRunning("dedup.a") && health.isRunning("dedup.b") })
        // While the reader does not look, a thief takes a record.
        reader.signal(SIGSTOP)
        #expect(try health.waitFor("heartbeat_stale") != nil)
        let records = try Records.trades([1, 2, 3])
        source.write(records)
        #expect(try pipe?.take(records.count / 3).isEmpty == false)
        reader.signal(SIGCONT)
        source.end()
        #expect(
            try waitUntil { try health.get("/health/components/dedup.a").text.contains("stopped") })
        #expect(try health.get("/complete").reasons.isEmpty)
        pipe = nil
        #expect(try health.waitFor("link_broken") != nil)
        #expect(try health.get("/complete").reasons.contains("link_broken"))
        #expect(try health.waitFor("link_broken", isThere: false) != nil)
        withExtendedLifetime((writer, reader)) {}
    }

    @Test func `changes of a book that were missed are a number, not a state`() throws {
        let health = try Health(["hole_seconds: 0"])
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let data = health.place.path("data")
        let stage = try health.start(
            "s3-put", ["--to", "file://" + data, "--object-idle", "0.1"], input: fifo.path)
        fifo.write(try Records.changes([1...3, 7...9]))
        let isBooked = try waitUntil {
            try health.get("/complete").json["declared_ids"] as? Int == 3
        }
        let complete = try health.get("/complete")
        #expect(isBooked && complete.status == 200, "\(complete.status) \(complete.text)")
        let reply = try health.get("/health")
        #expect(reply.status == 200, "\(reply.text)")
        let verify = try Program.run(
            "ledgerctl", ["verify", data + "/.s3-put", "--kind", "depthDiff", "--allow-declared"])
        #expect(verify.status == 0, "\(verify.text)")
        withExtendedLifetime(stage) {}
    }

    @Test func `a hole is open until it is filled`() throws {
        let health = try Health(["hole_seconds: 0.3"])
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let stage = try health.start(
            "s3-put", ["--to", "file://" + health.place.path("data"), "--object-idle", "0.1"],
            input: fifo.path)
        fifo.write(try Records.trades([1, 2, 5]))
        #expect(try health.waitFor("hole_open") != nil)
        let incomplete = try health.get("/complete")
        #expect(
            incomplete.status == 503 && incomplete.text.contains("1 hole, 2 ids missing"),
            "\(incomplete.status) \(incomplete.text)")
        let command = "rest-pull trades --symbol BTCUSDT --from 3 --to 4 --repair"
        #expect(incomplete.text.contains(command), "\(incomplete.text)")
        fifo.write(try Records.trades([3, 4]))
        #expect(try health.waitFor("hole_open", isThere: false) != nil)
        #expect(try health.get("/complete").status == 200)
        withExtendedLifetime(stage) {}
    }

    @Test func `an outage of the venue opens the breaker, and throttling is told`() throws {
        let health = try Health()
        let simulator = try Simulator(["--newest", "5000"])
        let stage = try health.start(
            "rest-pull",
            [
                "aggTrades", "--base-url", simulator.url, "--from", "1", "--follow",
                "--poll-interval", "0.1", "--initial-backoff", "0.05", "--max-backoff", "0.1",
                "--max-attempts", "1000",
            ], output: "/dev/null")
        #expect(try waitUntil { try health.isRunning("rest-pull.a") })
        try simulator.post("/next?fault=limit")
        #expect(try health.waitFor("throttled") != nil)
        #expect(try health.get("/health").status == 200)
        try simulator.post("/faults?rate=1&kinds=error")
        #expect(try health.waitFor("breaker_open", seconds: 60) != nil)
        #expect(try health.get("/fresh").reasons.contains("breaker_open"))
        try simulator.post("/faults?rate=0")
        #expect(try health.waitFor("breaker_open", isThere: false, seconds: 60) != nil)
        withExtendedLifetime(stage) {}
    }

    @Test func `a venue that is not there is a connection that is down, until it is`() throws {
        let health = try Health(["connection_down_seconds: 0.5"])
        let simulator = try Simulator(["--newest", "5000"])
        try simulator.post("/faults?rate=1&kinds=error")
        let stage = try health.start(
            "rest-pull",
            [
                "aggTrades", "--base-url", simulator.url, "--from", "1", "--to", "5000", "--follow",
                "--initial-backoff", "0.05", "--max-backoff", "0.1", "--max-attempts", "1000",
            ], output: "/dev/null")
        #expect(try health.waitFor("connection_down") != nil)
        try simulator.post("/faults?rate=0")
        #expect(try health.waitFor("connection_down", isThere: false, seconds: 60) != nil)
        withExtendedLifetime(stage) {}
    }

    @Test func `what a sink cannot deliver is undelivered, and fills its spool`() throws {
        let health = try Health(["undelivered_seconds: 0.5", "spool_percent: 10"])
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let arguments = [
            "--to", "s3://bronze/x", "--state-dir", health.place.path("state"), "--region",
            "us-east-1", "--object-idle", "0.1", "--spool-max", "5MiB",
        ]
        let credentials = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"]
        let stage = try health.start(
            "s3-put", arguments + ["--endpoint-url", "http://127.0.0.1:1"], input: fifo.path,
            environment: credentials)
        fifo.write(try Records.trades(Array(1...6000)))
        #expect(try health.waitFor("undelivered") != nil)
        #expect(try health.waitFor("spool_full") != nil)
        // The same state, delivered to a place that is there.
        stage.signal(SIGKILL)
        let directory = health.place.path("data")
        let next = try health.start(
            "s3-put",
            ["--to", "file://" + directory, "--state-dir", health.place.path("state")],
            input: fifo.path)
        #expect(try health.waitFor("undelivered", isThere: false) != nil)
        #expect(try health.waitFor("spool_full", isThere: false) != nil)
        withExtendedLifetime(next) {}
    }

    /// A file system of 2 MiB; needs the right to mount one.
    private final class SmallDisk {
        let path: String

        init(_ path: String) throws {
            self.path = path
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            let outcome = try Program.run(
                "mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", path])
            try #require(outcome.status == 0, "\(outcome.errors)")
        }

        /// Whether this process may mount one.
        static let isAllowed: Bool = {
            guard let place = try? TemporaryDirectory(),
                (try? SmallDisk(place.path("small"))) != nil
            else { return false }
            return true
        }()

        deinit { _ = try? Program.run("umount", [path]) }
    }

    @Test(.enabled(if: SmallDisk.isAllowed, "there is no right to mount a small file system"))
    func `a disk that fills up is told, until there is room again`() throws {
        let health = try Health(["disk_free_percent: 40"])
        let disk = try SmallDisk(health.place.path("small"))
        let fifo = try OpenFIFO(health.place.path("fifo"))
        let stage = try health.start(
            "s3-put",
            ["--to", "file://" + health.place.path("data"), "--state-dir", disk.path + "/state"],
            input: fifo.path)
        #expect(try waitUntil { try health.isRunning("s3-put.a") })
        #expect(try !health.get("/health").reasons.contains("disk_full"))
        let ballast = disk.path + "/ballast"
        try Data(count: 1_500_000).write(to: URL(fileURLWithPath: ballast))
        #expect(try health.waitFor("disk_full") != nil)
        try FileManager.default.removeItem(atPath: ballast)
        #expect(try health.waitFor("disk_full", isThere: false) != nil)
        stage.signal(SIGKILL)
    }
}
