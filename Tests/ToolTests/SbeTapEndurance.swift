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
}
