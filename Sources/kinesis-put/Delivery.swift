import AWS
import Glibc
import Ledger
import Posix
import Records
import Spool
import Stage
import StageAWS
import Stats
import Transport

/// Takes records in, sends them, and keeps the books: what was read is in a spool, what was
/// confirmed is in the ledger, and nothing is in neither.
///
/// One loop on one thread: it waits for standard input, for answers and for its own clock at once.
struct Delivery: ~Copyable {
    /// Bytes that Kinesis bills as one payload unit.
    static let payloadUnit = 25_600
    /// How long what waits may wait for the disk under `--fsync interval`, ns.
    static let syncInterval: Int64 = 200_000_000
    /// How often the ledger is made durable and the spools are cleared, ns.
    static let bookInterval: Int64 = 1_000_000_000
    /// Bytes that one read may bring beyond the spool's limit.
    static let readAhead = 2 << 20

    let plan: KinesisPutPlan
    let log: Log
    let stop: Int32
    var counters: DeliveryCounters
    var tally = SinkTally()
    let quarantine: Quarantine
    var books: Books
    var coverage: CoverageFigures
    var client: KinesisClient
    let channels: [StreamChannel]
    /// Template id to the place in ``channels``; 0 for templates that are not known.
    let routes: [Int]
    var form: PayloadForm
    var calls: [Int: PendingCall] = [:]
    var questions: [Int: StreamChannel] = [:]
    var nextToken = 1
    /// Memory of bodies that were sent.
    var buffers: [HTTPBuffer] = []
    var scratch = Bytes(capacity: 4096)
    var container = AggregatedRecord()
    var lastSuccess = Clock.monotonicNanoseconds()
    private var bookedAt: Int64 = 0
    private var reportedAt = Clock.monotonicNanoseconds()
    private var isFull = false

    /// A PutRecords call under way.
    struct PendingCall {
        let channel: StreamChannel
        var call: Lanes.Call
        /// Entries of the request; fewer than the call's records when they are in a container.
        let entries: Int
        let body: HTTPBuffer
    }

    init(_ plan: KinesisPutPlan, in stage: borrowing Stage) throws {
        let ledger: Ledger
        do throws(LedgerError) { ledger = try Ledger(writing: plan.state + "/ledger") } catch {
            throw StageFailure(error)
        }
        let log = stage.log
        try plan.claimState(log)
        let counters = DeliveryCounters(
            stage.stats, state: plan.state, spoolMax: plan.spoolMax)
        if ledger.tornBytes > 0 {
            log.warning("the ledger ended in \(ledger.tornBytes) torn bytes, which were cut off")
            counters.common.tornBytes.add(Int(ledger.tornBytes))
        }
        let client = try Self.makeClient(plan, log)
        let form = try PayloadForm(plan.format, isCompressed: plan.isCompressed)
        let opened = try Self.open(plan, stage, counters)
        self.plan = plan
        self.log = log
        self.counters = counters
        books = Books(ledger: ledger)
        coverage = CoverageFigures(stage.stats)
        quarantine = Quarantine(path: plan.state + "/quarantine.ndjson")
        stop = stage.stopDescriptor
        (channels, routes) = opened
        self.client = client
        self.form = form
    }

    /// Made first, so that a program without credentials ends before it takes anything in.
    private static func makeClient(
        _ plan: KinesisPutPlan, _ log: Log
    ) throws(StageFailure) -> KinesisClient {
        do throws(AWSError) {
            var client = try KinesisClient(
                plan.kinesis, credentials: plan.credentials.provider(log))
            try client.checkCredentials()
            return client
        } catch { throw StageFailure(error) }
    }

