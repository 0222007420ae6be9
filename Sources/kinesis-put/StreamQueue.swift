import AWS
import Identity
import Journal
import Posix
import Records
import Spool
import Stage
import StageAWS
import Stats
import Transport

/// One stream: the spool of what goes there, and the part of it that is in memory, by shard.
///
/// A stream that is missing or slow holds up nothing but itself. Of its records only a window is
/// in memory; the rest stays in the spool and is read again when there is room.
final class StreamQueue {
    /// Reads of a MiB between two looks at signals, answers and the input.
    private static let readsInTurn = 4

    let stream: StreamReference
    let counters: StreamCounters
    var scheduler: SendScheduler
    var health: StreamHealth
    var discovery: ShardDiscovery
    /// Bytes of data for a byte of frame, smoothed; for guessing how long a container gets.
    private(set) var packing = 0.6

    private var spool: Spool
    private var references = SpoolReferences()
    /// Records of the read at hand.
    private var batch = Bytes(capacity: 64 << 10)
    /// The number of the batch at hand; nil while it goes to disk only.
    private var batchNumber: UInt32?
    /// Entries from here on are on disk only; nil when everything is in memory.
    private var tail: Spool.Position?
    /// Records on disk only.
    private var tailRecords = 0
    /// Entries before it were left by an earlier run.
    private let recoveredEnd: Spool.Position
    private var keys: [Route: PartitionKeyQueue] = [:]
    private var lastRoute: Route?
    private var lastKey: PartitionKeyQueue?
    private var isSynced = true
    private var syncedAt: Int64 = 0

    /// What decides the partition key of a record.
    private struct Route: Hashable {
        let sequence: SequenceID
        let subKey: Int64
    }

    init(
        _ stream: StreamReference, _ options: KinesisOptions, counters: StreamCounters
    ) throws {
        self.stream = stream
        self.counters = counters
        scheduler = SendScheduler(options.rules)
        health = StreamHealth(
            breaker: CircuitBreaker(
                failures: options.breakerFailures, coolDown: options.breakerPause))
        discovery = ShardDiscovery(
            createsStream: options.createsStreams && stream.place == nil,
            refresh: Int64(options.shardRefresh * 1e9), hold: options.rules.holdPause)
        let spool: Spool
        do throws(SpoolError) {
            spool = try Spool(
                directory: Self.directory(options.state, stream),
                segmentBytes: Int64(min(64 << 20, max(64 << 10, options.spoolMax / 16))),
                damaged: options.state + "/damaged")
        } catch { throw StageFailure(error) }
        recoveredEnd = spool.next
        if !spool.isEmpty { tail = spool.first }
        self.spool = spool
    }

    static func directory(_ state: String, _ stream: StreamReference) -> String {
        "\(state)/spool/\(stream.directoryName)"
    }

    /// Bytes of a torn entry that were cut off when the spool was opened.
    var tornBytes: Int64 { spool.tornBytes }
    /// Bytes of the spool that could not be read, found since the last call.
    func takeDamages() -> [Damage] { spool.takeDamages() }
    /// Bytes on disk.
    var spoolBytes: Int64 { spool.bytes }
    /// Records that are not confirmed; those left by an earlier run count once they are read.
    var waiting: Int { scheduler.waiting + tailRecords }
    /// True when nothing waits, in memory or on disk.
    var isEmpty: Bool { scheduler.waiting == 0 && tail == nil && batch.isEmpty }
    /// True when something waits on disk that an earlier run left.
    var hasLeftovers: Bool { tail.map { $0 < recoveredEnd } ?? false }
    /// When the oldest record that waits arrived here, ns since the epoch.
    var oldestIngestTime: Int64? { references.oldestIngestTime }

    // MARK: - In

    /// Adds a record to the batch at hand, and to memory if there is room.
    func append(
        _ frame: borrowing FrameView, _ options: KinesisOptions, window: Int, now: Int64
    ) {
        if batch.isEmpty {
            batchNumber =
                tail == nil && scheduler.bytesHeld < window
                ? references.open(at: spool.next, ingestTime: frame.ingestTime) : nil
        }
        batch.append(frame.bytes)
        guard let batchNumber else {
            tailRecords += 1
            return
        }
        enqueue(frame, options, batch: batchNumber, now: now)
    }

    private func enqueue(
        _ frame: borrowing FrameView, _ options: KinesisOptions, batch: UInt32, now: Int64
    ) {
        references.retain(batch)
        scheduler.append(frame.bytes, to: key(frame, options), batch: batch, now: now)
    }

    private func key(
        _ frame: borrowing FrameView, _ options: KinesisOptions
    ) -> PartitionKeyQueue {
        let route = Route(sequence: frame.sequence, subKey: options.keys.subKey(frame))
        if let lastKey, lastRoute == route { return lastKey }
        let key: PartitionKeyQueue
        if let known = keys[route] {
            key = known
        } else {
            key = scheduler.key(options.keys.name(frame))
            keys[route] = key
        }
        lastRoute = route
        lastKey = key
        return key
    }

