import Foundation
import Identity
import TestSupport
import Testing

/// s3-put on a state disk without room.
struct DiskTests {
    private static let trades = Int64(60_000)

    private func s3(_ server: FaultServer, _ disk: SmallDisk) -> [String] {
        [
            "--to", "s3://bucket/x", "--endpoint-url", server.url, "--region", "us-east-1",
            "--state-dir", disk.path + "/state", "--check-timeout", "0.2", "--log-format", "json",
            "--format", "sbe", "--compression", "none",
        ]
    }

    private let environment = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"]

    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"))
    func `a disk that is too small for the input is freed while it is read`() throws {
        let disk = try #require(try SmallDisk(mebibytes: 3))
        let run = try S3PutRun()
        let outcome = try run.put(
            Sample.trades(1...Self.trades), ["--state-dir", disk.path + "/state"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("\(Self.trades) records in"), "\(outcome.errors)")
        #expect(outcome.errors.contains("is full: reading stops"), "\(outcome.errors)")
    }

    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"), arguments: [false, true])
    func `a disk that is full of the spool is freed once the service is there`(isEaten: Bool)
        throws
    {
        let disk = try #require(try SmallDisk(mebibytes: 3))
        let records = try Sample.trades(1...Self.trades)
        // A service that is not there, until the disk is full.
        let away = FaultServer([.close], hangsUp: true)
        let program = try LiveProgram("s3-put", s3(away, disk), environment: environment)
        // It stops reading; what fits into the pipe goes there.
        var sent = 0
        #expect(
            waitUntil {
                sent += program.writeSome(Array(records[sent...].prefix(1 << 16)))
                return program.errors.contains("is full: reading stops")
            }, "\(program.errors)")
        program.signalled(SIGKILL)
        _ = program.wait()
        if isEaten {
            // Somebody else takes the room that is left.
            _ = try Program.run("dd", ["if=/dev/zero", "of=\(disk.path)/filler", "bs=1024"])
        }
        // The state goes on to a place that is there.
        try FileManager.default.removeItem(atPath: disk.path + "/state/owner")
        let run = try S3PutRun()
        let outcome = try run.put([], ["--state-dir", disk.path + "/state"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let stored = try run.content().count / Sample.frame(.trade, 1...1).count
        #expect(stored > 5000, "\(stored)")
        #expect(try run.content() == Sample.trades(1...Int64(max(1, stored))))
        let again = try run.put(
            Sample.trades(1...Int64(max(1, stored))), ["--state-dir", disk.path + "/state"])
        #expect(again.errors.contains("\"refused\":\(stored)"), "\(again.errors)")
    }

    /// What is left needs a manifest before any of it can go, and there is no room to write one down.
    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"))
    func `a start on a disk without any room says so, and goes on when there is some`() throws {
        let disk = try #require(try SmallDisk(mebibytes: 3))
        let run = try S3PutRun()
        let state = ["--state-dir", disk.path + "/state"]
        try FileManager.default.createDirectory(
            atPath: run.data, withIntermediateDirectories: true)
        let blocked = run.data + "/_manifests"
        try Data().write(to: URL(fileURLWithPath: blocked))
        let first = try run.put(Sample.trades(1...1000), state)
        #expect(first.status == 74 && !run.keys.isEmpty, "\(first.errors)")
        try FileManager.default.removeItem(atPath: blocked)
        for name in ["reserve", "memory-notes"] {
            try FileManager.default.removeItem(atPath: "\(disk.path)/state/\(name)")
        }
        try disk.fill()
        let program = try LiveProgram("s3-put", run.arguments + state)
        program.write(try Sample.trades(1001...1100))
        #expect(
            waitUntil { program.errors.contains("is full: reading stops") }, "\(program.errors)")
        #expect(!program.hasEnded)
        disk.free()
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        #expect(program.errors.contains("has space again"), "\(program.errors)")
        let verdict = try Program.run("ledgerctl", ["verify", run.data, "--read"])
        #expect(verdict.status == 0, "\(verdict.text)\(verdict.errors)")
        #expect(try run.content() == Sample.trades(1...1000) + Sample.trades(1001...1100))
    }

    @Test func `a spool smaller than an object is freed at once, not when the object is idle`()
        throws
    {
        let run = try S3PutRun()
        let start = Date()
        let outcome = try run.put(
            Sample.trades(1...Self.trades), ["--spool-max", "1MiB", "--object-idle", "60"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(Date().timeIntervalSince(start) < 30)
        #expect(try run.content() == Sample.trades(1...Self.trades))
    }

    /// Where a run ends that stores objects from memory: before they are stored, behind them and before
    /// the manifest, or killed there.
    enum End: String, CaseIterable, Sendable {
        case objectsRefused, manifestRefused, killed
    }

    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"), arguments: End.allCases)
    func `objects that were stored from memory are found again by the next run`(end: End) throws {
        let disk = try #require(try SmallDisk(mebibytes: 3))
        let run = try S3PutRun()
        let arguments = ["--state-dir", disk.path + "/state", "--object-bytes"]
        // A destination that takes nothing, until the disk is full.
        try FileManager.default.createDirectory(
            atPath: run.data, withIntermediateDirectories: true)
        let blocked = run.data + "/exchange=binance"
        try Data().write(to: URL(fileURLWithPath: blocked))
        let first = try LiveProgram("s3-put", run.arguments + arguments + ["1GiB"])
        let records = try Sample.trades(1...Self.trades)
        var sent = 0
        #expect(
            waitUntil {
                sent += first.writeSome(Array(records[sent...].prefix(1 << 16)))
                return first.hasEnded || first.errors.contains("is full: reading stops")
            }, "\(first.errors)")
        first.signalled(SIGKILL)
        _ = first.wait()
        _ = try Program.run("dd", ["if=/dev/zero", "of=\(disk.path)/filler", "bs=1024"])
        let manifests = run.data + "/_manifests"
        if end != .objectsRefused {
            try FileManager.default.removeItem(atPath: blocked)
            try Data().write(to: URL(fileURLWithPath: manifests))
        }
        if end == .killed {
            let second = try LiveProgram(
                "s3-put", run.arguments + arguments + ["64KiB", "--give-up-after", "60"])
            #expect(waitUntil { !run.keys.isEmpty || second.hasEnded }, "\(second.errors)")
            second.signalled(SIGKILL)
            _ = second.wait()
        } else {
            let second = try run.put([], arguments + ["64KiB"])
            #expect(second.status == 74, "\(second.errors)")
        }
        let before = run.keys
        #expect(before.isEmpty == (end == .objectsRefused), "\(before)")
        if end == .objectsRefused {
            try FileManager.default.removeItem(atPath: blocked)
        } else {
            try FileManager.default.removeItem(atPath: manifests)
        }
        // The next run would cut other objects.
        let third = try run.put([], arguments + ["200KiB"])
        #expect(third.status == 0, "\(third.errors)")
        #expect(Set(before).isSubset(of: run.keys))
        let verdict = try Program.run("ledgerctl", ["verify", run.data, "--read"])
        #expect(verdict.status == 0, "\(end): \(verdict.text)\(verdict.errors)")
        #expect(!verdict.text.contains("in two objects"), "\(verdict.text)")
        let content = try run.content()
        let length = try Sample.frame(.trade, 1...1).count
        let stored = content.count / length
        #expect(stored > 5000, "\(stored)")
        // An object around those that were found again has their hole, and comes before them.
        func frames(_ bytes: [UInt8]) -> Set<ArraySlice<UInt8>> {
            Set(stride(from: 0, to: bytes.count, by: length).map { bytes[$0..<($0 + length)] })
        }
        let expected = try Sample.trades(1...Int64(max(1, stored)))
        #expect(content.count == expected.count && frames(content) == frames(expected), "\(end)")
        print("\(end): \(before.count) objects were found, \(stored) trades")
    }

    /// Data go before figures.
    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"))
    func `a stage whose stats file finds no room does its work, and says so`() throws {
        let disk = try #require(try SmallDisk(mebibytes: 1))
        let junk = Data(count: 1 << 20)
        try junk.write(to: URL(fileURLWithPath: disk.path + "/junk"))
        let frames = try Sample.trades(1...10)
        let outcome = try Program.run("dedup", ["--stats-dir", disk.path], input: frames)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == frames)
        #expect(outcome.errors.contains("healthd does not see this stage"), "\(outcome.errors)")
        #expect(outcome.errors.contains("free room there"), "\(outcome.errors)")
    }
}
