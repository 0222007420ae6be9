import Foundation
import TestSupport
import Testing

/// fan-out on a full disk, and before a sink that is killed: nothing is lost.
struct FanOutLossTests {
    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"))
    func `a disk that others filled stops no output that reads`() throws {
        let records = try FanOutRun.trades(1...50000)
        let disk = try #require(try SmallDisk(mebibytes: 4))
        let run = try FanOutRun(["a", "b"], ["--instance", "test"], disk: disk)
        let held = run.holdOutputs()
        defer { held.forEach { close($0) } }
        let readers = try [run.reader("a"), run.reader("b")]
        let part = records.count / 50000 * 10000
        run.write(Array(records[..<part]))
        #expect(waitUntil(30) { run.output("a").count == part && run.output("b").count == part })
        // What they have taken makes no room any more.
        #expect(
            try waitUntil {
                try !FileManager.default.contentsOfDirectory(atPath: disk.path + "/state/spool")
                    .contains { $0.hasSuffix(".spool") }
            })
        try disk.fill()
        run.write(Array(records[part..<(2 * part)]))
        #expect(waitUntil(60) { run.output("b").count == 2 * part }, "\(run.log)")
        #expect(run.log.contains("reading stops until there is space"), "\(run.log)")
        // The disk is looked at every two seconds.
        var health = ""
        let isTold = try waitUntil {
            health = try Program.run(
                "healthd", ["--once", "--log-format", "text"],
                environment: ["STATS_DIR": run.place.path("stats"), "COLUMNS": "300"]
            ).text
            return health.contains("disk of the state directory has 0.0 % left")
        }
        #expect(isTold, "\(health)")
        // Killed there, it has let go of nothing that an output has not.
        _ = run.stop(SIGKILL)
        run.write(Array(records[(2 * part)..<(3 * part)]))
        try run.start()
        func ids(_ name: String) throws -> Set<Int64> {
            Set(try LiveRecords.lines(run.output(name)).map(\.first))
        }
        #expect(try waitUntil(60) { try ids("a").count >= 30000 }, "\(run.log)")
        disk.free()
        run.write(Array(records[(3 * part)...]))
        let wanted = Set((1...50000).map(Int64.init))
        for name in ["a", "b"] {
            #expect(try waitUntil(60) { try ids(name) == wanted }, "\(name): \(run.log)")
        }
        #expect(waitUntil(30) { run.log.contains("the spool has space again") }, "\(run.log)")
        #expect(run.stop(SIGTERM) == 0, "\(run.log)")
        _ = readers
    }

    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"))
    func `a disk that is full of what an output did not read is waited for, and freed`() throws {
        let records = try FanOutRun.trades(1...50000)
        let disk = try #require(try SmallDisk(mebibytes: 4))
        let run = try FanOutRun(["a", "b"], disk: disk)
        let held = run.holdOutputs()
        defer { held.forEach { close($0) } }
        let a = try run.reader("a")
        run.write(records)
        #expect(waitUntil(60) { run.log.contains("No space left on device") }, "\(run.log)")
        #expect(run.log.contains("output b is furthest behind"), "\(run.log)")
        _ = run.stop(SIGKILL)
        try run.start()
        let b = try run.reader("b")
        func ids(_ name: String) throws -> Set<Int64> {
            Set(try LiveRecords.lines(run.output(name)).map(\.first))
        }
        let wanted = Set((1...50000).map(Int64.init))
        for name in ["a", "b"] {
            #expect(try waitUntil(90) { try ids(name) == wanted }, "\(name): \(run.log)")
        }
        #expect(run.stop(SIGTERM) == 0, "\(run.log)")
        _ = (a, b)
    }

    /// A plain pipe keeps nothing that was read from it.
    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"))
    func `a stop on a full disk keeps what was read from a pipe`() throws {
        let records = try FanOutRun.trades(1...60000)
        let disk = try #require(try SmallDisk(mebibytes: 24))
        let place = try TemporaryDirectory()
        mkfifo(place.path("a"), 0o600)
        let command = [
            "--state-dir", disk.path + "/state", "--drain-timeout", "0.5", "a=\(place.path("a"))",
        ]
        let program = try LiveProgram("fan-out", command)
        let length = records.count / 60000
        #expect(program.write(Array(records[..<(length * 1000)])))
        #expect(waitUntil { program.unread == 0 })
        try disk.fill()
        var sent = length * 1000
        #expect(
            waitUntil {
                let count = program.writeSome(Array(records[sent...].prefix(length * 500)))
                sent += count
                return program.errors.contains("reading stops") && program.unread > 0
            }, "\(program.errors)")
        program.signalled(SIGTERM)
        // It reads no more: what is left in the pipe was not taken.
        let taken = (sent - Int(program.unread)) / length
        #expect(program.wait() == 0, "\(program.errors)")
        disk.free()
        let reader = try BackgroundProgram(
            "/bin/sh", ["-c", "exec cat < \(place.path("a")) > \(place.path("out"))"])
        let next = try Program.run("fan-out", command)
        #expect(next.status == 0, "\(next.errors)")
        let got = try Data(contentsOf: URL(fileURLWithPath: place.path("out")))
        let ids = Set(try LiveRecords.lines(Array(got)).map(\.first))
        #expect(ids.isSuperset(of: (1...taken).map(Int64.init)), "\(ids.count) of \(taken)")
        print("\(taken) records were taken on a full disk, \(ids.count) came")
        _ = reader
    }

    /// What fan-out counts as handed over is in the spool of a sink: the sink takes it out of the FIFO after
    /// that, and fan-out stays until the FIFO is empty.
    @Test func `a sink that is killed again and again loses nothing, also at the end`() throws {
        let records = try FanOutRun.trades(1...20000)
        let place = try TemporaryDirectory()
        mkfifo(place.path("s3"), 0o600)
        let held = open(place.path("s3"), O_RDWR | O_CLOEXEC)
        defer { close(held) }
        let sink =
            "exec \(Program.directory.path)/s3-put --to file://\(place.path("data")) --state-dir "
            + "\(place.path("state")) --format sbe --compression none --object-bytes 64KiB "
        func start(from input: String) throws -> BackgroundProgram {
            try BackgroundProgram(
                "/bin/sh", ["-c", sink + "< \(place.path(input)) 2>> \(place.path("log"))"])
        }
        func isOver(_ program: BackgroundProgram) -> Bool {
            var status: Int32 = 0
            return waitpid(program.pid, &status, WNOHANG) != 0
        }
        let fanOut = try LiveProgram(
            "fan-out", ["--state-dir", place.path("fan"), "s3=\(place.path("s3"))"])
        var random = SeededRandom(11)
        var kills = 0
        var reader = try start(from: "s3")
        func kill() throws {
            Foundation.kill(reader.pid, SIGKILL)
            _ = waitUntil { isOver(reader) }
            kills += 1
            reader = try start(from: "s3")
        }
        let part = records.count / 20
        for number in 0..<20 {
            fanOut.write(Array(records[(number * part)..<((number + 1) * part)]))
            usleep(.random(in: 0...60_000, using: &random))
            try kill()
        }
        fanOut.closeInput()
        // It stays until the sink has all; the sink may die meanwhile.
        for _ in 0..<5 where !fanOut.hasEnded {
            usleep(.random(in: 0...60_000, using: &random))
            try kill()
        }
        #expect(fanOut.wait() == 0, "\(fanOut.errors)")
        var content: Int32 = -1
        _ = ioctl(held, UInt(FIONREAD), &content)
        #expect(content == 0, "fan-out left \(content) bytes in the FIFO")
        // At once, and with nothing in the FIFO any more.
        Foundation.kill(reader.pid, SIGKILL)
        _ = waitUntil { isOver(reader) }
        try Data().write(to: URL(fileURLWithPath: place.path("nothing")))
        let last = try start(from: "nothing")
        let log = { (try? String(contentsOfFile: place.path("log"), encoding: .utf8)) ?? "" }
        #expect(waitUntil(60) { isOver(last) }, "\(log())")
        let verdict = try Program.run(
            "ledgerctl",
            [
                "verify", place.path("data"), "--read", "--symbol", "BTCUSDT", "--kind", "trade",
                "--from", "1", "--to", "20000",
            ])
        #expect(verdict.status == 0, "\(verdict.text)\(verdict.errors)\(log())")
        #expect(verdict.text.contains("whole"), "\(verdict.text)")
        print("\(kills) kills of the sink, none lost a record")
    }
}
