import AWS
import Posix
import Records
import Stage
import StageAWS
import Stats
import TestSupport
import Testing

@testable import kinesis_put

/// A stream's spool and window, without a service.
struct StreamChannelTests {
    private static func plan(_ state: String) throws -> KinesisPutPlan {
        var settings = try Settings(path: nil, environment: [:])
        let location = try ServiceLocation(
            "kinesis", environment: AWS.Environment { _ in nil }, region: "us-east-1",
            endpoint: "http://127.0.0.1:1")
        return KinesisPutPlan(
            streams: try StreamNames(standard: [:], []), createsStreams: false, shards: 1,
            format: .sbe, isCompressed: false, keys: .symbol, rules: LaneRules(order: .relaxed),
            batchBytes: 1 << 20, recordBytes: 1 << 20, aggregateBytes: 1 << 20, breakerFailures: 5,
            breakerPause: 1, shardRefresh: 60, state: state, spoolMax: 1 << 30,
            windowBytes: 1 << 20, sync: .interval, drainTimeout: 1, giveUpAfter: 1,
            kinesis: KinesisConfiguration(location),
            credentials: try ConfiguredCredentials(region: "us-east-1", &settings))
    }

    private static func channel(
        _ plan: KinesisPutPlan, _ place: TemporaryDirectory
    ) throws -> StreamChannel {
        let stats = try StatsWriter(
            directory: place.path("stats"), stage: "kinesis-put", instance: "1")
        return try StreamChannel(
            try StreamReference("s").unwrapped, plan,
            counters: StreamCounters(stats, stream: "s"))
    }

    @Test func `what is on disk only stays unsynced when all in memory is delivered`() throws {
        let place = try TemporaryDirectory()
        let plan = try Self.plan(place.path)
        let channel = try Self.channel(plan, place)
        // The first batch fills the window; the second one goes to disk only.
        for id in 1...2 as ClosedRange<Int64> {
            let bytes = try Trades.frame("BTCUSDT", id)
            channel.take(try FrameView(bytes.span.bytes), plan, window: 1, now: 1)
            try channel.closeBatch()
        }
        let call = channel.lanes.fill(channel.lanes.lanes[0], now: 1) { _, _ in
            .added
        } settled: { _, _, _ in
        }
        _ = channel.lanes.settle(try call.unwrapped, .answered(failed: [:]), now: 1) {
            _, batch, _ in channel.release(batch)
        }
        try channel.releaseSpool()
        #expect(channel.waiting == 1 && channel.isUnsynced)
        #expect(try channel.sync(now: .max, interval: 0))
        #expect(!channel.isUnsynced)
    }

    @Test func `leftovers that are held already are passed over in turns`() throws {
        let place = try TemporaryDirectory()
        let plan = try Self.plan(place.path)
        let frame = try Trades.frame("BTCUSDT", 1)
        let (batches, perBatch) = (20, (1 << 20) / frame.count)
        do {
            let channel = try Self.channel(plan, place)
            for _ in 0..<batches {
                for _ in 0..<perBatch {
                    channel.take(try FrameView(frame.span.bytes), plan, window: 0, now: 1)
                }
                try channel.closeBatch()
            }
        }
        let channel = try Self.channel(plan, place)
        var (turns, seen) = (0, 0)
        while channel.mayLoad(window: 1 << 20), turns < 100 {
            turns += 1
            let before = seen
            try channel.load(plan, window: 1 << 20, now: 1) { _ in
                seen += 1
                return false
            }
            // The caller looks at signals and tells that it lives after this much.
            #expect(seen - before <= 8 * perBatch)
        }
        #expect(turns > 1 && seen == batches * perBatch && channel.isEmpty)
        try channel.releaseSpool()
        #expect(channel.waiting == 0)
    }
}
