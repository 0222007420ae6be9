import Foundation
import Identity
import Posix
import Records
import TestSupport
import Testing

/// s3-put after it was killed: what it had read is stored, and stored once, whatever its kind.
struct KillTests {
    /// Raw messages, klines that are not closed, and messages of an unknown template: no ledger can
    /// tell these by ids.
    private func records(_ count: Int64) throws -> [[UInt8]] {
        try (1...count).map { number in
            switch number % 3 {
            case 0: return try Sample.frame(.raw, number...number)
            case 1:
                let time = Sample.start + number
                return try Sample.frame(
                    .kline, Sample.start...Sample.start, at: time, series: 1, isClosed: false)
            default:
                var frame = try Sample.frame(.trade, number...number)
                frame[Frame.headerLength + 2] = 77
                return frame
            }
        }
    }

    @Test func `records without ids of their own are stored once after a kill`() throws {
        var run = try S3PutRun()
        // Small objects, so that some are delivered while others are open.
        run.options = ["--object-bytes", "4096", "--object-idle", "3600"]
        let records = try records(3000)
        let program = try LiveProgram("s3-put", run.arguments)
        for record in records { program.write(record) }
        // Delivered and booked, and the spool of one segment is still there.
        #expect(waitUntil { run.keys.count > 20 && program.unread == 0 }, "\(program.errors)")
        #expect(
            waitUntil {
                run.names("staging").filter { $0.hasSuffix(".manifest") }.isEmpty
            })
        program.signalled(SIGKILL)
        _ = program.wait()
        let outcome = try run.put([])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let counts = try run.count(of: records)
        #expect(counts.allSatisfy { $0 == 1 }, "\(counts.enumerated().filter { $0.element != 1 })")
    }

    @Test func `a stop during recovery is heard, and the rest stays for the next run`() throws {
        var run = try S3PutRun()
        run.options = ["--object-idle", "3600"]
        let program = try LiveProgram("s3-put", run.arguments)
        program.write(try Sample.trades(1...20_000))
        #expect(waitUntil { program.unread == 0 }, "\(program.unread) unread: \(program.errors)")
        program.signalled(SIGKILL)
        _ = program.wait()
        let again = try LiveProgram("s3-put", run.arguments)
        #expect(waitUntil { again.errors.contains("replaying them") }, "\(again.errors)")
        again.signalled(SIGTERM)
        let status = again.wait()
        #expect(status == 0 || status == 75, "\(again.errors)")
        let last = try run.put([])
        #expect(last.status == 0, "\(last.errors)")
        let stored = try run.content().count / Sample.frame(.trade, 1...1).count
        #expect(stored > 10_000)
        #expect(try run.content() == Sample.trades(1...Int64(stored)))
    }
}