    /// One for each stream that a kind goes to, and for each that an earlier run left records of;
    /// and where each template goes.
    private static func open(
        _ plan: KinesisPutPlan, _ stage: borrowing Stage, _ counters: DeliveryCounters
    ) throws -> ([StreamChannel], [Int]) {
        try Files.makeDirectories(plan.state + "/spool")
        try NamedSpools.adopt(plan, stage.log)
        let leftovers = try Files.list(plan.state + "/spool").compactMap {
            StreamReference(directoryName: $0)
        }
        var channels: [StreamChannel] = []
        var places: [StreamReference: Int] = [:]
        for stream in plan.streams.byTemplate + leftovers where places[stream] == nil {
            let channel = try StreamChannel(
                stream, plan, counters: StreamCounters(stage.stats, stream: stream.shortName))
            stage.log.report(channel.takeDamages(), of: "spool")
            if channel.tornBytes > 0 {
                counters.common.tornBytes.add(Int(channel.tornBytes))
            }
            if channel.hasLeftovers {
                stage.log.info(
                    "an earlier run left records; taking them in again",
                    ["stream": "\(stream)", "bytes": "\(channel.spoolBytes)"])
            }
            places[stream] = channels.count
            channels.append(channel)
        }
        return (channels, plan.streams.byTemplate.map { places[$0] ?? 0 })
    }

    // MARK: - Running

    /// Delivers what an earlier run left, and what comes, until the input ends or a signal comes.
    ///
    /// - Throws: `FrameError` for bytes that are no frames; what came before was taken in.
    mutating func readAll(_ reader: inout FrameReader) throws {
        while true {
            let input = mayRead ? reader.descriptorNumber : -1
            try step(input)
            if Descriptor.isReadable(stop) {
                return log.info("stopping: delivering what was read", ["waiting": "\(waiting)"])
            }
            guard Descriptor.isReadable(input) || isHungUp(input) else { continue }
            if try reader.fill() == .end { return }
            try takeIn(&reader)
        }
    }

    /// A pipe without a writer is not readable by poll's word when it is empty, but at its end.
    private func isHungUp(_ input: Int32) -> Bool {
        var watched = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
        return input >= 0 && poll(&watched, 1, 0) > 0
    }

    private mutating func takeIn(_ reader: inout FrameReader) throws {
        let now = Clock.monotonicNanoseconds()
        let window = window
        var failure: FrameError?
        do throws(FrameError) {
            while let frame = try reader.next() {
                tally.recordsIn += 1
                tally.bytesIn += Int64(frame.bytes.byteCount)
                guard books.take(frame) else {
                    tally.refused += 1
                    continue
                }
                let place = routes[plan.streams.index(template: frame.template)]
                channels[place].take(frame, plan, window: window, now: now)
            }
        } catch { failure = error }
        if let times = reader.lastTimes { counters.common.flow.note(times) }
        do throws(SpoolError) {
            for channel in channels { try channel.closeBatch() }
        } catch { throw StageFailure(error) }
        if plan.sync == .batch { try syncSpools(now, interval: 0) }
        if let failure { throw failure }
    }

    /// One turn of the loop: sends what is due, waits, takes answers, keeps the books.
    mutating func step(_ input: Int32, until deadline: Int64 = .max) throws {
        try load()
        try ask()
        try send()
        let now = Clock.monotonicNanoseconds()
        let left = max(0, min(nextTime(now), deadline) - now)
        let timeout = left == 0 ? 0 : Int32(min(60_000, (left + 999_999) / 1_000_000))
        let completions: [KinesisClient.Completion]
        do throws(AWSError) {
            completions = try client.wait(
                timeoutMilliseconds: timeout, alsoReadable: [input, deadline == .max ? stop : -1])
        } catch { throw StageFailure(error) }
        for completion in completions {
            if let call = calls.removeValue(forKey: completion.token) {
                try finish(call, completion)
            } else if let channel = questions.removeValue(forKey: completion.token) {
                answer(channel, completion)
            }
        }
        try keepBooks()
    }

    private mutating func load() throws {
        let now = Clock.monotonicNanoseconds()
        let window = window
        for channel in channels {
            try load(channel, window, now)
        }
    }

    private mutating func load(_ channel: StreamChannel, _ window: Int, _ now: Int64) throws {
        do {
            try channel.load(plan, window: window, now: now) { frame in
                tally.recovered += 1
                if books.take(frame) { return true }
                tally.refused += 1
                return false
            }
        } catch let error as SpoolError { throw StageFailure(error) }
    }

    // MARK: - Limits

