import AWS
import Identity
import Journal
import Posix
import Records
import Spool
import Stage
import StageAWS
import Transport

/// One stream: the spool of what goes there, and the part of it that is in memory, in lanes.
///
/// A stream that is missing or slow holds up nothing but itself. Of its records only a window is
/// in memory; the rest stays in the spool and is read again when there is room.
final class StreamChannel {
    /// Records that are given up as refused while none passes; more say that the service would
    /// refuse any.
    private static let refusalsInARow = 10
    /// Reads of a MiB between two looks at signals, answers and the input.
    private static let readsInTurn = 4

    let stream: StreamReference
    let counters: StreamCounters
    var lanes: Lanes
    var breaker: CircuitBreaker
    var shards: ShardWatch
    /// Records that may yet be given up as refused before one must pass: 0 until the stream has
    /// taken one, since a service may refuse whatever it is sent.
    var refusalsLeft = 0
    /// Why a person is needed; nil when none is.
    var trouble: AWSError?
    /// When that was noticed last, ns.
    var troubledAt: Int64 = .min / 2
    /// The last time that a line was logged about it, ns.
    var complainedAt: Int64 = .min / 2
    /// Bytes of data for a byte of frame, smoothed; for guessing how long a container gets.
    var packing = 0.6

    private var spool: Spool
    private var batches = BatchLog()
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
    private var keys: [Route: KeyQueue] = [:]
    private var lastRoute: Route?
    private var lastKey: KeyQueue?
    private var isSynced = true
    private var syncedAt: Int64 = 0

    /// What decides the partition key of a record.
    private struct Route: Hashable {
        let sequence: SequenceID
        let subKey: Int64
    }

    init(
        _ stream: StreamReference, _ plan: KinesisPutPlan, counters: StreamCounters
    ) throws {
        self.stream = stream
        self.counters = counters
        lanes = Lanes(plan.rules)
        breaker = CircuitBreaker(failures: plan.breakerFailures, coolDown: plan.breakerPause)
        shards = ShardWatch(
            createsStream: plan.createsStreams && stream.arn == nil,
            refresh: Int64(plan.shardRefresh * 1e9), hold: plan.rules.holdPause)
        let spool: Spool
        do throws(SpoolError) {
            spool = try Spool(
                directory: Self.directory(plan.state, stream),
                segmentBytes: Int64(min(64 << 20, max(64 << 10, plan.spoolMax / 16))),
                damaged: plan.state + "/damaged")
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
    var waiting: Int { lanes.waiting + tailRecords }
    /// True when nothing waits, in memory or on disk.
    var isEmpty: Bool { lanes.waiting == 0 && tail == nil && batch.isEmpty }
    /// True when something waits on disk that an earlier run left.
    var hasLeftovers: Bool { tail.map { $0 < recoveredEnd } ?? false }
    /// When the oldest record that waits arrived here, ns since the epoch.
    var oldestIngestTime: Int64? { batches.oldestIngestTime }

    // MARK: - Taking in

    /// Takes a record into the batch at hand, and into memory if there is room.
    func take(
        _ frame: borrowing FrameView, _ plan: KinesisPutPlan, window: Int, now: Int64
    ) {
        if batch.isEmpty {
            batchNumber =
                tail == nil && lanes.bytesHeld < window
                ? batches.open(at: spool.next, ingestTime: frame.ingestTime) : nil
        }
        batch.append(frame.bytes)
        guard let batchNumber else {
            tailRecords += 1
            return
        }
        enqueue(frame, plan, batch: batchNumber, now: now)
    }

    private func enqueue(
        _ frame: borrowing FrameView, _ plan: KinesisPutPlan, batch: UInt32, now: Int64
    ) {
        batches.retain(batch)
        lanes.append(frame.bytes, to: key(frame, plan), batch: batch, now: now)
    }

    private func key(_ frame: borrowing FrameView, _ plan: KinesisPutPlan) -> KeyQueue {
        let route = Route(sequence: frame.sequence, subKey: plan.keys.subKey(frame))
        if let lastKey, lastRoute == route { return lastKey }
        let key: KeyQueue
        if let known = keys[route] {
            key = known
        } else {
            key = lanes.key(plan.keys.name(frame))
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
            batches.close(batchNumber, at: position)
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
    /// - Parameter take: asked about each record that an earlier run left: false when it is held
    ///   already.
    func load(
        _ plan: KinesisPutPlan, window: Int, now: Int64, take: (borrowing FrameView) -> Bool
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
                    if isLeftover, !take(frame) { continue }
                    let batch =
                        number ?? batches.open(at: position, ingestTime: frame.ingestTime)
                    number = batch
                    enqueue(frame, plan, batch: batch, now: now)
                }
                if let number { batches.close(number, at: position) }
            }
            tail = end >= spool.next ? nil : end
        }
    }

    /// Notes that the stream took records: what was refused before is a record's fault.
    func notePassing(now: Int64) {
        if refusalsLeft == 0 { lanes.hurryKeys(now: now) }
        refusalsLeft = Self.refusalsInARow
    }

    /// True when ``load(_:window:now:take:)`` has something to read.
    func mayLoad(window: Int) -> Bool { tail != nil && lanes.bytesHeld < window / 2 }

    /// Ends the pauses of what waits for a person: perhaps one has helped.
    func hurry(now: Int64) {
        shards.hurry(at: now)
        for lane in lanes.lanes { lane.pausedUntil = min(lane.pausedUntil, now) }
        lanes.hurryKeys(now: now)
    }

    // MARK: - Done with

    /// Notes that a record waits no more.
    func release(_ batch: UInt32) { batches.release(batch) }

    /// Deletes what of the spool is delivered. What the ledger says of it must be durable.
    func releaseSpool() throws(SpoolError) {
        try spool.release(before: batches.oldest ?? tail ?? spool.next)
        // What is on disk only is not confirmed.
        if batches.isEmpty, tail == nil { isSynced = true }
    }

    /// Forces what waits to the device, unless that was done.
    ///
    /// - Returns: true when there was something to do.
    func sync(now: Int64, interval: Int64) throws(SpoolError) -> Bool {
        guard !isSynced else { return false }
        if batches.isEmpty, tail == nil {
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
    var isUnsynced: Bool { !isSynced && !(batches.isEmpty && tail == nil) }
}
