import AWS
import Encoding
import Glibc
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
    /// Bytes of an earlier run's records that are taken in a turn.
    private static let readAgainBytes: Int64 = 1 << 20
    /// Bytes of records that are built at once while the disk is full.
    private static let openBytesWhenShort: Int64 = 8 << 20

    private var state: SinkState
    private var filler = ObjectFiller()
    private var delivery: ObjectDelivery
    private let stop: Int32
    private let reloads: Reloads
    /// Shared with the uploader; here for its figures only.
    private let credentials: CredentialsProvider?
    private let serviceFigures: ServiceFigures
    private let faultAt = FaultSwitch.recordToDrop
    private var lastReport = Clock.monotonicNanoseconds()

    init(
        _ options: S3PutOptions, in stage: borrowing Stage, _ credentials: CredentialsProvider?,
        _ serviceFigures: ServiceFigures
    ) throws {
        var state = try SinkState(options, in: stage)
        delivery = try ObjectDelivery(
            options, in: stage, &state.figures, credentials, serviceFigures)
        self.state = state
        self.credentials = credentials
        self.serviceFigures = serviceFigures
        stop = stage.stopDescriptor
        reloads = stage.reloads
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
        state.options.takeOver(new)
        if let credentials, let configured = new.access?.credentials {
            credentials.takeOver(configured.provider(state.log))
        }
    }

    private mutating func readAll(_ reader: inout FrameReader) throws {
        // What one read brings has to find room in a spool of any size: the headroom.
        while delivery.failure == nil, filler.halt == nil {
            if let new = reloads.take(S3PutOptions.self) { takeOver(new) }
            let headroom = min(4 << 20, Int64(state.options.spoolMax) / 4)
            try state.lookForRoom(isBooked: delivery.unbooked.isEmpty)
            let isBehind = delivery.isBehind
            let hasRoom =
                !state.room.isShort && !state.intake.hasOpenBatch
                && !isBehind
                && state.intake.spool.bytes + headroom < Int64(state.options.spoolMax)
            let reads = hasRoom && !state.intake.hasLeftovers
            let takesAgain = state.intake.hasLeftovers && mayTakeAgain
            if !reads, !takesAgain, !isBehind { finishWhatIsInTheWay() }
            let ready = wait(reads ? reader.descriptorNumber : -1, isBusy: takesAgain)
            if ready.stop { return state.log.info("stopping: delivering what was read") }
            if ready.completion { try delivery.settle(&state) }
            if takesAgain {
                filler.now = Instant()
                try takeAgain()
            } else if ready.input {
                if try reader.fill() == .end { return }
                try takeIn(&reader)
            }
            state.open.sealDue(
                age: state.options.objectAge, idle: state.options.objectIdle,
                now: Clock.monotonicNanoseconds())
            delivery.handOver(&state)
            try keepBooks()
        }
    }

    private mutating func takeIn(_ reader: inout FrameReader) throws {
        filler.now = Instant()
        var end: (any Error)?
        do {
            while let frame = try reader.next() {
                state.tally.recordsIn += 1
                if state.tally.recordsIn == faultAt { continue }
                if filler.takeNext(frame, &state) { continue }
                try filler.take(frame, at: state.intake.next, isNew: true, &state)
            }
        } catch { end = error }
        try filler.declareAsides(&state)
        if let times = reader.lastTimes { state.figures.common.flow.note(times) }
        state.tally.bytesIn = reader.bytesRead
        try state.closeBatch()
        // A FIFO may forget what the spool has.
        if !state.intake.hasOpenBatch { try reader.acknowledge() }
        if let end { throw end }
    }

    private func wait(
        _ input: Int32, isBusy: Bool
    ) -> (input: Bool, stop: Bool, completion: Bool) {
        let isSettled = state.open.isEmpty && state.intake.isDurable && delivery.unbooked.isEmpty
        let untilSync =
            state.intake.isDurable
            ? 200
            : state.intake.millisecondsUntilSync(
                now: Clock.monotonicNanoseconds(), interval: state.options.syncInterval)
        let waits: Int32 = isBusy ? 0 : isSettled ? Heartbeat.longestWait : min(200, untilSync)
        var watched = [
            pollfd(fd: input, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            pollfd(fd: delivery.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&watched, 3, waits)
        return (watched[0].revents != 0, watched[1].revents != 0, watched[2].revents != 0)
    }

    /// What is done once a turn, whatever happened.
    private mutating func keepBooks() throws {
        if !state.intake.hasLeftovers {
            try filler.declareHoles(&state)
            try declareAsides()
        }
        try delivery.book(&state)
        try state.syncIfDue()
        state.figures.showCoverage(state.directory.ledger, now: Clock.monotonicNanoseconds())
        delivery.publish(&state)
        report()
    }

    /// Of records that were put aside otherwise than while reading: objects in conflict, records of an
    /// earlier run.
    private mutating func declareAsides() throws {
        if !state.intake.hasLeftovers { state.noteDamages() }
        guard !state.asides.isEmpty, !state.room.isShort, !state.intake.hasOpenBatch else { return }
        try filler.declareAsides(&state)
        try state.closeBatch()
    }

    private mutating func report() {
        let now = Clock.monotonicNanoseconds()
        if let credentials { serviceFigures.note(credentials) }
        guard now - lastReport >= 60_000_000_000 else { return }
        lastReport = now
        state.log.info(
            "progress",
            [
                "records_in": "\(state.tally.recordsIn)",
                "records_out": "\(state.tally.recordsOut)",
                "objects": "\(delivery.count)", "spool_bytes": "\(state.intake.spool.bytes)",
            ])
    }

    // MARK: - What an earlier run left

    /// Goes on from where an earlier run was ended: its finished objects are delivered, and the
    /// spool's other records are taken in before anything is read.
    private mutating func recover() throws {
        guard try delivery.recover(&state) else { return try finish() }
        // What was found again was booked just now: a later object that spans it meets no stranger.
        state.open.note(known: state.directory.ledger.sequences)
        filler.noteOldHoles(state.directory.ledger)
        if state.intake.hasLeftovers {
            state.log.info(
                "an earlier run left \(state.intake.leftoverBytes) bytes in the spool; "
                    + "replaying them")
        } else {
            try delivery.book(&state)
        }
        delivery.publish(&state)
    }

    /// True when records of an earlier run may be built into objects: on a full disk only a few at a
    /// time, so that this needs no room.
    private var mayTakeAgain: Bool {
        !state.room.isShort
            || delivery.staged.isEmpty && delivery.unbooked.isEmpty
                && state.open.bytes < Self.openBytesWhenShort
    }

    /// Takes some of the records again that an earlier run left in the spool; those that were
    /// delivered are refused.
    private mutating func takeAgain() throws {
        guard let leftovers = try state.intake.leftovers(atLeast: Self.readAgainBytes) else {
            return
        }
        try leftovers.forEach { frame, position in
            state.tally.recovered += 1
            try filler.take(frame, at: position, isNew: false, &state)
        }
        state.intake.took(leftovers)
        try state.flushQuarantine()
    }

    /// Finishes what keeps the front of a full spool, or everything on a full disk: nothing more is
    /// read until that is delivered, so that waiting for more records would be in vain.
    private mutating func finishWhatIsInTheWay() {
        guard !state.open.isEmpty else { return }
        let isMoving = !delivery.staged.isEmpty || !delivery.unbooked.isEmpty
        if state.room.isShort || !isMoving {
            state.open.sealAll()
        } else {
            state.open.sealFront(segment: state.intake.spool.first.segment)
        }
        delivery.handOver(&state)
    }

    // MARK: - The end

    /// Finishes everything, waits for its delivery and says what became of it.
    ///
    /// - Throws: when something could not be delivered; it stays for the next run.
    private mutating func finish() throws {
        if delivery.failure == nil, filler.halt == nil, !state.intake.hasLeftovers {
            try filler.declareHoles(all: true, &state)
        }
        repeat {
            try declareAsides()
            try state.closeBatch()
            try state.syncIfDue(all: true)
            state.open.sealAll()
            delivery.handOver(&state)
            try delivery.awaitDeliveries(&state)
            // An object in conflict may have come up only now.
        } while !state.asides.isEmpty && mayDeclare
        state.figures.showCoverage(
            state.directory.ledger, now: Clock.monotonicNanoseconds(), always: true)
        try? state.directory.ledger.commit()
        state.log.info(
            "\(Spoken.count(state.tally.recordsOut, "record")) in \(Spoken.count(delivery.count, "object")) at "
                + state.options.destination.description,
            [
                "refused": "\(state.tally.refused)",
                "quarantined": "\(state.tally.quarantined)",
                "possible_repeats": "\(state.tally.possibleRepeats)",
            ])
        try requireDelivered()
    }

    /// True while nothing keeps gap records of what was put aside from being delivered.
    private var mayDeclare: Bool {
        delivery.failure == nil && delivery.staged.isEmpty && !state.intake.hasLeftovers
            && !state.room.isShort && !state.intake.hasOpenBatch
    }

    /// - Throws: why the run is not a success.
    private func requireDelivered() throws {
        let left = delivery.staged.count + delivery.unbooked.count
        let rest =
            "\(Spoken.count(left, "object stays", plural: "objects stay")) in \(state.options.state) for the next run"
        if state.intake.hasOpenBatch, left > 0 {
            state.log.error(
                "\(state.intake.openBytes) bytes of records did not fit into \(state.options.state) and are lost"
            )
        }
        if let failure = delivery.failure {
            throw StageFailure(failure.exitStatus, left > 0 ? "\(failure); \(rest)" : "\(failure)")
        }
        if left > 0 {
            let last = delivery.lastTrouble.map { "; the last failure: \($0)" } ?? ""
            throw StageFailure(.gaveUp, "the time to drain has expired\(last); \(rest)")
        }
        if let halt = filler.halt { throw halt }
        if state.intake.hasLeftovers {
            throw StageFailure(
                .gaveUp,
                "up to \(state.intake.leftoverBytes) bytes of records of an earlier run stay in "
                    + "\(state.options.state) for the next run")
        }
        if let conflict = delivery.conflicts.failure { throw conflict }
        let came = state.tally.recordsIn + state.tally.recovered - state.asides.told
        if came > 0, state.tally.quarantined == came {
            throw StageFailure(
                .badInput,
                "none of \(came) records could be delivered; they are in \(state.directory.quarantine.path)"
            )
        }
    }
}
