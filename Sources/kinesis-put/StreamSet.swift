import AWS
import Journal
import Posix
import Records
import Sink
import Spool
import Stage
import Stats
import Transport

/// The streams of a run: one queue for each that a kind goes to, and for each of which an earlier
/// run left records.
final class StreamSet {
    let queues: [StreamQueue]
    /// What was found wrong in their spools.
    let damages: [Damage]
    /// Template id to the place in ``queues``; 0 for templates that are not known.
    private let routes: [Int]
    private var options: KinesisOptions
    private let log: Log

    /// Opens their spools.
    init(
        _ options: KinesisOptions, _ stage: borrowing Stage, _ counters: DeliveryCounters
    ) throws {
        self.options = options
        log = stage.log
        try Files.makeDurableDirectories(options.state + "/spool")
        try NamedSpools.adopt(options, stage.log)
        let leftovers = try Files.list(options.state + "/spool").compactMap {
            StreamReference(directoryName: $0)
        }
        var queues: [StreamQueue] = []
        var places: [StreamReference: Int] = [:]
        var damages: [Damage] = []
        for stream in options.streams.byTemplate + leftovers where places[stream] == nil {
            let queue = try StreamQueue(
                stream, options, counters: StreamCounters(stage.stats, stream: stream.shortName))
            let found = queue.takeDamages()
            stage.log.report(found, of: "spool")
            damages += found
            if queue.tornBytes > 0 { counters.common.tornBytes.add(Int(queue.tornBytes)) }
            if queue.hasLeftovers {
                stage.log.info(
                    "an earlier run left records; replaying them",
                    ["stream": "\(stream)", "bytes": "\(queue.spoolBytes)"])
            }
            places[stream] = queues.count
            queues.append(queue)
        }
        self.queues = queues
        self.damages = damages
        routes = options.streams.byTemplate.map { places[$0] ?? 0 }
    }

    /// Takes over a new configuration.
    func takeOver(_ options: KinesisOptions) {
        self.options = options
        for queue in queues { queue.scheduler.rules = options.rules }
    }

    // MARK: - What waits

    /// Records that are not confirmed.
    var waiting: Int { queues.reduce(0) { $0 + $1.waiting } }
    /// Bytes that wait on disk.
    var spoolBytes: Int64 { queues.reduce(0) { $0 + $1.spoolBytes } }
    /// When the oldest record that waits arrived here, ns since the epoch; nil when none waits.
    var oldestIngestTime: Int64? { queues.compactMap(\.oldestIngestTime).min() }
    /// Queues in which something waits.
    var busy: [StreamQueue] { queues.filter { !$0.isEmpty } }
    /// Queues in which something waits that may be delivered, when nothing on disk may.
    var busyInMemory: [StreamQueue] { queues.filter { $0.scheduler.waiting > 0 } }

    /// Bytes of records that one stream may have in memory.
    private var window: Int {
        options.windowBytes / max(1, queues.reduce(0) { $0 + ($1.isEmpty ? 0 : 1) })
    }

    // MARK: - In

    /// The stream of a record's kind.
    func queue(of frame: borrowing FrameView) -> StreamQueue {
        queues[routes[options.streams.index(template: frame.template)]]
    }

    /// Has `body` add records to queues, and hands them to the spools, one entry a stream, so that
    /// the end of this process loses nothing of them.
    func appendBatch(
        _ confirmations: ConfirmationLog, _ body: (_ window: Int) throws -> Void
    ) throws {
        let result = Result { try body(window) }
        try closeBatches(confirmations)
        try result.get()
    }

    /// True while records are in memory only: the disk has no room.
    private(set) var isShort = false

    /// Hands open batches to the spools. Where there is no room they stay in memory, and nothing
    /// more is to be read until a later call finds some.
    func closeBatches(_ confirmations: ConfirmationLog) throws {
        do throws(SpoolError) {
            for queue in queues { try queue.closeBatch() }
            if isShort { log.info("the disk of \(options.state) has space again; reading resumes") }
            isShort = false
        } catch {
            guard error.isNoRoom else { throw error }
            guard !isShort else { return }
            isShort = true
            log.warning(
                "the disk of \(options.state) is full: reading stops until something is delivered or "
                    + "space is freed",
                ["spool_bytes": "\(spoolBytes)", "waiting": "\(waiting)"])
        }
    }

    /// Reads what is on disk only into memory where there is room.
    func load(_ confirmations: ConfirmationLog, now: Int64) throws {
        guard confirmations.halt == nil else { return }
        let window = window
        do {
            for queue in queues { try queue.load(confirmations, window: window, now: now) }
        } catch is StreamQueue.Undecided {
            // The reason is in ``ConfirmationLog/halt``.
        }
    }

    // MARK: - On disk

    /// Forces what waits to the device where the last time is `interval` ago, ns.
    func sync(_ counters: DeliveryCounters, now: Int64, interval: Int64) throws(SpoolError) {
        do throws(SpoolError) {
            for queue in queues {
                let start = Clock.monotonicNanoseconds()
                guard try queue.sync(now: now, interval: interval) else { continue }
                counters.syncDuration.record(Clock.monotonicNanoseconds() - start)
            }
        } catch {
            // Without room nothing is lost by this: what is in the spool outlives the process.
            guard error.isNoRoom else { throw error }
        }
    }

    /// Deletes what of the spools is delivered. What the ledger says of it must be durable.
    func release(_ confirmations: ConfirmationLog) throws(SpoolError) {
        for queue in queues { try queue.releaseSpool(confirmations) }
    }

    // MARK: - Time

    /// When there will be something to do though nothing happens, ns.
    ///
    /// - Parameter hasRoom: another call may start; otherwise an answer decides what is next.
    func nextTime(_ now: Int64, hasRoom: Bool, syncInterval: Int64?) -> Int64 {
        var next = Int64.max
        let window = window
        for queue in queues where !queue.isEmpty {
            if queue.mayLoad(window: window) { return now }
            if let time = queue.discovery.nextTime { next = min(next, time) }
            if queue.isUnsynced, let syncInterval { next = min(next, now + syncInterval) }
            // With a probe, or as many calls as may be, under way, an answer decides what is next.
            guard queue.discovery.isOpen, hasRoom,
                let open = queue.health.breaker.opening(at: now)
            else { continue }
            for shard in queue.scheduler.shardQueues {
                if let time = queue.scheduler.dueTime(shard, now: now) {
                    next = min(next, max(time, open))
                }
            }
        }
        return next
    }
}
