import AWS
import Configuration
import Posix
import Records
import Sink
@testable import Stage
import StageAWS
import Stats
import TestSupport
import Testing

@testable import kinesis_put

/// A stream's spool and window, without a service.
struct StreamQueueTests {
    private static func options(_ state: String) throws -> KinesisOptions {
        var settings = try Settings(path: nil, environment: [:])
        let location = try ServiceLocation(
            "kinesis", environment: AWS.Environment { _ in nil }, region: "us-east-1",
            endpoint: "http://127.0.0.1:1")
        return KinesisOptions(
            streams: try StreamNames(standard: [:], []), createsStreams: false, shards: 1,
            format: .sbe, isCompressed: false, keys: .symbol, rules: SendRules(order: .relaxed),
            batchBytes: 1 << 20, recordBytes: 1 << 20, aggregateBytes: 1 << 20, breakerFailures: 5,
            breakerPause: 1, shardRefresh: 60, state: state, spoolMax: 1 << 30,
            windowBytes: 1 << 20, sync: .interval, syncInterval: 1_000_000_000, drainTimeout: 1,
            giveUpAfter: 1,
            idLimits: IDLimits(widest: 1 << 20, farthest: 1 << 40), newEpochs: [],
            kinesis: KinesisConfiguration(location),
            credentials: try ConfiguredCredentials(region: "us-east-1", &settings))
    }

    private static func queue(
        _ options: KinesisOptions, _ place: TemporaryDirectory
    ) throws -> StreamQueue {
        let stats = try StatsWriter(
            directory: place.path("stats"), stage: "kinesis-put", instance: "1")
        return try StreamQueue(
            try StreamReference("s").unwrapped, options,
            counters: StreamCounters(stats, stream: "s"))
    }

    private static func confirmations(_ place: TemporaryDirectory) throws -> ConfirmationLog {
        let log = Log(stage: "test")
        return ConfirmationLog(
            try StateDirectory(place.path("state"), stage: "kinesis-put", claims: [], log: log),
            HeldIDs(IDLimits(widest: 1 << 20, farthest: 1 << 40)), log: log)
    }

    @Test func `what is on disk only stays unsynced when all in memory is delivered`() throws {
        let place = try TemporaryDirectory()
        let options = try Self.options(place.path)
        let queue = try Self.queue(options, place)
        let confirmations = try Self.confirmations(place)
        // The first batch fills the window; the second one goes to disk only.
        for id in 1...2 as ClosedRange<Int64> {
            let bytes = try Trades.frame("BTCUSDT", id)
            queue.append(try FrameView(bytes.span.bytes), epoch: 1, window: 1, now: 1)
            try queue.closeBatch()
        }
        let call = queue.scheduler.fill(queue.scheduler.shardQueues[0], now: 1) { _, _ in
            .added
        } left: { _, _ in
        }
        _ = queue.complete(
            try call.unwrapped, .answered(failed: [:]), confirmations, now: 1)
        try queue.releaseSpool(confirmations)
        #expect(queue.waiting == 1 && queue.isUnsynced)
        #expect(try queue.sync(now: .max, interval: 0))
        #expect(!queue.isUnsynced)
    }

    /// Sends so many of the records that wait, and tells that they were stored.
    private static func deliver(
        _ count: Int, of queue: StreamQueue, _ confirmations: ConfirmationLog
    ) throws {
        var left = count
        let call = try queue.fill(queue.scheduler.shardQueues[0], confirmations, now: 1) { _, _ in
            left -= 1
            return left >= 0 ? .added : .full
        }
        _ = queue.complete(try call.unwrapped, .answered(failed: [:]), confirmations, now: 1)
    }

    @Test func `records of a batch that has no room on disk yet may leave it`() throws {
        let place = try TemporaryDirectory()
        let queue = try Self.queue(try Self.options(place.path), place)
        let confirmations = try Self.confirmations(place)
        for id in 1...5 as ClosedRange<Int64> {
            let bytes = try Trades.frame("BTCUSDT", id)
            queue.append(try FrameView(bytes.span.bytes), epoch: 1, window: 1 << 20, now: 1)
            if id == 2 { try Self.deliver(1, of: queue, confirmations) }
            if id == 4 { try Self.deliver(2, of: queue, confirmations) }
        }
        #expect(queue.hasOpenBatch && queue.waiting == 2)
        try queue.closeBatch()
        try Self.deliver(2, of: queue, confirmations)
        try queue.releaseSpool(confirmations)
        #expect(queue.isEmpty && !queue.isUnsynced)
    }

    @Test func `what comes before a record that a person has to decide upon is delivered`() throws {
        let place = try TemporaryDirectory()
        let options = try Self.options(place.path)
        do {
            let queue = try Self.queue(options, place)
            for id in [1, 2, 3, 1] as [Int64] {
                let bytes = try Trades.frame(
                    "BTCUSDT", id, daysLater: queue.waiting == 3 ? 30 : 0)
                queue.append(try FrameView(bytes.span.bytes), epoch: 1, window: 0, now: 1)
            }
            try queue.closeBatch()
        }
        let queue = try Self.queue(options, place)
        let confirmations = try Self.confirmations(place)
        #expect(throws: StreamQueue.Undecided.self) {
            try queue.load(confirmations, window: 1 << 20, now: 1)
        }
        try Self.deliver(1, of: queue, confirmations)
        try Self.deliver(2, of: queue, confirmations)
        try queue.releaseSpool(confirmations)
        #expect(!queue.isEmpty, "its entry stays in the spool, for the record")
    }

    @Test func `leftovers that are held already are passed over in turns`() throws {
        let place = try TemporaryDirectory()
        let options = try Self.options(place.path)
        let frame = try Trades.frame("BTCUSDT", 1)
        let (batches, perBatch) = (20, (1 << 20) / frame.count)
        do {
            let queue = try Self.queue(options, place)
            for _ in 0..<batches {
                for _ in 0..<perBatch {
                    queue.append(try FrameView(frame.span.bytes), epoch: 1, window: 0, now: 1)
                }
                try queue.closeBatch()
            }
        }
        let queue = try Self.queue(options, place)
        let confirmations = try Self.confirmations(place)
        _ = try confirmations.accept(try FrameView(frame.span.bytes), group: 0, now: 0)
        var turns = 0
        while queue.mayLoad(window: 1 << 20), turns < 100 {
            turns += 1
            let before = confirmations.tally.recovered
            try queue.load(confirmations, window: 1 << 20, now: 1)
            // The caller looks at signals and tells that it lives after this much.
            #expect(confirmations.tally.recovered - before <= Int64(8 * perBatch))
        }
        #expect(turns > 1 && queue.isEmpty)
        #expect(confirmations.tally.recovered == Int64(batches * perBatch))
        try queue.releaseSpool(confirmations)
        #expect(queue.waiting == 0)
    }
}
