import Foundation
import TestSupport
import Testing

/// sbe-tap and a venue, a disk or a user that does what none should.
struct SbeTapFaultTests {
    // MARK: - Connections

    @Test(arguments: [(451, 77, "location"), (302, 78, "--ws-url"), (404, 78, "--ws-url")])
    func `a refusal that stays one names what to do`(
        status: Int, code: Int, words: String
    ) throws {
        let venue = try ScriptedVenue("status", ["\(status)"])
        let tap = try LiveTap(streams: venue.streams, ["--streams", "trade"])
        #expect(tap.end() == Int32(code), "\(tap.log)")
        #expect(tap.log.contains(words), "\(tap.log)")
    }

    @Test func `a run that never had a connection is no success`() throws {
        let tap = try LiveTap(
            streams: "ws://127.0.0.1:1", ["--streams", "trade", "--duration", "1"])
        #expect(tap.end() == 69, "\(tap.log)")
        #expect(tap.log.contains("no connection to ws://127.0.0.1:1"), "\(tap.log)")
    }

    @Test func `errors of the venue fill no disk`() throws {
        let venue = try ScriptedVenue("error_flood")
        let tap = try LiveTap(streams: venue.streams, ["--streams", "trade", "--limit", "2"])
        #expect(tap.end() == 0, "\(tap.log.suffix(2000))")
        #expect(tap.log.contains("Invalid request: 0"))
        let lines = tap.log.split(separator: "\n").count
        #expect(lines < 60, "\(lines) lines")
    }

    @Test func `a message that never ends is no sign of life`() throws {
        let venue = try ScriptedVenue("trickle")
        let tap = try LiveTap(
            streams: venue.streams, ["--streams", "trade", "--stall-timeout", "1"])
        #expect(tap.says("\"cause\":\"stalled\"", 20), "\(tap.log)")
        #expect(tap.says("\"connected\"", times: 2, 20), "\(tap.log)")
        #expect(tap.stop() == 0)
    }

    @Test func `what both connections missed while they were lost is told of as such`() throws {
        let venue = try ScriptedVenue("both_lost")
        let tap = try LiveTap(
            streams: venue.streams, ["--streams", "trade", "--connections", "2"])
        #expect(waitUntil { LiveRecords.count(tap.output) >= 5 }, "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        let gaps = try LiveRecords.lines(tap.output).filter { $0.kind == "gap" }
        #expect(gaps.map { $0.values["reason"] as? String } == ["disconnected"], "\(gaps)")
    }

    @Test func `streams without data are named a few at a time`() throws {
        let simulator = try Simulator(["--start", "now", "--rate", "50"])
        let symbols = (1...300).map { "NONE\($0)" }.joined(separator: ",")
        let tap = try LiveTap(
            simulator,
            ["--symbols", symbols, "--streams", "trade", "--first-data-timeout", "300ms"])
        #expect(tap.says("no data yet from many streams"), "\(tap.log)")
        #expect(tap.stop() == 0)
        #expect(tap.log.components(separatedBy: "no data yet: ").count - 1 <= 10)
        #expect(tap.log.contains("\"streams\":300"), "\(tap.log)")
    }

    // MARK: - Quarantine

    @Test
    func `a quarantine file that was rotated is written anew, and a full one is full no more`()
        throws
    {
        let simulator = try Simulator(["--newest", "10"])
        let tap = try LiveTap(simulator, ["--streams", "trade", "--quarantine-bytes", "1500"])
        let path = tap.place.path("quarantine")
        func lines(_ path: String) -> Int {
            ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
                .count
        }
        #expect(tap.says("\"connected\""))
        try simulator.post("/stream/next?fault=template&count=20")
        try simulator.post("/market?newest=60")
        #expect(tap.says("the quarantine file is full"), "\(tap.log)")
        let first = lines(path)
        #expect(first > 0)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        try simulator.post("/stream/next?fault=template&count=1")
        try simulator.post("/market?newest=100")
        #expect(waitUntil { lines(path) >= 1 }, "\(tap.log)")
        #expect(tap.stop() == 0)
        #expect(lines(path + ".1") == first)
    }

    // MARK: - Spill

    @Test func `what an earlier run left is passed on from where it is`() throws {
        let simulator = try Simulator(["--newest", "3000"])
        let spill = try TemporaryDirectory()
        let left = try Program.run(
            "rest-pull", ["aggTrades", "--from", "1", "--to", "3000", "--base-url", simulator.url])
        // A kill cut the last record.
        try Data(left.output.dropLast(10)).write(to: URL(fileURLWithPath: spill.path("a.spill")))
        // No file of this process may grow over 300 KiB: there is no room for a copy.
        let tap = try LiveTap(
            streams: simulator.streams, rest: simulator.url,
            ["--streams", "trade", "--overflow", "spill:\(spill.path)"],
            first: "ulimit -f 300; trap '' XFSZ;")
        #expect(waitUntil { LiveRecords.count(tap.output) >= 2999 }, "\(tap.log)")
        #expect(waitUntil { !FileManager.default.fileExists(atPath: spill.path("a.spill")) })
        #expect(tap.stop() == 0, "\(tap.log)")
        #expect(tap.output.starts(with: left.output.prefix(2999 * left.output.count / 3000)))
    }

