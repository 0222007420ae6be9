import Foundation
import TestSupport
import Testing

/// What is found out before a byte is read.
struct StartTests {
    private static func refuse(_ code: String) -> KinesisServer.Fault { .refusal(code) }

    @Test(
        arguments: [
            ("ResourceNotFoundException", 78, "does not"), ("UnrecognizedClientException", 77, ""),
            ("InvalidSignatureException", 77, ""),
        ] as [(String, Int32, String)])
    func `what makes every delivery impossible ends the run with nothing read`(
        _ code: String, _ status: Int32, _ words: String
    ) throws {
        let sink = try Sink()
        sink.server.script { _ in .refusal(code) }
        let input = try Trades.frames(1...10)
        let outcome = try sink.put(input)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(!outcome.errors.contains("records stay"), "\(outcome.errors)")
        #expect(sink.server.calls("PutRecords").isEmpty)
        sink.server.script { _ in nil }
        let next = try sink.put(input)
        #expect(next.status == 0, "\(next.errors)")
        try Trades.check(sink.server.accepted, ids: 1...10)
    }

    @Test func `a stream that somebody named has to be there, others may be missing`() throws {
        let sink = try Sink()
        let server = sink.server
        server.script { server.has($0.stream) ? nil : .refusal("ResourceNotFoundException") }
        let named = try sink.put([], ["--streams", "bestBidAsk=typo"])
        #expect(named.status == 78 && named.errors.contains(": typo"), "\(named.errors)")
        let usual = try sink.put(try Trades.frames(1...3))
        #expect(usual.status == 0, "\(usual.errors)")
        #expect(usual.errors.contains("hold their records on disk"), "\(usual.errors)")
        #expect(usual.errors.contains("market-sbe-bestbidask"), "\(usual.errors)")
    }

    @Test func `a service that is away holds up the start for a moment only`() throws {
        let sink = try Sink()
        sink.server.setDown(true)
        let program = try sink.start(["--circuit-cooldown", "0.1"])
        #expect(waitUntil { program.errors.contains("reading starts anyway") }, "\(program.errors)")
        program.write(try Trades.frames(1...5))
        sink.server.setDown(false)
        #expect(waitUntil { sink.server.acceptedCount == 15 }, "\(program.errors)")
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
    }

    @Test func `--check asks, answers with its status, and leaves the state alone`() throws {
        let sink = try Sink()
        let good = try sink.put(try Trades.frames(1...3), ["--check"])
        #expect(good.status == 0 && good.errors.contains("Kinesis answers"), "\(good.errors)")
        #expect(sink.server.acceptedCount == 0)
        #expect(!FileManager.default.fileExists(atPath: sink.place.path("state")))
        sink.server.script { _ in .refusal("UnrecognizedClientException") }
        #expect(try sink.put([], ["--check"]).status == 77)
        sink.server.script { _ in .refusal("ResourceNotFoundException") }
        #expect(try sink.put([], ["--check"]).status == 78)
        // A page of whoever stands before the service is not an answer of it.
        sink.server.script { _ in .garbage("<!doctype html><p>Sign in</p>") }
        let page = try sink.put([], ["--check"])
        #expect(page.status == 76, "\(page.status) \(page.errors)")
        sink.server.setDown(true)
        #expect(try sink.put([], ["--check"]).status == 75)
    }

    @Test func `a name in another account is another stream, and the state is not for it`() throws {
        let sink = try Sink()
        @Sendable func describe(_ account: String) -> KinesisServer.Fault {
            .garbage(
                """
                {"StreamDescriptionSummary":{"StreamStatus":"ACTIVE","StreamARN":
                "arn:aws:kinesis:us-east-1:\(account):stream/market-sbe-trade"}}
                """)
        }
        for (account, status) in [("111111111111", 0), ("111111111111", 0), ("222222222222", 78)] {
            sink.server.script {
                $0.operation == "DescribeStreamSummary" ? describe(account) : nil
            }
            let outcome = try sink.put(try Trades.frames(1...1))
            #expect(outcome.status == Int32(status), "\(outcome.errors)")
            #expect(outcome.errors.contains("account 111111111111") == (status == 78))
        }
    }

    @Test(arguments: [nil, 2048] as [Int?])
    func `records over a MiB go only where the stream takes them`(_ kibibytes: Int?) throws {
        let sink = try Sink(streams: ["market-sbe-trade": 3, "market-sbe-gap": 1])
        sink.server.script { call in
            guard call.operation == "DescribeStreamSummary" else { return nil }
            let limit = kibibytes.map { ",\"MaxRecordSizeInKiB\":\($0)" } ?? ""
            return .garbage(
                "{\"StreamDescriptionSummary\":{\"StreamStatus\":\"ACTIVE\"\(limit)}}")
        }
        // The longest frame; with its key it is over a MiB.
        var frame = try Trades.frame("BTCUSDT", 1)
        let length = 1 << 20
        frame += [UInt8](repeating: 0, count: length - frame.count)
        frame.replaceSubrange(0..<4, with: (0..<4).map { UInt8(length >> (24 - 8 * $0) & 0xFF) })
        let outcome = try sink.put(
            frame + Trades.frame("BTCUSDT", 2),
            ["--record-bytes", "10MiB", "--aggregate", "--aggregate-bytes", "1MiB"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let longest = sink.server.accepted.map { $0.data.count + $0.key.utf8.count }.max() ?? 0
        #expect(kibibytes == nil ? longest <= 1 << 20 : longest > 1 << 20, "\(longest)")
        #expect(outcome.errors.contains("\"quarantined\":1") == (kibibytes == nil))
    }

    @Test func `a run that gives up says that it was throttled`() throws {
        let sink = try Sink()
        sink.server.script { call in
            call.operation == "PutRecords"
                ? .refusal("ProvisionedThroughputExceededException") : nil
        }
        let outcome = try sink.put(try Trades.frames(1...3), ["--give-up-after", "0.5"])
        #expect(outcome.status == 75, "\(outcome.errors)")
        #expect(outcome.errors.contains("the stream is throttled"), "\(outcome.errors)")
    }
}