    /// Bytes of records that one stream may have in memory.
    private var window: Int { plan.windowBytes / max(1, channels.filter { !$0.isEmpty }.count) }

    /// Records that are not confirmed.
    var waiting: Int { channels.reduce(0) { $0 + $1.waiting } }

    private var mayRead: Bool {
        spoolBytes + Int64(min(Self.readAhead, plan.spoolMax / 4)) < Int64(plan.spoolMax)
    }

    /// When there will be something to do though nothing happens, ns.
    private func nextTime(_ now: Int64) -> Int64 {
        var next = now + 60_000_000_000
        let window = window
        for channel in channels where !channel.isEmpty {
            if channel.mayLoad(window: window) { return now }
            if let time = channel.shards.nextTime { next = min(next, time) }
            if channel.isUnsynced, plan.sync != .never {
                next = min(next, now + Self.syncInterval)
            }
            // With a probe, or as many calls as may be, under way, an answer decides what is next.
            guard channel.shards.isOpen, calls.count < plan.kinesis.connections,
                let open = channel.breaker.opening(at: now)
            else { continue }
            for lane in channel.lanes.lanes {
                if let time = channel.lanes.dueTime(lane, now: now) {
                    next = min(next, max(time, open))
                }
            }
        }
        if !calls.isEmpty || bookedAt > 0 {
            next = min(next, max(now, bookedAt) + Self.bookInterval)
        }
        return max(next, now)
    }

    // MARK: - Books

    mutating func syncSpools(_ now: Int64, interval: Int64) throws {
        do throws(SpoolError) {
            for channel in channels {
                let start = Clock.monotonicNanoseconds()
                guard try channel.sync(now: now, interval: interval) else { continue }
                counters.syncDuration.record(Clock.monotonicNanoseconds() - start)
            }
        } catch { throw StageFailure(error) }
    }

    private mutating func keepBooks() throws {
        let now = Clock.monotonicNanoseconds()
        do throws(LedgerError) { try books.write() } catch { throw StageFailure(error) }
        if plan.sync != .never { try syncSpools(now, interval: Self.syncInterval) }
        publish()
        let isPressed = !mayRead
        guard now - bookedAt >= Self.bookInterval || isPressed else { return }
        bookedAt = now
        try clear()
        report(now)
        let isFullNow = !mayRead
        guard isFullNow != isFull else { return }
        isFull = isFullNow
        if isFull {
            log.warning(
                "the spool is full: reading stops until something is delivered",
                ["spool_bytes": "\(spoolBytes)", "waiting": "\(waiting)"])
        }
    }

    /// Makes the ledger durable, and then deletes what it vouches for.
    mutating func clear() throws {
        do throws(LedgerError) { try books.sync() } catch { throw StageFailure(error) }
        books.noteCoverage(in: &coverage)
        do throws(SpoolError) {
            for channel in channels { try channel.releaseSpool() }
        } catch { throw StageFailure(error) }
    }

    /// Bytes that wait on disk.
    var spoolBytes: Int64 { channels.reduce(0) { $0 + $1.spoolBytes } }

    private mutating func publish() {
        tally.waiting = Int64(waiting)
        counters.common.publish(tally)
    }

    mutating func report(_ now: Int64) {
        publish()
        counters.note(
            spoolBytes: spoolBytes, oldest: channels.compactMap(\.oldestIngestTime).min(),
            calls: calls.count, credentialsExpire: client.credentialsExpiration)
        for channel in channels {
            let state: Int64 =
                switch channel.breaker.state(at: now) {
                case .closed: 0
                case .halfOpen: 1
                case .open: 2
                }
            channel.counters.breaker.set(state)
            let map = channel.lanes.map
            channel.counters.shards.set(map.isKnown ? Int64(map.shards.count) : 0)
        }
        guard now - reportedAt >= 60_000_000_000 else { return }
        reportedAt = now
        log.info(
            "progress",
            [
                "records_in": "\(tally.recordsIn)", "records_out": "\(tally.recordsOut)",
                "waiting": "\(waiting)", "spool_bytes": "\(spoolBytes)",
            ])
    }
}
