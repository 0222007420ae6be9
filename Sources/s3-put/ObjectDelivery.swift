import AWS
import Bronze
import Encoding
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

/// Delivers objects: has sealed ones made and stored by threads of their own, and books what was
/// delivered.
struct ObjectDelivery: ~Copyable {
    /// How long the end of the program waits for each of its threads, seconds.
    static let joinTimeout = 2.0
    /// Bytes of places of records that may wait for the writer: while there are more nothing is read.
    private static let mostWaitingMemory = 16 << 20

    private let completions: Completions
    private let uploader: Uploader
    /// Stores manifests: none waits behind objects.
    private let manifests: Uploader
    private let writer: ObjectWriter
    private let memoryNotes: MemoryNotes
    private let stop: Int32
    private(set) var staged = DeliveryOrder()
    private(set) var unbooked: UnbookedObjects
    private(set) var conflicts: Conflicts
    /// Objects in conflict that the disk had no room to keep.
    private var unkept: [(object: StagedObject, theirs: String, ours: String)] = []
    /// Why nothing more is delivered.
    private(set) var failure: StageFailure?
    /// Objects that were delivered.
    private(set) var count = 0
    /// False while objects of an earlier run are on their way: nothing of the spool may go.
    private var isRecovered = false
    private var releasedAt: Int64 = .min / 2
    private var publishedAt: Int64 = .min / 2

    init(
        _ options: S3PutOptions, in stage: borrowing Stage, _ figures: inout ObjectFigures,
        _ credentials: CredentialsProvider?, _ serviceFigures: ServiceFigures
    ) throws {
        let log = stage.log
        let memoryNotes = try MemoryNotes(directory: options.state)
        let unbooked = UnbookedObjects(try ManifestChain(state: options.state), memoryNotes)
        let conflicts = try Conflicts(directory: options.state + "/conflicts")
        figures.note(conflicting: conflicts.kept)
        let abortedUploads = figures.abortedUploads
        let completions = try Completions()
        let uploader = try Uploader(
            completions, threads: options.parallelUploads, giveUpAfter: options.giveUpAfter,
            log: log,
            duration: figures.requestDuration,
            otherSinks: OtherSinks(options, credentials, log),
            storedCheck: StoredCheck(options, credentials, log)
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
            writer = try ObjectWriter(options.form, to: uploader, memoryNotes, completions)
        } catch {
            uploader.end(seconds: Self.joinTimeout)
            throw error
        }
        self.unbooked = unbooked
        self.conflicts = conflicts
        self.completions = completions
        self.uploader = uploader
        self.manifests = manifests
        self.writer = writer
        self.memoryNotes = memoryNotes
        stop = stage.stopDescriptor
    }

    /// The threads must not outlive the program's end: see `BackgroundThread`.
    deinit {
        writer.end(seconds: Self.joinTimeout)
        uploader.end(seconds: Self.joinTimeout)
        manifests.end(seconds: Self.joinTimeout)
    }

    /// Readable when a thread has something to say.
    var descriptor: Int32 { completions.descriptor }

    /// What went wrong last at the destination, for the message of a run that leaves something; nil when
    /// nothing did.
    var lastTrouble: String? { uploader.lastTrouble ?? manifests.lastTrouble }

    /// True while the writer has so much to do that nothing more is to be read.
    var isBehind: Bool { writer.waitingMemory >= Self.mostWaitingMemory }

    // MARK: - Making

    /// Has sealed objects made and delivered; they count as on their way until they are booked. The
    /// spool has their records by now, unless the disk is full.
    mutating func handOver(_ state: inout SinkState) {
        let all = state.open.takeSealed()
        guard !all.isEmpty else { return }
        let unspooledFrom = RecordPosition(entry: state.intake.spool.next).linear
        var unspooled: (start: Int64, records: [UInt8])?
        if state.intake.hasOpenBatch, all.contains(where: { $0.spoolEnd.linear >= unspooledFrom }) {
            unspooled = (unspooledFrom, state.intake.openRecords())
        }
        var batch: [SealedObject] = []
        var bytes: Int64 = 0
        for object in all {
            guard let own = object.seal(state.options.form, spool: state.intake.spool.id) else {
                continue
            }
            staged.add(own.object)
            if batch.count == SealedBatch.mostObjects
                || !batch.isEmpty && bytes + own.bytes > SealedBatch.mostBytes
            {
                write(batch, unspooled, state.intake)
                (batch, bytes) = ([], 0)
            }
            batch.append(own)
            bytes += own.bytes
        }
        if !batch.isEmpty { write(batch, unspooled, state.intake) }
    }

