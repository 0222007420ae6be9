import AWS
import Encoding
import Glibc
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
    private let options: KinesisOptions
    let counters: StreamCounters
    var scheduler: SendScheduler
    var health: StreamHealth
    var discovery: ShardDiscovery
    /// Bytes of data for a byte of frame, smoothed; for guessing how long a container gets.
    private(set) var packing = 0.6

    private var spool: Spool
    private var references = SpoolReferences()
    /// Records of the current read.
    private var batch = Bytes(capacity: 64 << 10)
    /// The number of the current batch; nil while it goes to disk only.
    private var batchNumber: UInt32?
    /// Its records in memory that ``references`` was not told of yet.
    private var newRecords = 0
    /// Entries from here on are on disk only; nil when everything is in memory.
    private var tail: Spool.Position?
    /// Records on disk only.
    private var tailRecords = 0
    /// Entries before it were left by an earlier run.
    private let recoveredEnd: Spool.Position
    /// Where what the ledger needs to know of the spool begins.
    private var releasedTo: Spool.Position?
    /// By sequence where there are no sub-keys, and the others.
    private var keys = SequenceMap<PartitionKeyQueue>()
    private var partedKeys: [Route: PartitionKeyQueue] = [:]
    private var lastRoute: Route?
    private var lastKey: PartitionKeyQueue?
    /// Records that are leaving, and were not noted yet.
    private var leaving: LeavingRun?
    /// True once the current batch has a record that waits for a person's decision.
    private var isUndecided = false
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
        self.options = options
        self.counters = counters
        scheduler = SendScheduler(options.rules)
        health = StreamHealth(
            breaker: CircuitBreaker(
                failures: options.breakerFailures, coolDown: options.breakerPause))
        discovery = ShardDiscovery(
            createsStream: options.createsStreams && stream.place == nil,
            refresh: Int64(options.shardRefresh * 1e9), hold: options.rules.holdPause)
        let spool = try Spool(
            directory: Self.directory(options.state, stream),
            segmentBytes: Self.segmentBytes(options),
            damaged: options.state + "/damaged")
        recoveredEnd = spool.next
        if !spool.isEmpty { tail = spool.first }
        self.spool = spool
    }

    /// A sixteenth of what may wait, and little of the disk: a segment is deleted as a whole.
    private static func segmentBytes(_ options: KinesisOptions) -> Int64 {
        var bytes = Int64(options.spoolMax / 16)
        var room = statvfs()
        if statvfs(options.state, &room) == 0 {
            let size = UInt64(room.f_blocks).multipliedReportingOverflow(by: UInt64(room.f_frsize))
            if !size.overflow { bytes = min(bytes, Int64(clamping: size.partialValue / 64)) }
        }
        return min(64 << 20, max(64 << 10, bytes))
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

    /// The segment of the spool that the next record comes into.
    var group: Int { Int(spool.next.segment) }
    /// Names the spool in the ledger.
    var spoolID: UInt64 { spool.id }
    /// True while a batch is in memory only: the disk had no room.
    var hasOpenBatch: Bool { !batch.isEmpty }

    // MARK: - In

    /// Adds a record to the current batch, and to memory if there is room.
    ///
    /// - Parameter epoch: of its sequence; nil keeps it on disk for a later run.
    func append(
        _ frame: borrowing FrameView, epoch: UInt16?, window: Int, now: Int64
    ) {
        if batch.isEmpty {
            batchNumber =
                tail == nil && scheduler.bytesHeld < window
                ? references.open(at: spool.next, ingestTime: frame.ingestTime) : nil
        }
        let offset = batch.count
        batch.append(frame.bytes)
        if epoch == nil { isUndecided = true }
        guard let batchNumber, let epoch else {
            tailRecords += 1
            return
        }
        let passage = PartitionKeyQueue.Passage(
            batch: batchNumber, offset: UInt32(offset), epoch: epoch)
        newRecords += 1
        enqueue(frame, passage, now: now)
    }

    private func enqueue(
        _ frame: borrowing FrameView, _ passage: PartitionKeyQueue.Passage, now: Int64
    ) {
        scheduler.append(frame.bytes, to: key(frame), passage, now: now)
    }

    private func key(_ frame: borrowing FrameView) -> PartitionKeyQueue {
        let subKey = options.keys.subKey(frame)
        if let lastKey, let lastRoute, lastRoute.subKey == subKey,
            frame.belongs(to: lastRoute.sequence)
        {
            return lastKey
        }
        let route = Route(sequence: frame.sequence, subKey: subKey)
        let key: PartitionKeyQueue
        if let known = route.subKey == 0 ? keys[route.sequence] : partedKeys[route] {
            key = known
        } else {
            key = scheduler.key(options.keys.name(frame))
            if route.subKey == 0 {
                keys.add(key, for: route.sequence)
            } else {
                partedKeys[route] = key
            }
        }
        lastRoute = route
        lastKey = key
        return key
    }

    /// Hands the current batch to the spool, as one entry, so that the end of this process loses
    /// nothing of it.
    func closeBatch() throws(SpoolError) {
        guard !batch.isEmpty else { return }
        retainNew()
        let position = try Self.append(batch, to: &spool)
        batch.removeAll()
        isSynced = false
        // What a person has to decide upon stays in the spool, and all of its read with it.
        if let batchNumber, !isUndecided {
            references.close(batchNumber, at: position)
        } else if batchNumber == nil, tail == nil {
            tail = position
        }
        batchNumber = nil
    }

    /// Tells ``references`` of the records of the open batch, before any of them leaves: while a disk is
    /// full they are delivered from memory.
    private func retainNew() {
        guard newRecords > 0, let batchNumber else { return }
        references.retain(batchNumber, count: newRecords)
        newRecords = 0
    }

    private static func append(
        _ batch: borrowing Bytes, to spool: inout Spool
    ) throws(SpoolError) -> Spool.Position {
        try spool.appendAtOnce(batch.span)
    }

    /// Reads records from the spool into memory while there is room, a few MiB at a time: of
    /// leftovers that are held already any number may have to be passed over.
    ///
    /// - Throws: ``Undecided`` when a person has to decide upon a record first; what was not read
    ///   stays in the spool.
    func load(_ confirmations: ConfirmationLog, window: Int, now: Int64) throws {
        for _ in 0..<Self.readsInTurn where mayLoad(window: window) {
            guard let from = tail else { return }
            // Not to be looked at while the spool is read.
            let spoolID = spool.id
            // Nothing is decided meanwhile that would change it.
            var lastEpoch: (sequence: SequenceID, epoch: UInt16)?
            let end = try spool.read(from: from, atLeast: 1 << 20) { position, entry in
                let isLeftover = position < recoveredEnd
                var offset = 0
                var number: UInt32?
                var (count, isWhole) = (0, false)
                // Also where a person has to decide upon a record: those before it are on their way.
                defer {
                    if let number {
                        references.retain(number, count: count)
                        if isWhole { references.close(number, at: position) }
                    }
                }
                while offset < entry.byteCount {
                    let frame = try FrameView(firstIn: entry.extracting(droppingFirst: offset))
                    let place = offset
                    offset += frame.bytes.byteCount
                    guard
                        let epoch = try epoch(
                            of: frame, at: position.advanced(by: place), in: spoolID,
                            isLeftover, confirmations, &lastEpoch)
                    else { continue }
                    let batch =
                        number ?? references.open(at: position, ingestTime: frame.ingestTime)
                    number = batch
                    count += 1
                    enqueue(
                        frame,
                        PartitionKeyQueue.Passage(
                            batch: batch, offset: UInt32(place), epoch: epoch), now: now)
                }
                isWhole = true
            }
            tail = end >= spool.next ? nil : end
        }
    }

    /// A person has to decide upon a record of the spool first.
    struct Undecided: Error {}

    /// The epoch of a record that is to be delivered; nil for one that is done with.
    private func epoch(
        of frame: borrowing FrameView, at position: Spool.Position, in spoolID: UInt64,
        _ isLeftover: Bool, _ confirmations: ConfirmationLog,
        _ lastEpoch: inout (sequence: SequenceID, epoch: UInt16)?
    ) throws -> UInt16? {
        guard isLeftover else {
            tailRecords -= 1
            if let lastEpoch, frame.belongs(to: lastEpoch.sequence) { return lastEpoch.epoch }
            let epoch = confirmations.epoch(of: frame)
            lastEpoch = (frame.sequence, epoch)
            return epoch
        }
        let verdict = try confirmations.recover(
            frame, at: position.linear, in: spoolID, subKey: options.keys.subKey(frame),
            group: Int(position.segment))
        switch verdict {
        case .deliver(let epoch): return epoch
        case .done, .parts: return nil
        case .undecided: throw Undecided()
        }
    }

    /// True when ``load(_:window:now:)`` has something to read.
    func mayLoad(window: Int) -> Bool { tail != nil && scheduler.bytesHeld < window / 2 }

    // MARK: - Out

    /// Notes how many bytes of data a byte of frame became in a container.
    func recordPacking(_ ratio: Double) { packing = packing * 0.9 + ratio * 0.1 }

    /// Notes how a call ended. Records that are done with are confirmed in the order of their keys.
    func complete(
        _ call: SendScheduler.Call, _ outcome: SendScheduler.Outcome,
        _ confirmations: ConfirmationLog, now: Int64
    ) -> SendScheduler.Effect {
        defer { noteLeaving(confirmations) }
        return scheduler.complete(call, outcome, now: now) { leave($0, $1, confirmations) }
    }

    /// Notes that a record will not be sent.
    func discard(_ item: SendScheduler.Item, _ confirmations: ConfirmationLog) {
        scheduler.discard(item) { leave($0, $1, confirmations) }
        noteLeaving(confirmations)
    }

    /// Fills a call; see `SendScheduler.fill`. What leaves meanwhile was put aside.
    func fill(
        _ shard: ShardQueue, _ confirmations: ConfirmationLog, now: Int64,
        _ add: (PartitionKeyQueue, RawSpan) throws -> SendScheduler.Fit
    ) throws -> SendScheduler.Call? {
        defer { noteLeaving(confirmations) }
        return try scheduler.fill(shard, now: now, add) { leave($0, $1, confirmations) }
    }

    /// Notes that a record has left its queue; ``noteLeaving(_:)`` is to follow.
    private func leave(
        _ bytes: RawSpan, _ passage: PartitionKeyQueue.Passage, _ confirmations: ConfirmationLog
    ) {
        guard let frame = FrameView(usual: bytes) else {
            return noteLeft(bytes, passage, confirmations)
        }
        let subKey = options.keys.subKey(frame)
        if leaving?.takes(frame, passage, subKey: subKey) == true { return }
        noteLeaving(confirmations)
        leaving = LeavingRun(frame, passage, subKey: subKey)
        if leaving == nil { noteLeft(bytes, passage, confirmations) }
    }

    /// Notes one record that has left its queue.
    private func noteLeft(
        _ bytes: RawSpan, _ passage: PartitionKeyQueue.Passage, _ confirmations: ConfirmationLog
    ) {
        noteLeaving(confirmations)
        retainNew()
        let position = references.position(of: passage.batch).advanced(by: Int(passage.offset))
        references.release(passage.batch)
        guard let frame = try? FrameView(bytes) else { return }
        confirmations.leave(
            frame, at: position.linear, in: spool.id, epoch: passage.epoch,
            subKey: options.keys.subKey(frame), isDelivered: passage.isDelivered)
    }

    /// Notes the records that have left one after the other.
    private func noteLeaving(_ confirmations: ConfirmationLog) {
        guard let run = leaving else { return }
        leaving = nil
        retainNew()
        let entry = references.position(of: run.batch)
        confirmations.leave(run, at: { entry.advanced(by: $0).linear }, in: spool.id)
        references.release(run.batch, count: run.count)
    }

    /// Ends the pauses of what failed or waits for a person: there is no time for them any more.
    func hurry(now: Int64) {
        if health.trouble != nil || !discovery.isOpen { discovery.hurry(at: now) }
        scheduler.restart(now: now)
    }

    // MARK: - On disk

    /// Deletes what of the spool is delivered. What the ledger says of it must be durable.
    func releaseSpool(_ confirmations: ConfirmationLog) throws(SpoolError) {
        // The current batch has no entry yet, while the disk is full.
        try spool.release(before: references.oldest ?? tail ?? spool.next)
        // What is on disk only is not confirmed.
        if references.isEmpty, tail == nil { isSynced = true }
        let first = spool.durableFirst
        guard first != releasedTo else { return }
        releasedTo = first
        confirmations.forget(
            in: spool.id, before: first.linear, groupsBefore: Int(first.segment),
            where: { options.streams.byTemplate[options.streams.index(template: $0)] == stream })
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
}
