import Foundation
import Identity
import Posix
import Records
import Sink
import Spool
import TestSupport
import Testing

/// What was read and is not in the spool yet.
struct IntakeTests {
    private static func fill(_ disk: SmallDisk) throws {
        _ = try Program.run(
            "dd", ["if=/dev/zero", "of=\(disk.path)/filler", "bs=512", "status=none"])
    }

    @Test(.enabled(if: SmallDisk.isPossible, "no tmpfs can be mounted"))
    func `an entry that found no room is in the spool once when there is some`() throws {
        let disk = try #require(try SmallDisk(mebibytes: 1))
        let (path, limit) = (disk.path + "/spool", Int64(1 << 20))
        let frames = try (1...400 as ClosedRange<Int64>).map { try Sample.frame(.trade, $0...$0) }
        var number = 0
        do {
            var intake = Intake(try Spool(directory: path, maximumBytes: limit))
            func accept(_ number: Int, _ intake: inout Intake) throws {
                let frame = frames[number]
                intake.accept(try FrameView(frame.span.bytes))
            }
            // The first entry makes the file.
            try accept(0, &intake)
            try intake.closeBatch()
            try Self.fill(disk)
            var place = intake.next
            // What is left of the last page of the file still has room.
            while !intake.hasOpenBatch, number < frames.count - 1 {
                number += 1
                place = intake.next
                try accept(number, &intake)
                try? intake.closeBatch()
            }
            let isFull = intake.hasOpenBatch
            try #require(isFull, "the disk did not become full")
            let next = RecordPosition(entry: intake.spool.next).linear
            let expected = place.linear
            #expect(next == expected, "what is in memory only is where it will be")
            #expect(throws: SpoolError.self) { try intake.closeBatch() }
            try FileManager.default.removeItem(atPath: disk.path + "/filler")
            try intake.closeBatch()
        }
        var found: [[UInt8]] = []
        var spool = try Spool(directory: path, maximumBytes: limit)
        try spool.replay().forEach { _, entry in
            found.append(entry.withUnsafeBytes { Array($0) })
        }
        #expect(found == Array(frames[0...number]))
    }

    @Test func `one sync covers all that came within the interval, at any rate`() throws {
        let place = try TemporaryDirectory()
        let second: Int64 = 1_000_000_000
        let frame = try Sample.frame(.trade, 1...1)
        for rate in [5, 40, 1000] as [Int64] {
            var intake = Intake(
                try Spool(directory: place.path("\(rate)"), maximumBytes: 1 << 30))
            var (syncs, longest, oldest) = (0, Int64(0), Int64?.none)
            for step in 0..<(10 * rate) {
                let now = 100 * second + step * second / rate
                intake.accept(try FrameView(frame.span.bytes))
                try intake.closeBatch()
                oldest = oldest ?? now
                let wait = intake.millisecondsUntilSync(now: now, interval: second)
                if try intake.sync(now: now, interval: second) {
                    #expect(wait == 0)
                    syncs += 1
                    longest = max(longest, now - (oldest ?? now))
                    oldest = nil
                } else {
                    #expect(wait > 0)
                }
            }
            #expect((9...10).contains(syncs), "\(rate) records/s: \(syncs) syncs in 10 s")
            #expect(longest <= second, "\(rate) records/s: one waited \(longest) ns")
        }
    }
}
