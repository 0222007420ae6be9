import Identity
import Posix
import Records
import Sink
import Spool
import TestSupport
import Testing

/// What a sink takes in: places of records stay what they were.
struct IntakeTests {
    @Test func `records in memory keep their places while everything else is deleted`() throws {
        let place = try TemporaryDirectory()
        let bytes = try Sample.frame(.raw, 1...1)
        let second: RecordPosition
        do {
            var intake = Intake(try Spool(directory: place.path("spool")))
            intake.accept(try FrameView(bytes.span.bytes))
            try intake.closeBatch()
            // As on a full disk: the batch stays open, and what was delivered goes.
            second = intake.next
            intake.accept(try FrameView(bytes.span.bytes))
            try intake.release(before: nil)
            try intake.closeBatch()
        }
        var spool = try Spool(directory: place.path("spool"))
        var found: [Spool.Position] = []
        try spool.replay().forEach { position, _ in found.append(position) }
        #expect(found.contains(second.entry))
    }
}
