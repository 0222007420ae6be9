import AWS
import Bronze
import Glibc
import Identity
import Journal
import Ledger
import ObjectWriting
import Posix
import Records
import Sink
import Spool
import Stage
import StageAWS
import Stats

/// Takes records in, builds objects and delivers them: what was read is in the spool, what was
/// delivered is in the ledger, and nothing is in neither.
///
/// One loop on the main thread: it reads records, or takes those of an earlier run again, and hears
/// signals and what the threads that write and upload have to say.
struct ObjectSink: ~Copyable {
    /// How long records may wait for the disk, ns: one sync covers all of them.
    static let syncInterval: Int64 = 1_000_000_000
    /// How often the ledger is made durable while objects are delivered one after another, ns.
    static let bookInterval: Int64 = 100_000_000
    /// How often all of many open objects are looked at, ns.
    static let lookInterval: Int64 = 50_000_000
    /// Bytes of places of records that may wait for the writer: while there are more nothing is read.
    static let mostWaitingMemory = 16 << 20
    /// How long the end of the program waits for each of its threads, seconds.
    static let joinTimeout = 2.0
    /// Bytes of an earlier run's records that are taken in a turn.
    static let readAgainBytes: Int64 = 1 << 20
    /// Partitions that are looked at for objects of a state that was lost.
    static let mostBegunPartitions = 100_000
    /// Bytes of records that are built at once while the disk is full.
    static let openBytesWhenShort: Int64 = 8 << 20

    private(set) var options: S3PutOptions
    let log: Log
    let stop: Int32
    private let reloads: Reloads
    let completions: Completions
    let uploader: Uploader
    /// Stores manifests: none waits behind objects.
    let manifests: Uploader
    let writer: ObjectWriter
    let reserve: Reserve
    /// Shared with the uploader; here for its figures only.
    private let credentials: CredentialsProvider?
    private let serviceFigures: ServiceFigures
    var figures: ObjectFigures
    var tally = SinkTally()
    var objectsOut = 0
    private let faultAt = FaultSwitch.recordToDrop
    var state: StateDirectory
    var intake: Intake
    var held: HeldIDs
    var open = OpenObjects()
    /// Objects that get no more records and are not handed to the writer yet.
    var sealed: [OpenObject] = []
    /// When all open objects were looked at last, ns of the monotonic clock.
    var lookedAt: Int64 = .min / 2
    var releasedAt: Int64 = .min / 2
    private var publishedAt: Int64 = .min / 2
    /// Finished objects that are on their way, by their staged paths.
    var staged: [String: StagedObject] = [:]
    /// Those of each sequence, in the order in which they were finished.
    var undelivered: [SequenceID: [String]] = [:]
    /// Delivered objects that wait for one before them in their sequence.
    var delivered: [String: StagedObject] = [:]
    /// Delivered objects that the ledger does not have durably.
    var unbooked: [StagedObject] = []
    /// When the first of them was delivered, ns of the monotonic clock.
    var unbookedSince: Int64 = 0
    var conflicts: Conflicts
    var chain: ManifestChain
    /// When the records at hand were read; one look at the clocks for all of them.
    var now = Instant()
    var nextName = 1
    var nextGroup = 1
    /// True while the disk of the state has no room: nothing is read, and what is open is finished.
    var isShort = false
    /// False while objects of an earlier run are on their way: nothing of the spool may go.
    var isRecovered = false
    /// Holes of books that are to be declared.
    var holes = HoleWatch()
    /// Records from here on wait for a person's decision: they stay in the spool.
    var undecidedFrom: RecordPosition?
    /// Why nothing more is delivered.
    var failure: StageFailure?
    /// Why nothing more is taken in; what was is delivered.
    var halt: StageFailure?
    /// Sequences of which a record with an impossible time was told.
    var toldTimes: Set<SequenceID> = []
    /// Sequences that the ledger knew when it was opened.
    let knownSequences: Set<SequenceID>
    /// Partitions of other sequences that this run has begun.
    var begunPartitions: Set<Partition> = []
    private var lastReport = Clock.monotonicNanoseconds()

    init(
        _ options: S3PutOptions, in stage: borrowing Stage, _ credentials: CredentialsProvider?,
        _ serviceFigures: ServiceFigures
    ) throws {
        let log = stage.log
        var state = try StateDirectory(
            options.state, claims: options.owner.map { [("objects", $0)] } ?? [], log: log)
        try Layout.note(in: options.state, state.ledger, options.destination, log)
        let spool = try Spool(
            directory: options.state + "/spool", segmentBytes: options.segmentBytes,
            maximumBytes: .max, damaged: options.state + "/damaged")
        try Files.makeDurableDirectories(options.state + "/staging")
        var figures = ObjectFigures(stage.stats, state: options.state, spoolMax: options.spoolMax)
        figures.common.tornBytes.add(Int(state.ledger.tornBytes + spool.tornBytes))
        figures.noteChange(of: state.ledger.sequences)
        let known = Set(state.ledger.sequences)
        state.ledger.keepProgress(onlyIn: [spool.id])
        log.report(state.ledger.takeDamages(), of: "ledger")
        let chain = try ManifestChain(state: options.state)
        let conflicts = try Conflicts(directory: options.state + "/conflicts")
        figures.note(conflicting: conflicts.kept)
        var intake = Intake(spool)
        log.report(intake.takeDamages(), of: "spool")
        let abortedUploads = figures.abortedUploads
        let completions = try Completions()
        let uploader = try Uploader(
            completions, threads: options.parallelUploads, giveUpAfter: options.giveUpAfter,
            log: log,
            duration: figures.requestDuration,
            otherSinks: OtherSinks(options, credentials, log)
        ) { isFirst, isAbandoned in
            var store = try ObjectStore.make(
                options, log: log, credentials: credentials, figures: serviceFigures,
                isAbandoned: isAbandoned)
            if isFirst {
                abortedUploads.add(store.abortLeftovers(options, log))
            }
            return store
        }
        let manifests: Uploader
        let writer: ObjectWriter
        do {
            manifests = try Uploader(
                completions, threads: 1, giveUpAfter: options.giveUpAfter, log: log,
                duration: figures.requestDuration
            ) { _, isAbandoned in
                try ObjectStore.make(
                    options, log: log, credentials: credentials, figures: serviceFigures,
                    isAbandoned: isAbandoned)
            }
            writer = try ObjectWriter(options.form, to: uploader, completions)
        } catch {
            uploader.end(seconds: Self.joinTimeout)
            throw error
        }
        self.options = options
        self.log = log
        knownSequences = known
        self.writer = writer
        reserve = state.reserve
        self.state = state
        self.intake = intake
        self.completions = completions
        self.uploader = uploader
        self.manifests = manifests
        self.chain = chain
        self.credentials = credentials
        self.serviceFigures = serviceFigures
        self.figures = figures
        self.conflicts = conflicts
        held = HeldIDs(options.idLimits, renewable: options.newEpochs)
        stop = stage.stopDescriptor
        reloads = stage.reloads
    }