    /// Hands the batch at hand to the spool, as one entry, so that the end of this process loses
    /// nothing of it.
    func closeBatch() throws(SpoolError) {
        guard !batch.isEmpty else { return }
        let position = try Self.append(batch, to: &spool)
        try spool.flush()
        batch.removeAll()
        isSynced = false
        if let batchNumber {
            references.close(batchNumber, at: position)
        } else if tail == nil {
            tail = position
        }
        batchNumber = nil
    }

    private static func append(
        _ batch: borrowing Bytes, to spool: inout Spool
    ) throws(SpoolError) -> Spool.Position {
        try spool.append(batch.span)
    }

    /// Reads records from the spool into memory while there is room, a few MiB at a time: of
    /// leftovers that are held already any number may have to be passed over.
    ///
    /// - Parameter isNew: asked about each record that an earlier run left: false when it is held
    ///   already.
    func load(
        _ options: KinesisOptions, window: Int, now: Int64,
        isNew: (borrowing FrameView) -> Bool
    ) throws {
        for _ in 0..<Self.readsInTurn where mayLoad(window: window) {
            guard let from = tail else { return }
            let end = try spool.read(from: from, atLeast: 1 << 20) { position, entry in
                let isLeftover = position < recoveredEnd
                var rest = entry
                var number: UInt32?
                while rest.byteCount > 0 {
                    let frame = try FrameView(firstIn: rest)
                    rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
                    if !isLeftover { tailRecords -= 1 }
                    if isLeftover, !isNew(frame) { continue }
                    let batch =
                        number ?? references.open(at: position, ingestTime: frame.ingestTime)
                    number = batch
                    enqueue(frame, options, batch: batch, now: now)
                }
                if let number { references.close(number, at: position) }
            }
            tail = end >= spool.next ? nil : end
        }
    }

    /// True when ``load(_:window:now:isNew:)`` has something to read.
    func mayLoad(window: Int) -> Bool { tail != nil && scheduler.bytesHeld < window / 2 }

    // MARK: - Out

    /// Notes how many bytes of data a byte of frame became in a container.
    func recordPacking(_ ratio: Double) { packing = packing * 0.9 + ratio * 0.1 }

    /// Notes how a call ended. Records that are done with are confirmed in the order of their keys.
    func complete(
        _ call: SendScheduler.Call, _ outcome: SendScheduler.Outcome,
        _ confirmations: ConfirmationLog, now: Int64
    ) -> SendScheduler.Effect {
        scheduler.complete(call, outcome, now: now) { frame, batch, isDelivered in
            references.release(batch)
            if isDelivered { confirmations.confirm(frame) }
        }
    }

    /// Notes that a record will not be sent.
    func discard(_ item: SendScheduler.Item, _ confirmations: ConfirmationLog) {
        scheduler.discard(item) { frame, batch, isDelivered in
            references.release(batch)
            if isDelivered { confirmations.confirm(frame) }
        }
    }

    /// Notes that a record waits no more.
    func release(_ batch: UInt32) { references.release(batch) }

    /// Ends the pauses of what waits for a person: perhaps one has helped.
    func hurry(now: Int64) {
        discovery.hurry(at: now)
        for queue in scheduler.shardQueues { queue.pausedUntil = min(queue.pausedUntil, now) }
        scheduler.hurryKeys(now: now)
    }

    // MARK: - On disk

    /// Deletes what of the spool is delivered. What the ledger says of it must be durable.
    func releaseSpool() throws(SpoolError) {
        try spool.release(before: references.oldest ?? tail ?? spool.next)
        // What is on disk only is not confirmed.
        if references.isEmpty, tail == nil { isSynced = true }
    }

    /// Forces what waits to the device, unless that was done.
    ///
    /// - Returns: true when there was something to do.
    func sync(now: Int64, interval: Int64) throws(SpoolError) -> Bool {
        guard !isSynced else { return false }
        if references.isEmpty, tail == nil {
            // All of it is confirmed: the disk need not know it.
            isSynced = true
            return false
        }
        guard now - syncedAt >= interval else { return false }
        try spool.sync()
        isSynced = true
        syncedAt = now
        return true
    }

    /// True while something waits that was not forced to the device.
    var isUnsynced: Bool { !isSynced && !(references.isEmpty && tail == nil) }

    // MARK: - Figures

    /// Publishes how the stream is.
    func report(at now: Int64) {
        let state: Int64 =
            switch health.breaker.state(at: now) {
            case .closed: 0
            case .halfOpen: 1
            case .open: 2
            }
        counters.breaker.set(state)
        counters.shards.set(scheduler.map.isKnown ? Int64(scheduler.map.shards.count) : 0)
    }
}
