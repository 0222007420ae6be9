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

/// Taking records in: into their objects and into the spool.
extension ObjectSink {
    /// Puts a record into its object, unless it is held already, and into the spool.
    ///
    /// - Parameters:
    ///   - position: where the spool has it, or will have it.
    ///   - isNew: false for a record that the spool has.
    mutating func take(
        _ frame: borrowing FrameView, at position: RecordPosition, isNew: Bool
    ) throws {
        if halt != nil {
            // Behind the record that has to be decided upon.
            if isNew { intake.accept(frame) }
            tally.waiting += 1
            return
        }
        let key = held.select(frame.sequence, &state.ledger)
        if !isNew, isConfirmed(frame, key, position) {
            tally.refused += 1
            return
        }
        var isRepeat = false
        switch held.verdict(on: frame, &state.ledger) {
        case .new: break
        case .possibleRepeat: isRepeat = true
        case .held:
            tally.refused += 1
            return
        case .implausible(let fault):
            return try putAside(frame, .implausibleIDs, "\(fault)")
        case .restarted(let sequence, let before, let now):
            if isNew { intake.accept(frame) }
            tally.waiting += 1
            undecidedFrom = position
            halt = Self.restart(of: sequence, before: before, now: now)
            return
        }
        if isNew, let pieces = held.missing(of: frame, &state.ledger) {
            return try takePieces(pieces, of: frame)
        }
        if let skipped = held.skipped(before: frame) {
            holes.note(skipped, before: frame, now: now.monotonic)
        }
        try build(frame, at: position, isRepeat: isRepeat, isNew: isNew)
    }

    /// Declares holes that nothing can fill again, unless somebody else has by now.
    mutating func declareHoles(all: Bool = false) throws {
        guard !holes.isEmpty, !intake.hasOpenBatch else { return }
        for hole in holes.takeDue(now: Clock.monotonicNanoseconds(), all: all) {
            for ids in held.undeclared(hole.ids, of: hole.sequence, &state.ledger) {
                var bytes = Bytes()
                bytes.append(
                    gap: ids, of: hole.sequence, reason: .disconnected,
                    source: SourceCode(rawValue: hole.source), eventTime: hole.eventTime,
                    ingestTime: hole.ingestTime)
                let record = try FrameView(bytes.span)
                // It came from nowhere but is taken in like any other.
                tally.recordsIn += 1
                try take(record, at: intake.next, isNew: true)
                log.info(
                    "\(hole.sequence.title) skipped ids \(ids.lowerBound) to \(ids.upperBound), which "
                        + "nothing can fetch again: a gap record says so", cause: "hole_declared")
            }
        }
        try closeBatch()
    }

    /// Notes the holes of books that earlier runs left undeclared.
    mutating func noteOldHoles() {
        let limit = 1000
        let (now, real) = (Clock.monotonicNanoseconds(), Clock.realtimeNanoseconds())
        for sequence in state.ledger.sequences where sequence.kind == .depthDiff {
            guard let coverage = state.ledger.coverage(of: sequence) else { continue }
            var count = 0
            coverage.forEachHole { ids in
                holes.note(
                    ids, of: sequence, eventTime: coverage.newestEventTime ?? real / 1000,
                    ingestTime: real, source: SourceCode.sbe.rawValue, now: now)
                count += 1
                return count < limit
            }
        }
    }

    /// True when a record of the spool was delivered, whether its time was thought right then or not.
    private func isConfirmed(
        _ frame: borrowing FrameView, _ key: SequenceID, _ position: RecordPosition
    ) -> Bool {
        var periods = [Partition.period(of: frame.eventTime, template: frame.template)]
        if key.kind == .kline {
            // Klines were in hours, too, when the state was written by 0.1: no month has the
            // number of an hour in which there was a market.
            periods.append(Timestamp.floor(frame.eventTime, by: 3600 * Timestamp.second))
        }
        return periods.contains { period in
            [period, ~period].contains { bucket in
                state.ledger.isConfirmed(
                    ProgressKey(sequence: key, bucket: bucket), position.linear,
                    in: intake.spool.id)
            }
        }
    }

    private static func restart(
        of sequence: SequenceID, before: Int64, now: Int64
    ) -> StageFailure {
        let (earlier, later) = (
            Timestamp.text(microseconds: before), Timestamp.text(microseconds: now)
        )
        let name = EpochSetting.text(of: sequence)
        return StageFailure(
            .configuration,
            """
            ids of \(sequence.title) began again: an id that is held, of records up to \(earlier), \
            came with a record of \(later). Start again with --new-epoch \(name) to store them as a \
            new numbering; the records that were read stay in the spool until then
            """)
    }

    /// Stores what is missing indeed of a gap record.
    private mutating func takePieces(
        _ pieces: [ClosedRange<Int64>], of frame: borrowing FrameView
    ) throws {
        guard !pieces.isEmpty else {
            tally.refused += 1
            return
        }
        tally.recordsIn += Int64(pieces.count - 1)
        for piece in pieces {
            var bytes = Bytes()
            bytes.append(gap: piece, like: frame)
            let part = try FrameView(bytes.span)
            try build(part, at: intake.next, isRepeat: false, isNew: true)
        }
    }

