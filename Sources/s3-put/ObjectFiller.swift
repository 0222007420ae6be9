import Bronze
import Encoding
import Identity
import Journal
import Ledger
import ObjectWriting
import Posix
import Records
import Sink
import Spool
import Stage

/// Takes records in: puts each into its object and into the spool, unless it is held already.
struct ObjectFiller {
    /// When the current records were read; one look at the clocks for all of them.
    var now = Instant()
    /// Why nothing more is taken in; what was is delivered.
    private(set) var halt: StageFailure?
    /// Holes of books that are to be declared.
    private var holes = HoleWatch()
    /// Sequences of which a record with an impossible time was told.
    private var toldTimes: Set<SequenceID> = []

    /// The object of the record before, and the period of its event times: nearly always those of the
    /// next one, too.
    private var recent: (object: OpenObject, period: Int64)?

    /// Puts a record that follows the one before into the same object, and into the spool.
    ///
    /// - Returns: false for any other record, which ``take(_:at:isNew:_:)`` is for.
    mutating func takeNext(
        _ frame: borrowing FrameView, _ state: inout SinkState
    ) -> Bool {
        guard halt == nil, !state.asides.hasSuspects, let recent, recent.object.isOpen,
            state.options.times.canBe(frame.eventTime, now: now.real),
            Partition.period(of: frame.eventTime, template: frame.template) == recent.period,
            state.options.form.takes(frame), state.held.acceptNext(frame) != nil
        else { return false }
        let object = recent.object
        object.append(frame, at: state.intake.next, previous: nil, now: now.monotonic)
        state.intake.accept(frame)
        state.tally.waiting += 1
        if object.bytes >= Int64(state.options.objectBytes) { state.open.seal(object) }
        return true
    }

    /// Puts a record into its object, unless it is held already, and into the spool.
    ///
    /// - Parameters:
    ///   - position: where the spool has it, or will have it.
    ///   - isNew: false for a record that the spool has.
    mutating func take(
        _ frame: borrowing FrameView, at position: RecordPosition, isNew: Bool,
        _ state: inout SinkState
    ) throws {
        if halt != nil {
            // Behind the record that has to be decided upon.
            if isNew { state.intake.accept(frame) }
            state.tally.waiting += 1
            return
        }
        let key = state.held.select(frame.sequence, &state.directory.ledger)
        if !isNew, isConfirmed(frame, key, position, state) {
            state.tally.refused += 1
            return
        }
        var isRepeat = false
        switch state.held.verdict(on: frame, &state.directory.ledger) {
        case .new: break
        case .possibleRepeat: isRepeat = true
        case .held:
            state.tally.refused += 1
            return
        case .implausible(let fault):
            return try putAside(frame, .implausibleIDs, "\(fault)", &state)
        case .restarted(let sequence, let before, let now):
            if isNew { state.intake.accept(frame) }
            state.tally.waiting += 1
            state.undecidedFrom = position
            halt = Self.restart(of: sequence, before: before, now: now)
            return
        }
        if state.asides.hasSuspects {
            state.asides.resolve(before: frame, newest: state.held.newest)
        }
        if isNew, let pieces = state.held.missing(of: frame, &state.directory.ledger) {
            return try takePieces(pieces, of: frame, &state)
        }
        holes.look(before: frame, &state.held, state.directory.ledger, now: now.monotonic)
        try build(frame, at: position, isRepeat: isRepeat, isNew: isNew, &state)
    }

    /// Declares holes that nothing can fill again, unless someone else has by now.
    mutating func declareHoles(all: Bool = false, _ state: inout SinkState) throws {
        guard !holes.isEmpty, !state.intake.hasOpenBatch else { return }
        for hole in holes.takeDue(now: Clock.monotonicNanoseconds(), all: all) {
            for ids in state.held.undeclared(hole.ids, of: hole.sequence, &state.directory.ledger) {
                var bytes = Bytes()
                bytes.append(
                    gap: ids, of: hole.sequence, reason: .disconnected,
                    source: SourceCode(rawValue: hole.source), eventTime: hole.eventTime,
                    ingestTime: hole.ingestTime)
                let record = try FrameView(bytes.span)
                // It came from nowhere but is taken in like any other.
                state.tally.recordsIn += 1
                try take(record, at: state.intake.next, isNew: true, &state)
                state.log.info(
                    "\(hole.sequence.title) skipped ids \(ids.lowerBound) to \(ids.upperBound), which "
                        + "cannot be fetched again: a gap record declares them",
                    cause: "hole_declared")
            }
        }
        try state.closeBatch()
    }