    private func write(
        _ objects: [SealedObject], _ unspooled: (start: Int64, records: [UInt8])?,
        _ intake: borrowing Intake
    ) {
        var files: [UInt64: Spool.File] = [:]
        let first = objects.compactMap { $0.object.spoolStart?.entry.segment }.min() ?? 0
        let last = objects.compactMap { $0.object.booking.progress?.through }.max() ?? 0
        for segment in first...max(first, UInt64(bitPattern: last) >> 32) {
            files[segment] = intake.spool.file(of: segment)
        }
        writer.write(SealedBatch(objects: objects, files: files, unspooled: unspooled))
    }

    // MARK: - Booking

    /// Takes note of what was delivered, and what was not.
    mutating func settle(_ state: inout SinkState) throws {
        for completion in completions.takeAll() {
            switch completion {
            case .delivered(let object, _) where object.isManifest:
                state.log.debug("stored: \(object.key)")
                unbooked.noteStored()
                try book(&state)
            case .conflicting(let object, _, _) where object.isManifest:
                if failure == nil {
                    failure = unbooked.chain.fenced(
                        state.options.destination, state: state.options.state)
                }
            case .delivered(let object, let isNew):
                state.log.debug("\(isNew ? "stored" : "was there already"): \(object.key)")
                for object in staged.complete(object) { try noteDelivered(object, &state) }
            case .conflicting(let object, let theirs, let ours):
                try keepAside(object, theirs: theirs, ours: ours, &state)
            case .absent(let object):
                state.log.debug("was not stored: \(object.key)")
                try memoryNotes.done(object)
                // The spool has its records.
                state.tally.recovered -= object.records
                state.tally.waiting -= object.records
                for object in staged.drop(object) { try noteDelivered(object, &state) }
            case .roomIsShort: state.noteNoRoom()
            case .failed(let error):
                if failure == nil { failure = error }
            }
        }
    }

    private mutating func noteDelivered(
        _ object: StagedObject, _ state: inout SinkState
    ) throws {
        // The file first: that makes room for the ledger. Its note says that it was delivered.
        try object.removeFile()
        object.booking.book(in: &state.directory.ledger)
        if let group = object.group { state.held.forget(group, of: object.booking.sequence) }
        unbooked.add(object)
        state.tally.recordsOut += object.records
        state.tally.waiting -= object.records
        state.tally.bytesOut += object.bytes
        count += 1
        state.figures.noteObject(template: object.booking.sequence.template)
        state.figures.noteChange(of: object.booking.changes)
        if let received = object.firstIngest {
            state.figures.common.flow.noteOut(receivedAt: received)
        }
    }

    /// One object never stops the others: it is kept, told, and the run ends with an error.
    private mutating func keepAside(
        _ object: StagedObject, theirs: String, ours: String, _ state: inout SinkState
    ) throws {
        let path: String
        var conflicts = conflicts
        do throws(SystemError) {
            path = try state.room.reserve.spending { () throws(SystemError) in
                try conflicts.keep(object, theirs: theirs, ours: ours)
            }
            self.conflicts = conflicts
        } catch {
            guard error.isNoRoom else { throw error }
            state.noteNoRoom()
            return unkept.append((object, theirs, ours))
        }
        try memoryNotes.done(object)
        state.asides.add(
            object.booking.held, of: object.booking.sequence,
            eventTime: object.booking.times?.lowerBound ?? Clock.realtimeNanoseconds() / 1000,
            in: path, because: "its object met other content at its key")
        state.untold.append(object.booking)
        state.held.giveBack(
            object.booking.held, of: object.booking.sequence, &state.directory.ledger)
        if let group = object.group { state.held.forget(group, of: object.booking.sequence) }
        state.tally.waiting -= object.records
        state.tally.notePutAside(.conflictingObject, records: object.records)
        state.figures.note(conflicting: conflicts.kept)
        state.log.error(
            "\(state.options.destination.description)/\(object.key) was not stored: the key has other content, "
                + "which is not in the ledger and was not changed; ours is kept in \(path)",
            ["theirs": "\(theirs)", "ours": "\(ours)"], cause: "object_conflict")
        for object in staged.drop(object) { try noteDelivered(object, &state) }
    }

    private mutating func keepThoseWithoutRoom(_ state: inout SinkState) throws {
        let all = unkept
        unkept = []
        for entry in all {
            try keepAside(entry.object, theirs: entry.theirs, ours: entry.ours, &state)
        }
    }

    /// Has a manifest of what was delivered stored; when it is, makes the ledger durable, and then
    /// removes what it has.
    ///
    /// - Parameter always: false leaves it for a moment while more is delivered.
    mutating func book(always: Bool = false, _ state: inout SinkState) throws {
        if !unkept.isEmpty { try keepThoseWithoutRoom(&state) }
        if state.asides.isEmpty, !state.intake.hasOpenBatch {
            // The spool tells of them: their own records need not come again from it.
            for booking in state.untold { booking.confirmPlaces(in: &state.directory.ledger) }
            state.untold.removeAll()
        }
        switch try unbooked.commit(&state) {
        case .waits: return
        case .committed: try releaseSpool(&state)
        case .ready: break
        }
        guard !unbooked.isEmpty else {
            if !state.room.isShort || staged.isEmpty { try releaseSpool(&state) }
            return
        }
        guard always || staged.isEmpty || unbooked.isDue else { return }
        if let manifest = try unbooked.compose(&state) { manifests.deliver(manifest) }
    }

