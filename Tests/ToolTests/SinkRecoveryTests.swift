import Foundation
import TestSupport
import Testing

/// s3-put after it was killed, or stopped while it could not deliver: what it had read is delivered
/// by the next run.
struct SinkRecoveryTests {
    /// Best prices as frames; the event of each is so many ms after 2024-01-01.
    private static func quotes(_ events: [(id: Int, after: Int64)]) throws -> [UInt8] {
        let lines = events.map { event in
            let time = 1_704_067_200_000 + event.after
            return """
                {"kind":"bestBidAsk","symbol":"BTCUSDT","event_ts":\(time),"ingest_ts":\(time),\
                "bid_px":1.5,"bid_sz":2.5,"ask_px":1.75,"ask_sz":3.5,"source":"sbe",\
                "update_id":\(event.id),"price_exponent":-2,"qty_exponent":-1,\
                "event_time_us":\(time)000,"ingest_time_ns":"\(time)000000","venue":1,"flags":0}
                """
        }
        let outcome = try Program.run(
            "recq", ["pack"], input: Array((lines.joined(separator: "\n") + "\n").utf8))
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }

    /// Ids of the NDJSON objects below a directory, in no order.
    private static func ids(below directory: String) throws -> [Int] {
        let files = FileManager.default.enumerator(atPath: directory)
        var ids: [Int] = []
        while let name = files?.nextObject() as? String {
            guard name.hasSuffix(".ndjson"), !name.hasPrefix(".") else { continue }
            let text = try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
            for line in text.split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                try ids.append(#require((object as? [String: Any])?["update_id"] as? Int))
            }
        }
        return ids
    }

    private func arguments(_ place: TemporaryDirectory, _ more: [String] = []) -> [String] {
        [
            "--to", "file://" + place.path("data"), "--state-dir", place.path("state"), "--format",
            "ndjson", "--compression", "none",
        ] + more
    }

    /// Runs it once more over nothing, and gives what is delivered in the end.
    private func deliverRest(_ place: TemporaryDirectory) throws -> [Int] {
        let outcome = try Program.run("s3-put", arguments(place))
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try Self.ids(below: place.path("data")).sorted()
    }

