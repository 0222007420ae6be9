import AWS
import Glibc
import Identity
import Ledger
import Posix
import Records
import Spool
import Stage
import StageAWS
import Stats

/// A moment on both clocks.
struct Now {
    /// µs since the epoch.
    let real = Clock.realtimeNanoseconds() / 1000
    /// ns since some start.
    let monotonic = Clock.monotonicNanoseconds()
}

/// Takes records in, builds objects, and keeps the books: what was read is in the spool, what was
/// delivered is in the ledger, and nothing is in neither.
struct Sink: ~Copyable {
    /// Objects that are built at once; one more seals the one that was idle longest. With the
    /// blocks of the pool this bounds the memory.
    static let maximumParts = 32
    /// How long records may wait for the disk, ns: one sync covers all of them.
    static let syncInterval: Int64 = 1_000_000_000

    let plan: S3PutPlan
    let log: Log
    let stop: Int32
    let outcomes: Outcomes
    let committer: Committer
    let writer: ObjectWriter
    /// Shared with the committer; here for its figures only.
    private let credentials: CredentialsProvider?
    private let figures: ServiceFigures
    var counters: SinkCounters
    var tally = SinkTally()
    var objectsOut = 0
    private let faultAt = FaultSwitch.recordToDrop
    let quarantine: Quarantine
    var ledger: Ledger
    var spool: Spool
    var holdings = Holdings()
    var parts: [Partition: Part] = [:]
    /// The part of the record before: most records follow it there.
    var lastPart: Part?
    /// When the records at hand were read; one look at the clocks for all of them.
    var now = Now()
    var sealed: [String: SealedObject] = [:]
    var batch = Bytes(capacity: 1 << 20)
    var nextName = 1
    var lastSync: Int64 = 0
    var isSynced = true
    /// False while the spool has records of an earlier run that were not taken in yet: nothing of
    /// it may go.
    var isRecovered = false
    /// For each sparse sequence, which of its objects took the last record.
    var turns: [SequenceID: SequenceTurn] = [:]
    var failure: StageFailure?
    private var lastReport = Clock.monotonicNanoseconds()

    init(_ plan: S3PutPlan, in stage: borrowing Stage) throws {
        let ledger: Ledger
        do throws(LedgerError) { ledger = try Ledger(writing: plan.state + "/ledger") } catch {
            throw StageFailure(error)
        }
        if let owner = plan.owner { try StateOwner.claim(plan.state, [("objects", owner)]) }
        var spool: Spool
        do throws(SpoolError) {
            spool = try Spool(directory: plan.state + "/spool", maximumBytes: Int64(plan.spoolMax))
        } catch { throw StageFailure(error) }
        try Files.makeDirectories(plan.state + "/staging")
        let log = stage.log
        var counters = SinkCounters(stage.stats, state: plan.state, spoolMax: plan.spoolMax)
        let figures = ServiceFigures(stage.stats)
        let credentials = plan.access?.credentials.provider(log)
        let abortedUploads = counters.abortedUploads
        let outcomes = try Outcomes()
        let committer = try Committer(
            outcomes, giveUpAfter: plan.giveUpAfter, log: log, duration: counters.requestDuration
        ) { isAbandoned in
            try plan.makeStore(
                log: log, credentials: credentials, figures: figures,
                abortedUploads: abortedUploads, isAbandoned: isAbandoned)
        }
        let writer = try ObjectWriter(plan.form, to: committer, outcomes)
        if ledger.tornBytes > 0 {
            log.warning("the ledger ended in \(ledger.tornBytes) torn bytes, which were cut off")
        }
        log.report(spool.takeDamages(), of: "spool")
        counters.common.tornBytes.add(Int(ledger.tornBytes + spool.tornBytes))
        for key in ledger.sequences {
            if let coverage = ledger.coverage(of: key) { counters.note(coverage, of: key) }
        }
        self.plan = plan
        self.log = log
        self.ledger = ledger
        self.spool = spool
        self.outcomes = outcomes
        self.committer = committer
        self.writer = writer
        self.credentials = credentials
        self.figures = figures
        self.counters = counters
        quarantine = Quarantine(path: plan.state + "/quarantine.ndjson")
        stop = stage.stopDescriptor
    }

    // MARK: - Running

    /// Delivers what an earlier run left, then what comes, until the input ends or a signal comes.
    mutating func run(_ reader: inout FrameReader, in stage: borrowing Stage) throws {
        try recover()
        var failureOfInput: (any Error)?
        stage.enter(.running)
        do { try readAll(&reader) } catch { failureOfInput = error }
        stage.enter(.draining)
        try finish()
        if let failureOfInput { throw failureOfInput }
    }

    private mutating func readAll(_ reader: inout FrameReader) throws {
        // What one read brings has to find room in a spool of any size.
        let headroom = min(4 << 20, Int64(plan.spoolMax) / 4)
        while failure == nil {
            let mayRead = spool.bytes + headroom < Int64(plan.spoolMax)
            let ready = wait(mayRead ? reader.descriptorNumber : -1)
            if ready.stop { return log.info("stopping: delivering what was read") }
            if ready.outcome { try settleOutcomes() }
            if ready.input {
                if try reader.fill() == .end { return }
                let start = spool.next
                now = Now()
                while let frame = try reader.next() {
                    tally.recordsIn += 1
                    if tally.recordsIn == faultAt { continue }
                    if try take(frame, spoolStart: start) { batch.append(frame.bytes) }
                }
                if let times = reader.lastTimes { counters.common.flow.note(times) }
                tally.bytesIn = reader.bytesRead
                try closeBatch()
                try reader.acknowledge()
            }
            sealWhatIsDue()
            try syncIfDue(isIdle: !ready.input)
            publish()
            report()
        }
    }

    /// Shows the figures as they are.
    mutating func publish() {
        counters.common.publish(tally)
        counters.note(
            spoolBytes: spool.bytes, objects: sealed.count,
            oldest: parts.values.lazy.map(\.openedAt).min(),
            due: sealed.values.lazy.map(\.sealedAt).min())
    }

    private func wait(_ input: Int32) -> (input: Bool, stop: Bool, outcome: Bool) {
        let waits: Int32 = parts.isEmpty && isSynced ? Heartbeat.longestWait : isSynced ? 200 : 20
        var watched = [
            pollfd(fd: input, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            pollfd(fd: outcomes.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&watched, 3, waits)
        return (watched[0].revents != 0, watched[1].revents != 0, watched[2].revents != 0)
    }

    private mutating func report() {
        let now = Clock.monotonicNanoseconds()
        if let credentials { figures.note(credentials) }
        guard now - lastReport >= 60_000_000_000 else { return }
        lastReport = now
        log.info(
            "progress",
            [
                "records_in": "\(tally.recordsIn)",
                "records_out": "\(tally.recordsOut)",
                "objects": "\(objectsOut)", "spool_bytes": "\(spool.bytes)",
            ])
    }
}