    private mutating func build(
        _ frame: borrowing FrameView, at position: RecordPosition, isRepeat: Bool, isNew: Bool
    ) throws {
        let canBe = options.times.canBe(frame.eventTime, now: now.real)
        if !canBe { noteImpossibleTime(of: frame) }
        let period = Partition.period(of: frame.eventTime, template: frame.template)
        let partition = Partition(held.key, period: canBe ? period : nil)
        do throws(FrameError) { try options.form.check(frame) } catch {
            return try putAside(frame, .brokenMessage, "\(error)")
        }
        let object =
            open.object(of: partition)
            ?? openObject(
                partition, frame.firstID, canBe ? period : ~period, spoolStart: position)
        object.append(frame, at: position, previous: held.previous, now: now.monotonic)
        if isRepeat {
            tally.possibleRepeats += 1
            object.hasRepeats = true
        }
        held.accept(frame, group: object.group)
        if isNew { intake.accept(frame) }
        tally.waiting += 1
        if object.bytes >= Int64(options.objectBytes) { seal(object) }
    }

    private mutating func openObject(
        _ partition: Partition, _ firstID: Int64, _ bucket: Int64, spoolStart: RecordPosition
    ) -> OpenObject {
        if open.isFull { for object in open.all { seal(object) } }
        let path = "\(options.state)/staging/\(getpid())-\(nextName)"
        nextName += 1
        nextGroup += 1
        let object = OpenObject(
            ObjectPlace(
                stagedPath: path, partition: partition, firstID: firstID, bucket: bucket),
            spoolStart: spoolStart, group: nextGroup, now: now.monotonic)
        // Its neighbours are looked at once a partition: later objects are beside our own.
        object.isFirstOfUnknown =
            !knownSequences.contains(partition.sequence)
            && begunPartitions.count < Self.mostBegunPartitions
            && begunPartitions.insert(partition).inserted
        open.open(object)
        return object
    }

    private mutating func noteImpossibleTime(of frame: borrowing FrameView) {
        tally.impossibleTimes += 1
        // Once a sequence, and not without end: names come from outside.
        guard toldTimes.count < 1000, toldTimes.insert(frame.sequence).inserted else { return }
        log.warning(
            "\(frame.sequence.title) has a record of "
                + "\(Timestamp.text(microseconds: frame.eventTime)), which cannot be right; such "
                + "records are stored under date= or month=__HIVE_DEFAULT_PARTITION__ (is a clock wrong?)",
            cause: "impossible_time")
    }

    /// Puts a record aside, with the reason.
    private mutating func putAside(
        _ frame: borrowing FrameView, _ reason: QuarantineReason, _ text: String
    ) throws {
        try state.quarantine.add(frame, because: text)
        tally.notePutAside(reason)
        let line =
            "a record of \(frame.sequence.title) was put into \(state.quarantine.path): \(text)"
        if reason == .implausibleIDs {
            log.error(line, cause: reason.label)
        } else {
            log.warning(line, cause: reason.label)
        }
    }

    // MARK: - The spool

    /// Hands the records of one read to the spool, as one entry. Where there is no room they stay
    /// in memory, nothing more is read, and what is open is delivered: the reserve is for what frees the
    /// spool, its manifest and the ledger.
    mutating func closeBatch() throws {
        try flushQuarantine()
        guard intake.hasOpenBatch else { return }
        do throws(SpoolError) { try intake.closeBatch() } catch {
            guard error.isNoRoom else { throw error }
            noteNoRoom()
        }
    }

    private mutating func flushQuarantine() throws {
        do throws(SystemError) {
            try reserve.spending { () throws(SystemError) in try state.quarantine.flush() }
        } catch {
            guard error.isNoRoom else { throw error }
            noteNoRoom()
        }
    }

    mutating func noteNoRoom() {
        guard !isShort else { return }
        isShort = true
        log.warning(
            "the disk of \(options.state) is full: reading stops until something is delivered",
            ["spool_bytes": "\(intake.spool.bytes)"])
    }

    /// Reads on once there is room again.
    mutating func lookForRoom() throws {
        if !reserve.isHeld { reserve.retake() }
        guard isShort else { return }
        try closeBatch()
        guard !intake.hasOpenBatch, reserve.isHeld, unbooked.isEmpty else { return }
        isShort = false
        log.info("the disk of \(options.state) has room again")
    }

    mutating func syncIfDue(isIdle: Bool) throws {
        do throws(SpoolError) {
            try intake.sync(
                now: Clock.monotonicNanoseconds(), interval: isIdle ? 0 : Self.syncInterval)
        } catch {
            guard error.isNoRoom else { throw error }
            noteNoRoom()
        }
    }

    // MARK: - What an earlier run left

    /// True when records of an earlier run may be built into objects: on a full disk only a few at a
    /// time, so that this needs no room.
    var mayTakeAgain: Bool {
        !isShort || staged.isEmpty && unbooked.isEmpty && open.bytes < Self.openBytesWhenShort
    }

    /// Takes some of the records again that an earlier run left in the spool; those that were
    /// delivered are refused.
    mutating func takeAgain() throws {
        guard let leftovers = try intake.leftovers(atLeast: Self.readAgainBytes) else { return }
        try leftovers.forEach { frame, position in
            tally.recovered += 1
            try take(frame, at: position, isNew: false)
        }
        intake.took(leftovers)
        try flushQuarantine()
    }
}