    @Test func `what is not a spill file of this user is left alone`() throws {
        let simulator = try Simulator(["--newest", "10"])
        let spill = try TemporaryDirectory()
        _ = try Program.run("mkfifo", [spill.path("fifo.spill")])
        try FileManager.default.createSymbolicLink(
            atPath: spill.path("link.spill"), withDestinationPath: "/etc/passwd")
        let foreign = spill.path("foreign.spill")
        let pull = try Program.run(
            "rest-pull", ["aggTrades", "--from", "1", "--to", "5", "--base-url", simulator.url])
        try Data(pull.output).write(to: URL(fileURLWithPath: foreign))
        let isRoot = geteuid() == 0
        if isRoot { chown(foreign, 65534, 65534) }
        let tap = try LiveTap(
            simulator, ["--streams", "trade", "--overflow", "spill:\(spill.path)"])
        #expect(tap.says("\"connected\""), "\(tap.log)")
        #expect(tap.stop() == 0, "\(tap.log)")
        #expect(tap.log.contains("fifo.spill") && tap.log.contains("link.spill"), "\(tap.log)")
        #expect(LiveRecords.count(tap.output) == (isRoot ? 0 : 5))
        #expect(FileManager.default.fileExists(atPath: foreign) == isRoot)
    }

    @Test func `leftovers count as spilled bytes`() throws {
        let gate = try Gate()
        let simulator = try Simulator(["--newest", "10", "--flood", "20000", "--no-flood-close"])
        let spill = try TemporaryDirectory()
        let pulled = try Simulator(["--newest", "20000"])
        let left = try Program.run(
            "rest-pull", ["aggTrades", "--from", "1", "--to", "20000", "--base-url", pulled.url])
        try Data(left.output).write(to: URL(fileURLWithPath: spill.path("a.spill")))
        let tap = try LiveTap(
            simulator,
            [
                "--streams", "trade", "--buffer-bytes", "64k", "--overflow",
                "spill:\(spill.path)", "--spill-max", "1MiB",
            ], throttle: gate.reader)
        #expect(tap.says("the network is not read", 30), "\(tap.log)")
        try gate.open()
        #expect(tap.settles(above: 20_000 * 126 + 39_000 * 110))
        #expect(tap.stop() == 0, "\(tap.log)")
    }

    // MARK: - Replay

    @Test func `times and speeds of any size end in no trap`() throws {
        let simulator = try Simulator(["--newest", "10"])
        let tap = try LiveTap(simulator, ["--streams", "trade", "--raw", "--limit", "4"])
        #expect(tap.says("\"connected\""))
        try simulator.post("/market?newest=60")
        #expect(tap.end() == 0, "\(tap.log)")
        let slow = try Program.run(
            "sbe-tap", ["--replay", "-", "--speed", "1e-300", "--duration", "0.5"],
            input: tap.output)
        #expect(slow.status == 0, "\(slow.errors)")
        var lines = try Program.run("recq", ["json"], input: tap.output).text
            .split(separator: "\n").map(String.init)
        for (index, time) in ["-9223372036854775807", "9223372036854775807", "5"].enumerated() {
            lines[index].replace(
                /"ingest_time_ns":"[0-9]+"/, with: "\"ingest_time_ns\":\"\(time)\"")
        }
        let packed = try Program.run(
            "recq", ["pack"], input: Array((lines.joined(separator: "\n") + "\n").utf8))
        #expect(packed.status == 0, "\(packed.errors)")
        for speed in ["max", "1e-300", "1e300"] {
            let replay = try Program.run(
                "sbe-tap", ["--replay", "-", "--speed", speed, "--duration", "1"],
                input: packed.output)
            #expect(replay.status == 0, "\(speed): \(replay.errors)")
        }
        // Without an end, the wait is longer than poll(2) can be told.
        for speed in ["1e-300", "1e-6", "0.0001"] {
            let endless = try Program.run(
                "timeout",
                [
                    "-s", "TERM", "1", Program.directory.path + "/sbe-tap", "--replay", "-",
                    "--speed", speed,
                ], input: packed.output)
            #expect(endless.status == 124, "\(speed): \(endless.errors)")
        }
    }
}
