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

/// Delivering objects: finished, on their way, booked.
extension ObjectSink {
    // MARK: - Finishing

    /// Seals objects that are old, were idle, or take much memory together, and has all that are sealed
    /// made.
    mutating func sealWhatIsDue() {
        let now = Clock.monotonicNanoseconds()
        if open.count <= OpenObjects.fewObjects || now - lookedAt >= Self.lookInterval {
            lookedAt = now
            let isTooMuch = open.memory >= OpenObjects.mostMemory
            for object in open.all
            where isTooMuch || Double(now - object.openedAt) / 1e9 >= options.objectAge
                || Double(now - object.lastRecordAt) / 1e9 >= options.objectIdle
            {
                seal(object)
            }
        }
        handOver()
    }

    /// Finishes what keeps the front of a full spool, or everything on a full disk: nothing more is
    /// read until that is delivered, so that waiting for more records would be in vain.
    mutating func finishWhatIsInTheWay() {
        guard !open.isEmpty else { return }
        let front = intake.spool.first.segment
        let isMoving = !staged.isEmpty || !unbooked.isEmpty
        for object in open.all
        where isShort || !isMoving || object.spoolStart.entry.segment <= front {
            seal(object)
        }
        handOver()
    }

    /// Says that an object gets no more records; ``handOver()`` has it made.
    mutating func seal(_ object: OpenObject) {
        open.remove(object)
        sealed.append(object)
    }

    /// Has sealed objects made and delivered; they count as on their way until they are booked. The
    /// spool has their records by now, unless the disk is full.
    mutating func handOver() {
        guard !sealed.isEmpty else { return }
        let unspooledFrom = RecordPosition(entry: intake.spool.next).linear
        var unspooled: (start: Int64, records: [UInt8])?
        if intake.hasOpenBatch, sealed.contains(where: { $0.spoolEnd.linear >= unspooledFrom }) {
            unspooled = (unspooledFrom, intake.openRecords())
        }
        // Those of one kind behind each other: they are encoded with the same tables.
        let all = sealed.sorted {
            let (one, other) = ($0.partition.sequence, $1.partition.sequence)
            return (one.template, one) < (other.template, other)
        }
        sealed.removeAll()
        var batch: [SealedObject] = []
        var bytes: Int64 = 0
        for object in all {
            guard let own = object.seal(options.form, spool: intake.spool.id) else { continue }
            note(staged: own.object)
            if batch.count == SealedBatch.mostObjects
                || !batch.isEmpty && bytes + own.bytes > SealedBatch.mostBytes
            {
                write(batch, unspooled)
                (batch, bytes) = ([], 0)
            }
            batch.append(own)
            bytes += own.bytes
        }
        if !batch.isEmpty { write(batch, unspooled) }
    }

