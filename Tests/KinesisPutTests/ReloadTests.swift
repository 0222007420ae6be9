import Foundation
import TestSupport
import Testing

/// kinesis-put as built: a new configuration while it runs.
struct ReloadTests {
    private func configure(_ sink: Sink, key: String, batch: Int, order: String = "relaxed") throws
    {
        try """
        aws:
          access_key_id: \(key)
          secret_access_key: secret
          kinesis_batch_size: \(batch)
        kinesis:
          order: \(order)

        """.write(toFile: sink.place.path("c.yaml"), atomically: true, encoding: .utf8)
    }

    private func sizes(_ calls: [KinesisServer.Call]) -> Int {
        calls.map(\.entries.count).max() ?? 0
    }

    private func key(_ call: KinesisServer.Call) -> String {
        let words = call.headers["authorization"]?.split(separator: "=").dropFirst().first ?? ""
        return words.split(separator: "/").first.map(String.init) ?? ""
    }

    @Test func `batches and credentials of a new configuration are in use, and nothing is lost`()
        throws
    {
        let sink = try Sink()
        try configure(sink, key: "AKIDFIRST", batch: 100)
        let program = try LiveProgram(
            "kinesis-put",
            [
                "--endpoint-url", sink.server.url, "--state-dir", sink.place.path("state"),
                "--format", "sbe", "--stats-dir", sink.place.path("stats"), "--no-aggregate",
                "--config", sink.place.path("c.yaml"),
            ], environment: ["AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"])
        program.write(try Trades.frames(1...500))
        #expect(waitUntil(30) { sink.server.answeredCount == 1500 }, "\(program.errors)")
        let before = sink.server.calls("PutRecords")
        #expect(sizes(before) > 7 && sizes(before) <= 100)
        #expect(Set(before.map(key)) == ["AKIDFIRST"])
        try configure(sink, key: "AKIDSECOND", batch: 7, order: "strict")
        program.signalled(SIGHUP)
        #expect(
            waitUntil(30) { program.errors.contains("aws.kinesis_batch_size: 100 is now 7") },
            "\(program.errors)")
        #expect(program.errors.contains("kinesis.order needs a restart"))
        #expect(!program.errors.contains("AKIDSECOND"), "\(program.errors)")
        var last: Int64 = 500
        // New credentials are asked for beside a request, so that one more goes out with the old ones.
        #expect(
            try waitUntil(30) {
                program.write(try Trades.frames((last + 1)...(last + 100)))
                last += 100
                return sink.server.calls("PutRecords").last.map(key) == "AKIDSECOND"
            }, "\(program.errors)")
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
        let after = sink.server.calls("PutRecords").dropFirst(before.count)
        #expect(sizes(Array(after)) <= 7)
        try Trades.check(sink.server.accepted, ids: 1...last)
    }
}