    /// Tells the bucket of ids whose records were put aside, as far as nothing else has delivered them.
    mutating func declareAsides(_ state: inout SinkState) throws {
        // Records of an earlier run are read again from the spool, to the end of which these go.
        guard !state.asides.isEmpty, !state.intake.hasLeftovers else { return }
        for note in state.asides.takeAll() {
            for ids in state.held.report(note.ids, of: note.sequence, &state.directory.ledger) {
                var bytes = Bytes()
                bytes.append(gap: ids, of: note)
                let record = try FrameView(bytes.span)
                state.held.select(record.sequence, &state.directory.ledger)
                state.tally.recordsIn += 1
                state.asides.noteTold()
                try build(record, at: state.intake.next, isRepeat: false, isNew: true, &state)
            }
        }
    }

    /// Notes the holes of books that earlier runs left undeclared.
    mutating func noteOldHoles(_ ledger: borrowing Ledger) {
        holes.noteHoles(of: ledger, kinds: [.depthDiff])
    }

    /// True when a record of the spool was delivered, whether its time was thought right then or not.
    private func isConfirmed(
        _ frame: borrowing FrameView, _ key: SequenceID, _ position: RecordPosition,
        _ state: borrowing SinkState
    ) -> Bool {
        var periods = [Partition.period(of: frame.eventTime, template: frame.template)]
        if key.kind == .kline {
            // Klines were in hours, too, when the state was written by 0.1: no month has the
            // number of an hour in which there was a market.
            periods.append(Timestamp.floor(frame.eventTime, by: 3600 * Timestamp.second))
        }
        let (spool, untold) = (state.intake.spool.id, state.untold)
        return periods.contains { period in
            [period, ~period].contains { bucket in
                state.directory.ledger.isConfirmed(
                    ProgressKey(sequence: key, bucket: bucket), position.linear, in: spool)
                    || untold.contains { $0.has(position.linear, bucket, of: key, in: spool) }
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
        _ pieces: [ClosedRange<Int64>], of frame: borrowing FrameView,
        _ state: inout SinkState
    ) throws {
        guard !pieces.isEmpty else {
            state.tally.refused += 1
            return
        }
        state.tally.recordsIn += Int64(pieces.count - 1)
        for piece in pieces {
            var bytes = Bytes()
            bytes.append(gap: piece, like: frame)
            let part = try FrameView(bytes.span)
            try build(part, at: state.intake.next, isRepeat: false, isNew: true, &state)
        }
    }

    private mutating func build(
        _ frame: borrowing FrameView, at position: RecordPosition, isRepeat: Bool, isNew: Bool,
        _ state: inout SinkState
    ) throws {
        let canBe = state.options.times.canBe(frame.eventTime, now: now.real)
        if !canBe { noteImpossibleTime(of: frame, &state) }
        let period = Partition.period(of: frame.eventTime, template: frame.template)
        let partition = Partition(state.held.key, period: canBe ? period : nil)
        do throws(FrameError) { try state.options.form.check(frame) } catch {
            return try putAside(frame, .brokenMessage, "\(error)", &state)
        }
        let object =
            state.open.object(of: partition)
            ?? state.open.open(
                partition, firstID: frame.firstID, bucket: canBe ? period : ~period,
                spoolStart: position, now: now.monotonic)
        object.append(frame, at: position, previous: state.held.previous, now: now.monotonic)
        if isRepeat {
            state.tally.possibleRepeats += 1
            object.hasRepeats = true
        }
        state.held.accept(frame, group: object.group)
        if isNew {
            state.intake.accept(frame)
            state.held.follow(frame)
            recent = canBe ? (object, period) : nil
        }
        state.tally.waiting += 1
        if object.bytes >= Int64(state.options.objectBytes) { state.open.seal(object) }
    }

    private mutating func noteImpossibleTime(
        of frame: borrowing FrameView, _ state: inout SinkState
    ) {
        state.tally.impossibleTimes += 1
        // Once a sequence, and not without end: names come from outside.
        guard toldTimes.count < 1000, toldTimes.insert(frame.sequence).inserted else { return }
        state.log.warning(
            "\(frame.sequence.title) has a record of "
                + "\(Timestamp.text(microseconds: frame.eventTime)), which cannot be right; such "
                + "records are stored under date= or month=__HIVE_DEFAULT_PARTITION__ (is a clock wrong?)",
            cause: "impossible_time")
    }

    /// Puts a record aside, with the reason.
    private mutating func putAside(
        _ frame: borrowing FrameView, _ reason: QuarantineReason, _ text: String,
        _ state: inout SinkState
    ) throws {
        try state.directory.quarantine.add(frame, because: text)
        state.asides.add(
            frame, in: state.directory.quarantine.path, because: text,
            isPlausible: reason != .implausibleIDs)
        state.tally.notePutAside(reason)
        let line =
            "a record of \(frame.sequence.title) was put into \(state.directory.quarantine.path): \(text)"
        if reason == .implausibleIDs {
            state.log.error(line, cause: reason.label)
        } else {
            state.log.warning(line, cause: reason.label)
        }
    }
}
