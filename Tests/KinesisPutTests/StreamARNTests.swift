import AWS
import Foundation
import Identity
import Records
import Spool
import TestSupport
import Testing

@testable import kinesis_put

/// Streams by ARN: which account, which region, and which spool.
struct StreamARNTests {
    private static func arn(_ account: String, region: String = "us-east-1") -> String {
        "arn:aws:kinesis:\(region):\(account):stream/market"
    }

    private static let one = arn("111111111111")
    private static let two = arn("222222222222")

    @Test func `two streams of one name in two accounts are two streams`() throws {
        let sink = try Sink(streams: ["market": 1])
        let input = try (1...10 as ClosedRange<Int64>).flatMap { id in
            try Trades.frame("BTCUSDT", id) + Trades.frame("BTCUSDT", id, kind: .bestBidAsk)
        }
        let outcome = try sink.put(
            input, ["--streams", "trade=\(Self.one),bestBidAsk=\(Self.two)"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let calls = sink.server.calls("PutRecords")
        let kinds = Set(
            try calls.flatMap { call in
                try call.entries.map { entry in
                    let frame = try FrameView(entry.data.span.bytes)
                    return "\(call.streamARN) \(frame.template)"
                }
            })
        #expect(kinds == ["\(Self.one) 1", "\(Self.two) 4"])
        let spools = try FileManager.default.contentsOfDirectory(
            atPath: sink.place.path("state/spool"))
        #expect(
            spools.filter { $0.contains("market") && $0.hasPrefix("arn") }.count == 2, "\(spools)")
    }

    // MARK: - Regions

    @Test(
        arguments: [
            (nil, "us-east-1"), ("us-east-1", "us-east-1"), ("eu-west-1", nil),
        ] as [(String?, String?)])
    func `an ARN's region is used where none is set, and is not contradicted`(
        _ set: String?, _ signed: String?
    ) throws {
        let sink = try Sink(streams: ["market": 1])
        var environment = Sink.credentials
        environment["AWS_REGION"] = set ?? ""
        environment["AWS_CONFIG_FILE"] = "/nonexistent"
        environment["AWS_SHARED_CREDENTIALS_FILE"] = "/nonexistent"
        let outcome = try sink.put(
            try Trades.frame("BTCUSDT", 1), ["--streams", "*=\(Self.one)"],
            environment: environment)
        guard let signed else {
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.errors.contains("contradicts the region eu-west-1"))
            #expect(sink.server.calls("PutRecords").isEmpty)
            return
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
        let header = sink.server.calls("PutRecords").first?.headers["authorization"]
        #expect(header?.contains("/\(signed)/kinesis/") == true, "\(header ?? "")")
    }

    @Test(
        arguments: [
            (
                [
                    "arn:aws:kinesis:eu-west-1:111111111111:stream/a",
                    "arn:aws:kinesis:eu-west-2:111111111111:stream/b",
                ], nil, "contradicts"
            ),
            (["arn:aws:kinesis:cn-north-1:111111111111:stream/a"], nil, "of the partition aws,"),
            (["arn:aws-cn:kinesis:eu-west-1:111111111111:stream/a"], "eu-west-1", "aws-cn"),
            (["arn:aws-cn:kinesis:cn-north-1:111111111111:stream/a"], nil, nil),
            (["plain", "arn:aws:kinesis:eu-west-1:111111111111:stream/a"], "eu-west-1", nil),
        ] as [([String], String?, String?)])
    func `contradictions between ARNs, regions and partitions are configuration errors`(
        _ streams: [String], _ given: String?, _ words: String?
    ) throws {
        let streams = try streams.map { try StreamReference($0).unwrapped }
        do throws(AWSError) {
            let region = try StreamReference.region(of: streams, given: given)
            #expect(words == nil)
            #expect(region == streams.last?.place?.region)
        } catch {
            #expect(error.category == .configuration)
            #expect(words.map { error.description.contains($0) } == true, "\(error)")
        }
    }

    // MARK: - States of earlier versions

    /// A spool as it was named before: by the stream's name alone.
    private func leave(_ frames: [[UInt8]], in sink: Sink) throws {
        var spool = try Spool(directory: sink.place.path("state/spool/market"))
        for frame in frames { try spool.append(frame.span.bytes) }
        try spool.sync()
    }

    @Test func `what an earlier version spooled under a name goes to the stream of the ARN`()
        throws
    {
        let sink = try Sink(streams: ["market": 1])
        try leave(try (1...5).map { try Trades.frame("BTCUSDT", $0) }, in: sink)
        let outcome = try sink.put(
            try Trades.frames(6...9, symbols: ["BTCUSDT"]), ["--streams", "trade=\(Self.one)"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        try Trades.check(sink.server.accepted, ids: 1...9, symbols: ["BTCUSDT"])
        #expect(sink.server.calls("PutRecords").allSatisfy { $0.streamARN == Self.one })
        #expect(!FileManager.default.fileExists(atPath: sink.place.path("state/spool/market")))
    }

    @Test func `a spool that two streams of one name shared is sorted by kind`() throws {
        let sink = try Sink(streams: ["market": 1])
        let frames = try (1...5 as ClosedRange<Int64>).flatMap { id in
            [
                try Trades.frame("BTCUSDT", id),
                try Trades.frame("BTCUSDT", id, kind: .bestBidAsk),
            ]
        }
        try leave(frames, in: sink)
        let outcome = try sink.put(
            [], ["--streams", "trade=\(Self.one),bestBidAsk=\(Self.two)"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        var counts: [String: Int] = [:]
        for call in sink.server.calls("PutRecords") {
            for entry in call.entries {
                let frame = try FrameView(entry.data.span.bytes)
                counts["\(call.streamARN) \(frame.template)", default: 0] += 1
            }
        }
        #expect(counts == ["\(Self.one) 1": 5, "\(Self.two) 4": 5])
    }
}
