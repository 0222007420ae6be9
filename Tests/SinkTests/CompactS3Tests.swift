import Foundation
import Identity
import Records
import TestSupport
import Testing

/// `ledgerctl compact` in a bucket of a server that checks signatures and conditions.
@Suite(.enabled(if: MiniStack.python != nil, "\(MiniStack.absence)"))
struct CompactS3Tests {
    @Test func `objects of two sinks in a bucket become one, each id once, and the old ones go`()
        throws
    {
        let server = try MiniStack()
        let place = try TemporaryDirectory()
        let url = "s3://bronze/data"
        // Two hosts never receive a record at the same time.
        for (host, ids, receivedLater) in [
            ("first", 1...130 as ClosedRange<Int64>, false), ("second", 60...200, true),
        ] {
            let records = try ids.flatMap { id in
                var frame = try Sample.frame(.trade, id...id, at: Sample.start + id * 1000)
                if receivedLater { frame[Frame.blockOffset + 8] |= 7 }
                return frame
            }
            let outcome = try Program.run(
                "s3-put", ["--to", url, "--state-dir", place.path(host)], input: records,
                environment: server.environment)
            try #require(outcome.status == 0, "\(outcome.errors)")
        }
        func ledgerctl(_ arguments: [String]) throws -> Program.Outcome {
            try Program.run("ledgerctl", arguments, environment: server.environment)
        }
        let verify = ["verify", url, "--symbol", "BTCUSDT", "--kind", "trade", "--read"]
        let before = try ledgerctl(verify)
        #expect(
            before.text.contains("whole, 200 held, 71 ids repeated between chains"),
            "\(before.text)\(before.errors)")
        let merged = try ledgerctl(["compact", url, "--delete-after", "0"])
        #expect(merged.status == 0, "\(merged.text)\(merged.errors)")
        #expect(
            merged.text.contains("200 records, 71 repeated and left out")
                && merged.text.contains("deleted 2 objects"), "\(merged.text)\(merged.errors)")
        let after = try ledgerctl(verify)
        #expect(
            after.status == 0 && after.text.contains("whole, 200 held\n"),
            "\(after.text)\(after.errors)")
        #expect(after.errors.contains("read 1 object"), "\(after.errors)")
        let again = try ledgerctl(["compact", url])
        #expect(again.text.contains("nothing to merge"), "\(again.text)\(again.errors)")
    }
}