    private mutating func releaseSpool(_ state: inout SinkState) throws {
        // A record of the spool that was put aside goes only with the gap record that says so.
        guard isRecovered, state.untold.isEmpty, state.asides.isEmpty || !state.intake.hasLeftovers,
            Self.isTime(staged.count, since: &releasedAt)
        else { return }
        let needed =
            [state.open.spoolStart, state.undecidedFrom, staged.spoolStart].compactMap { $0 }
        let first = state.intake.spool.durableFirst
        try state.intake.release(before: needed.min())
        // Places before its front are of no use to anybody.
        if state.intake.spool.durableFirst != first {
            state.directory.ledger.dropProgress(
                in: state.intake.spool.id, before: state.intake.spool.durableFirst.linear)
        }
    }

    /// True where few objects are on their way, and else now and then: for what looks at each.
    static func isTime(_ count: Int, since last: inout Int64) -> Bool {
        guard count > OpenObjects.fewObjects else { return true }
        let now = Clock.monotonicNanoseconds()
        guard now - last >= OpenObjects.lookInterval else { return false }
        last = now
        return true
    }

    /// Shows the figures as they are.
    mutating func publish(_ state: inout SinkState) {
        guard Self.isTime(staged.count, since: &publishedAt) else { return }
        state.tally.quarantineLeftOut = state.directory.quarantine.leftOut
        state.figures.common.publish(state.tally)
        state.figures.note(
            spoolBytes: state.intake.spool.bytes, objects: staged.count, oldest: state.open.oldest,
            due: staged.oldest)
        let reserve = state.room.reserve
        state.figures.note(reserve: reserve.isHeld ? reserve.bytes : 0)
    }

    // MARK: - The end

    private var isDelivering: Bool { !staged.isEmpty || unbooked.isBusy }

    /// Waits until everything that is on its way is delivered and booked, or fails; after a signal,
    /// whenever it comes, not longer than the drain timeout.
    mutating func awaitDeliveries(_ state: inout SinkState) throws {
        var deadline: Int64?
        while isDelivering && failure == nil {
            try book(always: staged.isEmpty, &state)
            guard isDelivering else { break }
            publish(&state)
            let now = Clock.monotonicNanoseconds()
            if deadline == nil, Descriptor.isReadable(stop) {
                deadline = now + Int64(state.options.drainTimeout * 1e9)
            }
            let left = deadline.map { $0 - now } ?? .max
            guard left > 0 else {
                uploader.abandon()
                manifests.abandon()
                break
            }
            var watched = [
                pollfd(fd: completions.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: deadline == nil ? stop : -1, events: Int16(POLLIN), revents: 0),
            ]
            let longest = unbooked.isEmpty ? Int64(Heartbeat.longestWait) : 50
            _ = poll(&watched, 2, Int32(min(left / 1_000_000 + 1, longest)))
            try settle(&state)
        }
        if !unbooked.isEmpty { try book(always: true, &state) }
        publish(&state)
    }

    // MARK: - What an earlier run left

    /// Delivers finished objects of an earlier run, books those that were delivered, and drops
    /// unfinished ones. Which records of the spool they have is known then.
    ///
    /// - Returns: false when something of it could not be delivered.
    mutating func recover(_ state: inout SinkState) throws -> Bool {
        let staging = state.options.state + "/staging"
        for name in try Files.list(staging) where name.hasSuffix(StagingNote.suffix) {
            guard var object = try StagingNote.read("\(staging)/\(name)") else {
                try Files.remove("\(staging)/\(name)")
                continue
            }
            object.booking.forgetPlaces(from: state.intake.next)
            state.tally.recovered += object.records
            state.tally.waiting += object.records
            staged.add(object)
            if Files.exists(object.stagedPath) {
                uploader.deliver(object)
            } else {
                // It was delivered, and the ledger may not say so.
                completions.post(.delivered(object, isNew: false))
            }
        }
        for var object in try memoryNotes.left() {
            object.booking.forgetPlaces(from: state.intake.next)
            state.tally.recovered += object.records
            state.tally.waiting += object.records
            staged.add(object)
            uploader.deliver(object)
        }
        if let manifest = unbooked.chain.pending { manifests.deliver(manifest) }
        if !staged.isEmpty {
            state.log.info(
                "an earlier run left \(Spoken.count(staged.count, "finished object")); delivering")
        }
        try awaitDeliveries(&state)
        guard failure == nil, staged.isEmpty, unbooked.isEmpty else { return false }
        for name in try Files.list(staging) { try Files.remove("\(staging)/\(name)") }
        isRecovered = true
        return true
    }
}
