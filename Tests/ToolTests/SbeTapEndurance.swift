import Foundation
import TestSupport
import Testing

/// sbe-tap when servers, readers and disks fail in ways that must not end it.
struct SbeTapEndurance {
    @Test func `a server that closes without reading our answer is connected to again`() throws {
        guard let venue = try ScriptedVenue("goodbye_with_unread_pong") else { return }
        let tap = try LiveTap(streams: venue.streams, ["--streams", "trade"])
        #expect(tap.says("\"connected\"", times: 4), "\(tap.log)")
        #expect(waitUntil { tap.output.count >= 8 * 102 })
        #expect(tap.stop() == 0, "\(tap.log)")
        #expect(LiveRecords.trades(try LiveRecords.lines(tap.output)) == Array(1...8))
        withExtendedLifetime(venue) {}
    }

    @Test(arguments: [401, 403, 404])
    func `a refusal after good service is waited out`(status: Int) throws {
        guard let venue = try ScriptedVenue("refusal_after_service", ["\(status)"]) else { return }
        let tap = try LiveTap(streams: venue.streams, ["--streams", "trade"])
        #expect(tap.says("connection refused"), "\(tap.log)")
        #expect(tap.log.contains("HTTP \(status)"))
        #expect(tap.stop() == 0, "\(tap.log)")
        #expect(try LiveRecords.lines(tap.output).count == 100)
        withExtendedLifetime(venue) {}
    }

    @Test func `a rotation waits until the old connection was read to its end`() throws {
        let gate = try Gate()
        let simulator = try Simulator(["--start", "now", "--rate", "6000"])
        let tap = try LiveTap(
            simulator,
            [
                "--streams", "trade", "--buffer-bytes", "64k", "--max-connection-age", "2s",
                "--rotation-overlap", "200ms",
            ], throttle: gate.reader)
        #expect(tap.says("the network is not read"), "\(tap.log)")
        let mark = tap.log.components(separatedBy: "\"connected\"").count - 1
        #expect(tap.says("\"connected\"", times: mark + 1), "\(tap.log)")
        let replaced = tap.log.components(separatedBy: "connection replaced").count - 1
        // Longer than both may run beside each other.
        #expect(!tap.says("connection replaced", times: replaced + 1, 1), "\(tap.log)")
        try gate.open()
        #expect(tap.says("connection replaced", times: replaced + 1), "\(tap.log)")
        let size = tap.output.count
        #expect(waitUntil { tap.output.count > size + 500_000 })
        #expect(tap.stop() == 0, "\(tap.log)")
        let lines = try LiveRecords.lines(tap.output)
        LiveRecords.expectCovered(lines)
        #expect(!lines.contains { $0.kind == "gap" })
    }
}