    private func write(
        _ objects: [SealedObject], _ unspooled: (start: Int64, records: [UInt8])?
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
    mutating func settle() throws {
        for completion in completions.takeAll() {
            switch completion {
            case .delivered(let object, _) where object.isManifest: try manifestStored()
            case .conflicting(let object, _, _) where object.isManifest:
                if failure == nil {
                    failure = chain.fenced(options.destination, state: options.state)
                }
            case .delivered(let object, let isNew):
                log.debug("\(isNew ? "stored" : "was there already"): \(object.key)")
                delivered[object.stagedPath] = object
                try bookInOrder(object.booking.sequence)
            case .conflicting(let object, let theirs, let ours):
                try keepAside(object, theirs: theirs, ours: ours)
                undelivered[object.booking.sequence]?.removeAll { $0 == object.stagedPath }
                try bookInOrder(object.booking.sequence)
            case .roomIsShort: noteNoRoom()
            case .failed(let error):
                if failure == nil { failure = error }
            }
        }
    }

    /// Notes an object that is finished or will be.
    mutating func note(staged object: StagedObject) {
        staged[object.stagedPath] = object
        undelivered[object.booking.sequence, default: []].append(object.stagedPath)
    }

    /// Books what was delivered of a sequence up to the first object that is still on its way: the
    /// ledger hears of a sequence in the order in which its records came.
    private mutating func bookInOrder(_ sequence: SequenceID) throws {
        while let first = undelivered[sequence]?.first {
            guard let object = delivered.removeValue(forKey: first) else { return }
            undelivered[sequence]?.removeFirst()
            try noteDelivered(object)
        }
        undelivered[sequence] = nil
    }

    private mutating func noteDelivered(_ object: StagedObject) throws {
        // The file first: that makes room for the ledger. Its note says that it was delivered.
        try object.removeFile()
        object.booking.book(in: &state.ledger)
        if let group = object.group { held.forget(group, of: object.booking.sequence) }
        staged[object.stagedPath] = nil
        if unbooked.isEmpty { unbookedSince = Clock.monotonicNanoseconds() }
        unbooked.append(object)
        tally.recordsOut += object.records
        tally.waiting -= object.records
        tally.bytesOut += object.bytes
        objectsOut += 1
        figures.noteObject(template: object.booking.sequence.template)
        figures.noteChange(of: object.booking.changes)
        if let received = object.firstIngest {
            figures.common.flow.noteOut(receivedAt: received)
        }
    }

    /// One object never stops the others: it is kept, told, and the run ends with an error.
    private mutating func keepAside(
        _ object: StagedObject, theirs: String, ours: String
    ) throws {
        let path = try conflicts.keep(object, theirs: theirs, ours: ours)
        // They are kept there, and need not come again from the spool.
        object.booking.confirmPlaces(in: &state.ledger)
        held.giveBack(object.booking.held, of: object.booking.sequence, &state.ledger)
        if let group = object.group { held.forget(group, of: object.booking.sequence) }
        staged[object.stagedPath] = nil
        tally.waiting -= object.records
        tally.notePutAside(.conflictingObject, records: object.records)
        figures.note(conflicting: conflicts.kept)
        log.error(
            "\(options.destination.description)/\(object.key) was not stored: there is other content, "
                + "which is not in the ledger and was left as it is; ours is kept in \(path)",
            ["theirs": "\(theirs)", "ours": "\(ours)"], cause: "object_conflict")
    }

    /// Has a manifest of what was delivered stored; when it is, makes the ledger durable, and then
    /// removes what it has.
    ///
    /// - Parameter always: false leaves it for a moment while more is delivered, so that there is
    ///   not a manifest and a sync for each of many small objects.
    mutating func book(always: Bool = false) throws {
        if chain.isStored {
            guard try hasRoom({ chain throws(SystemError) in try chain.advance() }) else { return }
        }
        guard chain.pending == nil else { return }
        if unbooked.contains(where: chain.isListed) {
            guard try commitListed() else { return }
        }
        guard !unbooked.isEmpty else {
            if !isShort || staged.isEmpty { try releaseSpool() }
            return
        }
        let waits = Clock.monotonicNanoseconds() - unbookedSince
        if always || staged.isEmpty || waits >= Self.bookInterval { try sendManifest() }
    }

    /// Makes the ledger durable for the objects that a stored manifest lists.
    ///
    /// - Returns: false when the disk has no room; a later call tries again.
    private mutating func commitListed() throws -> Bool {
        do throws(LedgerError) { try state.ledger.commit() } catch {
            guard error.isNoRoom else { throw error }
            // It keeps what it was told, and writes it with the next call.
            noteNoRoom()
            return false
        }
        for object in unbooked where chain.isListed(object) { try object.removeNote() }
        unbooked.removeAll(where: chain.isListed)
        try releaseSpool()
        return true
    }

    private mutating func sendManifest() throws {
        let (objects, removed) = (unbooked, chain.removals(from: state.ledger))
        guard
            try hasRoom({ chain throws(SystemError) in try chain.compose(objects, removed) })
        else { return }
        if let manifest = chain.pending { manifests.deliver(manifest) }
    }

    private mutating func manifestStored() throws {
        log.debug("stored: \(chain.pending?.key ?? "")")
        chain.noteStored()
        try book()
    }

    /// Writes files of the chain.
    ///
    /// - Returns: false when the disk has no room; a later call tries again.
    private mutating func hasRoom(
        _ write: (inout ManifestChain) throws(SystemError) -> Void
    ) throws -> Bool {
        var chain = chain
        defer { self.chain = chain }
        do throws(SystemError) {
            try reserve.spending { () throws(SystemError) in try write(&chain) }
            return true
        } catch {
            guard error.isNoRoom else { throw error }
            noteNoRoom()
            return false
        }
    }

    private mutating func releaseSpool() throws {
        guard isRecovered, Self.isTime(staged.count, since: &releasedAt) else { return }
        let needed =
            [open.spoolStart, undecidedFrom].compactMap { $0 }
            + staged.values.compactMap(\.spoolStart)
        let first = intake.spool.durableFirst
        try intake.release(before: needed.min())
        // Places before its front are of no use to anybody.
        if intake.spool.durableFirst != first {
            state.ledger.dropProgress(
                in: intake.spool.id, before: intake.spool.durableFirst.linear)
        }
    }

    /// True where few objects are on their way, and else now and then: for what looks at each.
    static func isTime(_ count: Int, since last: inout Int64) -> Bool {
        guard count > OpenObjects.fewObjects else { return true }
        let now = Clock.monotonicNanoseconds()
        guard now - last >= lookInterval else { return false }
        last = now
        return true
    }

    // MARK: - The end

    private var isDelivering: Bool {
        !staged.isEmpty || !unbooked.isEmpty || chain.pending != nil
    }

    /// Waits until everything that is on its way is delivered and booked, or fails; after a signal,
    /// whenever it comes, not longer than the drain timeout.
    mutating func awaitDeliveries() throws {
        var deadline: Int64?
        while isDelivering && failure == nil {
            if !staged.isEmpty { try book() } else { try book(always: true) }
            guard isDelivering else { break }
            publish()
            let now = Clock.monotonicNanoseconds()
            if deadline == nil, Descriptor.isReadable(stop) {
                deadline = now + Int64(options.drainTimeout * 1e9)
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
            try settle()
        }
        if !unbooked.isEmpty { try book(always: true) }
        publish()
    }

    /// Finishes everything, waits for its delivery and says what became of it.
    ///
    /// - Throws: when something could not be delivered; it stays for the next run.
    mutating func finish() throws {
        if failure == nil, halt == nil, !intake.hasLeftovers { try declareHoles(all: true) }
        try closeBatch()
        try syncIfDue(isIdle: true)
        for object in open.all { seal(object) }
        handOver()
        try awaitDeliveries()
        figures.showCoverage(state.ledger, now: Clock.monotonicNanoseconds(), always: true)
        try? state.ledger.commit()
        log.info(
            "\(Spoken.count(tally.recordsOut, "record")) in \(Spoken.count(objectsOut, "object")) at "
                + options.destination.description,
            [
                "refused": "\(tally.refused)",
                "quarantined": "\(tally.quarantined)",
                "possible_repeats": "\(tally.possibleRepeats)",
            ])
        try requireDelivered()
    }

    /// - Throws: why the run is not a success.
    private func requireDelivered() throws {
        let left = staged.count + unbooked.count
        let rest =
            "\(Spoken.count(left, "object stays", plural: "objects stay")) in \(options.state) for the next run"
        if intake.hasOpenBatch, left > 0 {
            log.error(
                "\(intake.openBytes) bytes of records found no room in \(options.state) and are lost"
            )
        }
        if let failure {
            throw StageFailure(failure.exitStatus, left > 0 ? "\(failure); \(rest)" : "\(failure)")
        }
        if left > 0 { throw StageFailure(.gaveUp, rest) }
        if let halt { throw halt }
        if intake.hasLeftovers {
            throw StageFailure(
                .gaveUp,
                "up to \(intake.leftoverBytes) bytes of records of an earlier run stay in "
                    + "\(options.state) for the next run")
        }
        if let conflict = conflicts.failure { throw conflict }
        let came = tally.recordsIn + tally.recovered
        if came > 0, tally.quarantined == came {
            throw StageFailure(
                .badInput,
                "none of \(came) records could be delivered; they are in \(state.quarantine.path)")
        }
    }
}
