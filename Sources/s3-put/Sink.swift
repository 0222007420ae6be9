import AWS
import Avro
import Glibc
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
    /// Objects that are built at once; one more seals the one that was idle longest. With a block
    /// of at most 512 KiB each this bounds the memory.
    static let maximumParts = 32
    /// How long records may wait for the disk, ns: one sync covers all of them.
    private static let syncInterval: Int64 = 1_000_000_000

    private let plan: S3PutPlan
    private let log: Log
    private let stop: Int32
    private let committer: Committer
    /// Shared with the committer; here for its figures only.
    private let credentials: CredentialsProvider?
    private let figures: ServiceFigures
    private var counters: SinkCounters
    private var tally = SinkTally()
    private let faultAt = FaultSwitch.recordToDrop
    private let quarantine: Quarantine
    private let compressor: StreamCompressor
    private var ledger: Ledger
    private var spool: Spool
    private var holdings = Holdings()
    private var parts: [Partition: Part] = [:]
    /// The part of the record before: most records follow it there.
    private var lastPart: Part?
    /// When the records at hand were read; one look at the clocks for all of them.
    private var now = Now()
    private var sealed: [String: SealedObject] = [:]
    private var batch = Bytes(capacity: 1 << 20)
    private var nextName = 1
    private var lastSync: Int64 = 0
    private var isSynced = true
    private var failure: StageFailure?
    private var lastReport = Clock.monotonicNanoseconds()

    init(_ plan: S3PutPlan, in stage: borrowing Stage) throws {
        let ledger: Ledger
        do throws(LedgerError) { ledger = try Ledger(writing: plan.state + "/ledger") } catch {
            throw StageFailure(error)
        }
        let spool: Spool
        do throws(SpoolError) {
            spool = try Spool(directory: plan.state + "/spool", maximumBytes: Int64(plan.spoolMax))
        } catch { throw StageFailure(error) }
        try Files.makeDirectories(plan.state + "/staging")
        let log = stage.log
        var counters = SinkCounters(stage.stats, state: plan.state, spoolMax: plan.spoolMax)
        let figures = ServiceFigures(stage.stats)
        let credentials = plan.access?.credentials.provider(log)
        let abortedUploads = counters.abortedUploads
        let committer = try Committer(
            giveUpAfter: plan.giveUpAfter, log: log, duration: counters.requestDuration
        ) { isAbandoned in
            try plan.makeStore(
                log: log, credentials: credentials, figures: figures,
                abortedUploads: abortedUploads, isAbandoned: isAbandoned)
        }
        let compressor = try plan.form.makeCompressor()
        if ledger.tornBytes > 0 {
            log.warning("the ledger ended in \(ledger.tornBytes) torn bytes, which were cut off")
        }
        if spool.tornBytes > 0 {
            log.warning("the spool ended in \(spool.tornBytes) torn bytes, which were cut off")
        }
        counters.tornBytes.add(Int(ledger.tornBytes + spool.tornBytes))
        for key in ledger.sequences {
            if let coverage = ledger.coverage(of: key) { counters.note(coverage, of: key) }
        }
        self.plan = plan
        self.log = log
        self.ledger = ledger
        self.spool = spool
        self.committer = committer
        self.credentials = credentials
        self.figures = figures
        self.counters = counters
        self.compressor = compressor
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
        while failure == nil {
            let mayRead = spool.bytes + (4 << 20) < Int64(plan.spoolMax)
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
                if let times = reader.lastTimes { counters.flow.note(times) }
                tally.bytesIn = reader.bytesRead
                try closeBatch()
            }
            try sealWhatIsDue()
            try syncIfDue(isIdle: !ready.input)
            publish()
            report()
        }
    }

    /// Shows the figures as they are.
    private mutating func publish() {
        counters.publish(tally)
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
            pollfd(fd: committer.outcomeDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&watched, 3, waits)
        return (watched[0].revents != 0, watched[1].revents != 0, watched[2].revents != 0)
    }

    // MARK: - Taking in

    /// Puts a record into its object, unless it is held already.
    ///
    /// - Parameter spoolStart: where the spool has it, or will have it.
    /// - Returns: true when an object has it now.
    private mutating func take(
        _ frame: borrowing FrameView, spoolStart: Spool.Position
    ) throws -> Bool {
        guard holdings.take(frame, ledger) else {
            tally.refused += 1
            return false
        }
        let partition = Partition(
            sequence: frame.sequence, hour: plan.times.hour(of: frame.eventTime, now: now.real))
        let part: Part
        if let lastPart, lastPart.partition == partition {
            part = lastPart
        } else {
            part =
                try parts[partition]
                ?? open(partition, firstID: frame.firstID, spoolStart: spoolStart)
            lastPart = part
        }
        do {
            try part.append(frame, compressor, now: now.monotonic)
        } catch let error as FrameError {
            try quarantine.add(frame, because: "\(error)")
            tally.quarantined += 1
            log.warning("a record was put into \(quarantine.path): \(error)")
            return false
        }
        tally.waiting += 1
        if part.bytes >= Int64(plan.objectBytes) { try seal(part) }
        return true
    }

    private mutating func open(
        _ partition: Partition, firstID: Int64, spoolStart: Spool.Position
    ) throws -> Part {
        if parts.count >= Self.maximumParts,
            let idlest = parts.values.min(by: { $0.lastRecordAt < $1.lastRecordAt })
        {
            try seal(idlest)
        }
        let path = "\(plan.state)/staging/\(getpid())-\(nextName)"
        nextName += 1
        let part = try Part(
            partition, form: plan.form, firstID: firstID, stagedPath: path,
            spoolStart: spoolStart, now: now.monotonic)
        parts[partition] = part
        return part
    }

    /// Hands the records of one read to the spool, as one entry.
    private mutating func closeBatch() throws {
        guard !batch.isEmpty else { return }
        do throws(SpoolError) { try Self.append(batch, to: &spool) } catch {
            throw StageFailure(error)
        }
        batch.removeAll()
        isSynced = false
    }

    /// Apart from `self`, whose parts may not be lent and changed at once.
    private static func append(
        _ batch: borrowing Bytes, to spool: inout Spool
    ) throws(SpoolError) {
        try spool.append(batch.span)
    }

    private mutating func syncIfDue(isIdle: Bool) throws {
        let now = Clock.monotonicNanoseconds()
        guard !isSynced, isIdle || now - lastSync > Self.syncInterval else { return }
        try syncSpool()
    }

    private mutating func syncSpool() throws {
        do throws(SpoolError) { try spool.sync() } catch { throw StageFailure(error) }
        lastSync = Clock.monotonicNanoseconds()
        isSynced = true
    }

    // MARK: - Delivering

    private mutating func sealWhatIsDue() throws {
        let now = Clock.monotonicNanoseconds()
        for part in parts.values
        where Double(now - part.openedAt) / 1e9 >= plan.objectAge
            || Double(now - part.lastRecordAt) / 1e9 >= plan.objectIdle
        {
            try seal(part)
        }
    }

    private mutating func seal(_ part: Part) throws {
        // What is in the batch is in no spool entry yet; the object may be delivered before.
        parts[part.partition] = nil
        if lastPart === part { lastPart = nil }
        let object = try part.seal(compressor)
        sealed[object.stagedPath] = object
        committer.deliver(object)
    }

    /// Books what was delivered: first the ledger, then the staged files and the spool.
    private mutating func settleOutcomes() throws {
        var delivered: [SealedObject] = []
        for outcome in committer.takeOutcomes() {
            switch outcome.result {
            case .success(let isNew):
                delivered.append(outcome.object)
                log.debug("\(isNew ? "stored" : "was there already"): \(outcome.object.key)")
            case .failure(let error):
                if failure == nil { failure = error }
            }
        }
        guard !delivered.isEmpty else { return }
        for object in delivered {
            ledger.add(object.sequence, held: object.held)
            for entry in object.declared { ledger.add(entry.key, declared: entry.ranges) }
        }
        do throws(LedgerError) { try ledger.commit() } catch { throw StageFailure(error) }
        for object in delivered {
            try object.removeStaged()
            sealed[object.stagedPath] = nil
            tally.recordsOut += object.records
            tally.waiting -= object.records
            tally.bytesOut += object.bytes
            tally.objects += 1
            counters.noteObject(template: object.sequence.template)
            if let coverage = ledger.coverage(of: object.sequence) {
                counters.note(coverage, of: object.sequence)
            }
            for entry in object.declared {
                if let coverage = ledger.coverage(of: entry.key) {
                    counters.note(coverage, of: entry.key)
                }
            }
            if let received = object.firstIngest { counters.flow.noteOut(receivedAt: received) }
        }
        try releaseSpool()
    }

    private mutating func releaseSpool() throws {
        // A batch that is open has its start where the spool ends.
        let needed = parts.values.map(\.spoolStart) + sealed.values.compactMap(\.spoolStart)
        do throws(SpoolError) {
            try spool.release(before: needed.min() ?? spool.next)
        } catch { throw StageFailure(error) }
    }

    // MARK: - The end

    /// Seals everything and waits for its delivery; after a signal not longer than the drain
    /// timeout.
    private mutating func finish() throws {
        try closeBatch()
        try syncSpool()
        for part in parts.values { try seal(part) }
        let isStopping = Descriptor.isReadable(stop)
        let deadline = Clock.monotonicNanoseconds() + Int64(plan.drainTimeout * 1e9)
        while !sealed.isEmpty && failure == nil {
            publish()
            let left = Double(deadline - Clock.monotonicNanoseconds()) / 1e9
            if isStopping && left <= 0 {
                committer.abandon()
                break
            }
            Descriptor.waitUntilReadable(
                committer.outcomeDescriptor, seconds: min(isStopping ? left : 2, 2))
            try settleOutcomes()
        }
        publish()
        let summary =
            "\(tally.recordsOut) records in \(tally.objects) objects at "
            + plan.destination.description
        log.info(
            summary,
            [
                "refused": "\(tally.refused)",
                "quarantined": "\(tally.quarantined)",
            ])
        if let failure {
            throw StageFailure(
                failure.code,
                "\(failure); \(sealed.count) finished objects stay in \(plan.state) for the next run"
            )
        }
        guard sealed.isEmpty else {
            throw StageFailure(
                .gaveUp, "\(sealed.count) finished objects stay in \(plan.state) for the next run")
        }
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
                "objects": "\(tally.objects)", "spool_bytes": "\(spool.bytes)",
            ])
    }

    // MARK: - Recovery

    /// Delivers finished objects of an earlier run, drops unfinished ones, and takes the spool's
    /// records in again; the ledger refuses those that were delivered.
    private mutating func recover() throws {
        let staging = plan.state + "/staging"
        for name in try Files.list(staging) where name.hasSuffix(SealedObject.manifestSuffix) {
            guard let object = try SealedObject(manifest: "\(staging)/\(name)"),
                Files.exists(object.stagedPath)
            else {
                try Files.remove("\(staging)/\(name)")
                continue
            }
            sealed[object.stagedPath] = object
            tally.recovered += object.records
            tally.waiting += object.records
            committer.deliver(object)
        }
        while !sealed.isEmpty {
            publish()
            Descriptor.waitUntilReadable(committer.outcomeDescriptor, seconds: 2)
            try settleOutcomes()
            if let failure { throw failure }
        }
        for name in try Files.list(staging) { try Files.remove("\(staging)/\(name)") }
        guard !spool.isEmpty else { return }
        log.info("an earlier run left \(spool.bytes) bytes in the spool; taking them in again")
        let replay: Spool.Replay
        do throws(SpoolError) { replay = try spool.replay() } catch { throw StageFailure(error) }
        now = Now()
        try replay.forEach { position, entry in
            var rest = entry
            while rest.byteCount > 0 {
                let frame = try FrameView(firstIn: rest)
                tally.recovered += 1
                _ = try take(frame, spoolStart: position)
                rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
            }
        }
        try releaseSpool()
        publish()
    }
}