    /// The threads must not outlive the program's end: see `BackgroundThread`.
    deinit {
        writer.end(seconds: Self.joinTimeout)
        uploader.end(seconds: Self.joinTimeout)
        manifests.end(seconds: Self.joinTimeout)
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

    /// Takes over what a new configuration may change while the run goes on.
    private mutating func takeOver(_ new: S3PutOptions) {
        options.takeOver(new)
        if let credentials, let configured = new.access?.credentials {
            credentials.takeOver(configured.provider(log))
        }
    }

    private mutating func readAll(_ reader: inout FrameReader) throws {
        // What one read brings has to find room in a spool of any size: the headroom.
        while failure == nil, halt == nil {
            if let new = reloads.take(S3PutOptions.self) { takeOver(new) }
            let headroom = min(4 << 20, Int64(options.spoolMax) / 4)
            try lookForRoom()
            let isBehind = writer.waitingMemory >= Self.mostWaitingMemory
            let hasRoom =
                !isShort && !intake.hasOpenBatch
                && !isBehind
                && intake.spool.bytes + headroom < Int64(options.spoolMax)
            let reads = hasRoom && !intake.hasLeftovers
            let takesAgain = intake.hasLeftovers && mayTakeAgain
            if !reads, !takesAgain, !isBehind { finishWhatIsInTheWay() }
            let ready = wait(reads ? reader.descriptorNumber : -1, isBusy: takesAgain)
            if ready.stop { return log.info("stopping: delivering what was read") }
            if ready.completion { try settle() }
            if takesAgain {
                now = Instant()
                try takeAgain()
            } else if ready.input {
                if try reader.fill() == .end { return }
                try takeIn(&reader)
            }
            sealWhatIsDue()
            try keepBooks(isIdle: !ready.input && !takesAgain)
        }
    }

    private mutating func takeIn(_ reader: inout FrameReader) throws {
        now = Instant()
        var end: (any Error)?
        do {
            while let frame = try reader.next() {
                tally.recordsIn += 1
                if tally.recordsIn == faultAt { continue }
                try take(frame, at: intake.next, isNew: true)
            }
        } catch { end = error }
        if let times = reader.lastTimes { figures.common.flow.note(times) }
        tally.bytesIn = reader.bytesRead
        try closeBatch()
        // A FIFO may forget what the spool has.
        if !intake.hasOpenBatch { try reader.acknowledge() }
        if let end { throw end }
    }

    /// Shows the figures as they are.
    mutating func publish() {
        guard Self.isTime(staged.count, since: &publishedAt) else { return }
        tally.quarantineLeftOut = state.quarantine.leftOut
        figures.common.publish(tally)
        figures.note(
            spoolBytes: intake.spool.bytes, objects: staged.count, oldest: open.oldest,
            due: staged.values.lazy.map(\.sealedAt).min())
        figures.note(reserve: reserve.isHeld ? reserve.bytes : 0)
    }

    private func wait(
        _ input: Int32, isBusy: Bool
    ) -> (input: Bool, stop: Bool, completion: Bool) {
        let isSettled = open.isEmpty && intake.isDurable && unbooked.isEmpty
        let waits: Int32 =
            isBusy ? 0 : isSettled ? Heartbeat.longestWait : intake.isDurable ? 200 : 20
        var watched = [
            pollfd(fd: input, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            pollfd(fd: completions.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&watched, 3, waits)
        return (watched[0].revents != 0, watched[1].revents != 0, watched[2].revents != 0)
    }

    /// What is done once a turn, whatever happened.
    private mutating func keepBooks(isIdle: Bool) throws {
        if !intake.hasLeftovers { try declareHoles() }
        try book()
        try syncIfDue(isIdle: isIdle)
        figures.showCoverage(state.ledger, now: Clock.monotonicNanoseconds())
        publish()
        report()
    }

    private mutating func report() {
        let now = Clock.monotonicNanoseconds()
        if let credentials { serviceFigures.note(credentials) }
        guard now - lastReport >= 60_000_000_000 else { return }
        lastReport = now
        log.info(
            "progress",
            [
                "records_in": "\(tally.recordsIn)",
                "records_out": "\(tally.recordsOut)",
                "objects": "\(objectsOut)", "spool_bytes": "\(intake.spool.bytes)",
            ])
    }
}