    @Test func `finished objects of an earlier run do not take the rest of its spool with them`()
        throws
    {
        let place = try TemporaryDirectory()
        // A file where a directory of an object has to be.
        try FileManager.default.createDirectory(
            atPath: place.path("data"), withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: place.path("data/exchange=binance")))
        let records = try Self.quotes((1...25_000).map { ($0, Int64($0)) })
        let refused = try Program.run(
            "s3-put", arguments(place, ["--object-bytes", "1000000"]), input: records)
        #expect(refused.status == 74)
        try FileManager.default.removeItem(atPath: place.path("data/exchange=binance"))
        // It stopped before the end of its input; all that it had read is in its spool.
        let read = try Self.bytesWaiting(place.path("state/spool")) / (records.count / 25_000)
        try #require(read > 10_000)
        #expect(try deliverRest(place) == Array(1...read))
    }

    /// Bytes of the entries in a spool, without their headers (docs/journal.md).
    private static func bytesWaiting(_ directory: String) throws -> Int {
        var total = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            guard name.hasSuffix(".spool") else { continue }
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)"))
            var offset = 64
            while offset + 16 <= bytes.count {
                let length = bytes[(offset + 4)..<(offset + 8)].reversed().reduce(0) {
                    $0 << 8 + Int($1)
                }
                total += length
                offset += 16 + length
            }
        }
        return total
    }

    @Test func `what is in the spool when it is killed is delivered by the next run`() throws {
        let place = try TemporaryDirectory()
        let program = try LiveProgram("s3-put", arguments(place))
        let records = try Self.quotes((1...300).map { ($0, Int64($0)) })
        // One at a time, so that they come in many batches.
        let length = records.count / 300
        for start in stride(from: 0, to: records.count, by: length) {
            program.write(Array(records[start..<(start + length)]))
        }
        var kept = 0
        #expect(
            waitUntil {
                kept = ((try? Self.bytesWaiting(place.path("state/spool"))) ?? 0) / length
                return kept > 200
            })
        program.signalled(SIGKILL)
        #expect(program.wait() == 137)
        let delivered = try deliverRest(place)
        #expect(delivered == Array(1...max(1, delivered.count)))
        #expect(delivered.count >= kept)
    }

    @Test func `an hour that comes back does not hold the ids of the hour between`() throws {
        let place = try TemporaryDirectory()
        let program = try LiveProgram("s3-put", arguments(place, ["--object-bytes", "20000"]))
        let hour: Int64 = 3_600_000
        let events =
            (1...10).map { ($0, Int64(0)) } + (11...20).map { ($0, hour) }
            + (21...300).map { ($0, Int64(0)) }
        program.write(try Self.quotes(events))
        // The object of the first hour is full and delivered; the other is open.
        #expect(try waitUntil { try Self.ids(below: place.path("data")).contains(100) })
        #expect(
            try waitUntil {
                try Program.run("ledgerctl", ["show", place.path("state")]).text.contains("BTC")
            })
        program.signalled(SIGKILL)
        #expect(program.wait() == 137)
        #expect(try deliverRest(place) == Array(1...300))
    }

    @Test(arguments: [false, true])
    func `a signal ends the wait for a service that is away`(isRecovering: Bool) throws {
        let place = try TemporaryDirectory()
        let away = [
            "--to", "s3://bucket/x", "--endpoint-url", "http://127.0.0.1:1", "--state-dir",
            place.path("state"), "--drain-timeout", "0.3", "--stats-dir", place.path("stats"),
        ]
        let environment = [
            "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "eu-west-1",
        ]
        let records = try Self.quotes((1...100).map { ($0, Int64($0)) })
        for run in 0...(isRecovering ? 1 : 0) {
            let program = try LiveProgram("s3-put", away, environment: environment)
            if run == 0 { program.write(records) }
            program.closeInput()
            func has(_ directory: String, _ suffix: String) -> Bool {
                let names = try? FileManager.default.contentsOfDirectory(
                    atPath: place.path(directory))
                return names?.contains { $0.hasSuffix(suffix) } == true
            }
            #expect(waitUntil { has("state/staging", ".manifest") && has("stats", ".stats") })
            program.signalled(SIGTERM)
            #expect(program.wait() == 75)
            try FileManager.default.removeItem(atPath: place.path("stats"))
        }
    }

    @Test func `the end after a fatal error is an exit status, while its threads are at work`()
        throws
    {
        let records = try Self.quotes((1...2000).map { ($0, Int64($0)) })
        // No credentials are to be had: the delivery fails on its thread, while the main one ends.
        let environment = [
            "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent",
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "",
        ]
        for run in 1...30 {
            let place = try TemporaryDirectory()
            let outcome = try Program.run(
                "s3-put",
                [
                    "--to", "s3://bucket/x", "--endpoint-url", "http://127.0.0.1:1", "--state-dir",
                    place.path("state"), "--object-bytes", "10000", "--drain-timeout", "0.1",
                ], input: records, environment: environment)
            #expect(outcome.status == 78, "run \(run): \(outcome.errors)")
        }
    }

    @Test(arguments: ["s3-put", "kinesis-put"])
    func `a state is of one destination, and says so to another`(name: String) throws {
        let place = try TemporaryDirectory()
        let state = ["--state-dir", place.path("state")]
        let environment = [
            "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "eu-west-1",
        ]
        func run(_ destination: [String]) throws -> Program.Outcome {
            try Program.run(name, state + destination, environment: environment)
        }
        let (one, other) =
            name == "s3-put"
            ? (["--to", "file://" + place.path("a")], ["--to", "file://" + place.path("b")])
            : (["--region", "eu-west-1"], ["--region", "eu-central-1"])
        #expect(try run(one).status == 0)
        #expect(try run(one).status == 0)
        let refused = try run(other)
        #expect(refused.status == 78)
        #expect(refused.errors.contains("use another --state-dir"), "\(refused.errors)")
    }

    @Test func `another stream of a kind goes on where the one before was left, and that is told`()
        throws
    {
        let place = try TemporaryDirectory()
        for (name, isTold) in [("a", false), ("a", false), ("b", true), ("b", false)] {
            let outcome = try Program.run(
                "kinesis-put",
                ["--state-dir", place.path("state"), "--streams", "trade=\(name)"],
                environment: [
                    "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "x-y-1",
                ])
            #expect(outcome.status == 0)
            #expect(outcome.errors.contains("the state of trade a, not of b") == isTold)
        }
    }

    @Test func `a small spool still takes what comes`() throws {
        let place = try TemporaryDirectory()
        let records = try Self.quotes((1...2000).map { ($0, Int64($0)) })
        let outcome = try Program.run(
            "s3-put", arguments(place, ["--spool-max", "1MiB"]), input: records)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try Self.ids(below: place.path("data")).count == 2000)
    }
}
