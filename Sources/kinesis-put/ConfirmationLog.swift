import Encoding
import Identity
import Journal
import Ledger
import Posix
import Records
import Sink
import Stage

/// Which records came, which are confirmed, and which were put aside: what the figures, the ledger
/// and the quarantine say, kept together so that no record is in two of them or in none.
final class ConfirmationLog {
    /// What is to be done with a record that was read.
    enum Verdict {
        /// It goes to the service, and its sequence has this epoch.
        case deliver(epoch: UInt16)
        /// It is held already, or was put aside.
        case done
        /// Parts of a gap record that are missing indeed go instead of it.
        case parts([ClosedRange<Int64>])
        /// A person has to decide first, see ``ConfirmationLog/halt``: it is kept on disk.
        case undecided
    }

    var tally = SinkTally()
    /// Holes that are to be declared.
    var holes = HoleWatch()
    /// Why nothing more is taken in before a person has decided; nil for nothing.
    private(set) var halt: StageFailure?
    /// Why the disk of the state cannot take what is confirmed; nil while it can.
    private(set) var isBlocked = false
    private var state: StateDirectory
    private var held: HeldIDs
    /// Ids whose records were put aside, and of which the readers of the stream are to be told.
    private(set) var asides = PutAsideNotes()
    /// Of sequences without sub-keys, and the others.
    private var chains = SequenceMap<Chain>()
    private var partedChains: [Chain.ID: Chain] = [:]
    private var current: Chain?
    /// Chains with something that the ledger does not have.
    private var changed: [Chain] = []
    /// Sequences whose figures do not tell the latest yet.
    private var uncovered: Set<SequenceID>
    /// Sequences whose exact ids are remembered, by spool segment.
    private var remembered: [Int: Set<SequenceID>] = [:]
    private let log: Log

    init(_ state: consuming StateDirectory, _ held: consuming HeldIDs, log: Log) {
        uncovered = Set(state.ledger.sequences)
        self.state = state
        self.held = held
        self.log = log
        holes.noteHoles(of: self.state.ledger, kinds: [.depthDiff])
    }

    /// The directory of the state.
    var path: String { state.path }
    /// Room for the ledger on a full disk.
    var reserve: Reserve { state.reserve }

    // MARK: - Coming in

    /// Decides on a record that was read.
    ///
    /// - Parameters:
    ///   - group: the segment of the spool that will have it.
    ///   - now: ns of the monotonic clock.
    func accept(_ frame: borrowing FrameView, group: Int, now: Int64) throws -> Verdict {
        tally.recordsIn += 1
        tally.bytesIn += Int64(frame.bytes.byteCount)
        if halt != nil { return .undecided }
        held.select(frame.sequence, &state.ledger)
        switch try judge(frame) {
        case .deliver: break
        case let verdict: return verdict
        }
        if let parts = held.missing(of: frame, &state.ledger) {
            if parts.isEmpty {
                tally.refused += 1
            } else {
                tally.recordsIn += Int64(parts.count - 1)
            }
            return parts.isEmpty ? .done : .parts(parts)
        }
        noteHoles(before: frame, now: now)
        // A new numbering may have begun with it.
        let key = held.key
        note(frame, key, group: group, isLive: true)
        held.follow(frame)
        return .deliver(epoch: key.epoch)
    }

    /// Takes a record in that follows the one before, see `HeldIDs.acceptNext`.
    ///
    /// - Returns: the epoch of its sequence; nil for a record to be decided upon.
    func acceptNext(_ frame: borrowing FrameView) -> UInt16? {
        guard halt == nil, !asides.hasSuspects, let epoch = held.acceptNext(frame) else {
            return nil
        }
        tally.recordsIn += 1
        tally.bytesIn += Int64(frame.bytes.byteCount)
        return epoch
    }

    /// Decides on a record that an earlier run left in a spool.
    ///
    /// - Parameters:
    ///   - position: where the spool has it; see `Spool.Position.linear`.
    ///   - spool: whose id that is.
    ///   - subKey: of its partition key.
    func recover(
        _ frame: borrowing FrameView, at position: Int64, in spool: UInt64, subKey: Int64,
        group: Int
    ) throws -> Verdict {
        if halt != nil { return .undecided }
        let key = held.select(frame.sequence, &state.ledger)
        let progress = ProgressKey(sequence: key, bucket: subKey)
        if state.ledger.isConfirmed(progress, position, in: spool) {
            tally.recovered += 1
            tally.refused += 1
            return .done
        }
        let verdict = try judge(frame)
        if case .undecided = verdict { return verdict }
        tally.recovered += 1
        guard case .deliver = verdict else { return verdict }
        noteHoles(before: frame, now: Clock.monotonicNanoseconds())
        note(frame, held.key, group: group, isLive: false)
        return .deliver(epoch: held.key.epoch)
    }

    /// Notes what the selected sequence lacks before a record, which may come from the spool: an earlier
    /// run has declared only what it had time for.
    private func noteHoles(before frame: borrowing FrameView, now: @autoclosure () -> Int64) {
        if asides.hasSuspects { asides.resolve(before: frame, newest: held.newest) }
        holes.look(before: frame, &held, state.ledger, now: now())
    }

    /// Takes a record in that this run has made itself, such as a gap record.
    func acceptOwn(_ frame: borrowing FrameView, group: Int) -> UInt16 {
        let key = held.select(frame.sequence, &state.ledger)
        note(frame, key, group: group, isLive: true)
        return key.epoch
    }

    /// The epoch of a record that was accepted before, and kept on disk since.
    func epoch(of frame: borrowing FrameView) -> UInt16 {
        held.select(frame.sequence, &state.ledger).epoch
    }

    private func judge(_ frame: borrowing FrameView) throws -> Verdict {
        switch held.verdict(on: frame, &state.ledger) {
        case .new: break
        case .possibleRepeat: tally.possibleRepeats += 1
        case .held:
            tally.refused += 1
            return .done
        case .implausible(let fault):
            try putAside(frame, .implausibleIDs, because: "\(fault)", wasAccepted: false)
            return .done
        case .restarted(let sequence, let before, let now):
            halt = Self.restart(of: sequence, before: before, now: now)
            return .undecided
        }
        // A broken message must not hold the ids of a good one.
        if frame.isSound { return .deliver(epoch: 0) }
        do throws(FrameError) { try frame.validate() } catch {
            try putAside(frame, .brokenMessage, because: "\(error)", wasAccepted: false)
            return .done
        }
        return .deliver(epoch: 0)
    }

    private func note(
        _ frame: borrowing FrameView, _ key: SequenceID, group: Int, isLive: Bool
    ) {
        let previous = held.previous
        held.accept(frame, group: group)
        guard frame.numbering == .increasing || frame.sharesItsInterval else { return }
        if held.isFirst(inGroup: group) { remembered[group, default: []].insert(key) }
        // A reading begins with the first record, and again behind what an earlier run left.
        guard frame.numbering == .increasing else { return }
        let chain = chain(key, 0)
        if previous == nil || isLive && !chain.isLive { chain.readingBegins = frame.firstID }
        if isLive { chain.isLive = true }
    }

    private static func restart(
        of sequence: SequenceID, before: Int64, now: Int64
    ) -> StageFailure {
        StageFailure(
            .configuration,
            """
            ids of \(sequence.title) began again: an id that is held, of records up to \
            \(Timestamp.text(microseconds: before)), came with a record of \
            \(Timestamp.text(microseconds: now)). Start again with --new-epoch \
            \(EpochSetting.text(of: sequence)) to deliver them as a new numbering; the records that \
            were read stay in the spool until then
            """)
    }

    // MARK: - Going out

    /// Notes that a record has left its queue: it was confirmed, or put aside.
    ///
    /// - Parameters:
    ///   - position: where the spool has it.
    ///   - epoch: of its sequence when it was accepted.
    func leave(
        _ frame: borrowing FrameView, at position: Int64, in spool: UInt64, epoch: UInt16,
        subKey: Int64, isDelivered: Bool
    ) {
        var sequence = frame.sequence
        sequence.epoch = epoch
        let chain = changing(sequence, subKey)
        chain.pass(position, in: spool)
        guard isDelivered else { return }
        tally.bytesOut += Int64(frame.bytes.byteCount)
        if let missing = frame.missingSequence {
            var missing = missing
            missing.epoch = state.ledger.epoch(of: missing)
            if let gap = frame.declaredGap {
                state.ledger.add(missing, declared: [gap])
                uncovered.insert(missing)
            } else if frame.firstID <= frame.lastID {
                state.ledger.add(missing, reported: [frame.firstID...frame.lastID])
            }
        } else {
            chain.confirm(frame)
        }
    }

    /// Notes that records have left their queue one after the other, all of them confirmed.
    func leave(_ run: LeavingRun, at place: (Int) -> Int64, in spool: UInt64) {
        var sequence = run.sequence
        sequence.epoch = run.epoch
        let chain = changing(sequence, run.subKey)
        chain.pass(place(run.firstOffset), in: spool)
        chain.pass(place(run.lastOffset), in: spool)
        chain.confirm(run.ids, newestTime: run.newestTime)
        tally.bytesOut += run.bytes
    }

    /// The chain of a sequence, which is going to change.
    private func changing(_ sequence: SequenceID, _ subKey: Int64) -> Chain {
        let chain = chain(sequence, subKey)
        if !chain.isChanged {
            chain.isChanged = true
            changed.append(chain)
        }
        return chain
    }

    private func chain(_ sequence: SequenceID, _ subKey: Int64) -> Chain {
        let id = Chain.ID(sequence: sequence, subKey: subKey)
        if let current, current.id == id { return current }
        let chain = known(id) ?? add(id)
        current = chain
        return chain
    }

    private func known(_ id: Chain.ID) -> Chain? {
        id.subKey == 0 ? chains[id.sequence] : partedChains[id]
    }

    private func add(_ id: Chain.ID) -> Chain {
        let chain = Chain(id)
        if id.subKey == 0 { chains.add(chain, for: id.sequence) } else { partedChains[id] = chain }
        return chain
    }

    /// Puts a record into the quarantine that can never be sent.
    ///
    /// - Parameter wasAccepted: its ids were held until now; a good copy may take its place.
    func putAside(
        _ frame: borrowing FrameView, _ reason: QuarantineReason, because words: String,
        wasAccepted: Bool = true
    ) throws {
        try state.quarantine.add(frame, because: words)
        asides.add(
            frame, in: state.quarantine.path, because: words,
            isPlausible: reason != .implausibleIDs)
        tally.notePutAside(reason)
        if wasAccepted { held.giveBack(frame, &state.ledger) }
        let line =
            "a record of \(frame.sequence.title) was put into \(state.quarantine.path): \(words)"
        if reason == .implausibleIDs {
            log.error(line, cause: reason.label)
        } else {
            log.warning(line, cause: reason.label)
        }
    }

    /// Notes records that damage of the spools has made unreadable.
    func note(_ damages: [Damage]) { asides.add(damages, &held, &state.ledger) }

    /// What is to be told of records that were put aside: ids that nothing else has delivered.
    func takeAsides() -> [(note: PutAsideNotes.Note, ids: ClosedRange<Int64>)] {
        asides.takeAll().flatMap { note in
            held.report(note.ids, of: note.sequence, &state.ledger).map { (note, $0) }
        }
    }

    /// What of some ids is neither held nor declared missing.
    func undeclared(_ hole: HoleWatch.Hole) -> [ClosedRange<Int64>] {
        held.undeclared(hole.ids, of: hole.sequence, &state.ledger)
    }

    // MARK: - The ledger

    /// Hands what was confirmed and put aside to the system, so that the end of this process does
    /// not undo it. Where there is no room it is kept, and ``isBlocked`` until a later call finds
    /// some.
    func write() throws {
        if isBlocked, !findRoom() { return }
        for chain in changed {
            if chain.book(in: &state.ledger) { uncovered.insert(chain.id.sequence) }
        }
        changed.removeAll(keepingCapacity: true)
        do {
            do throws(LedgerError) { try state.ledger.write() } catch {
                guard case .system(let reason) = error, reason.isNoRoom else { throw error }
                throw reason
            }
            do throws(SystemError) {
                try state.reserve.spending { () throws(SystemError) in
                    try state.quarantine.flush()
                }
            } catch { throw error }
            tally.quarantineLeftOut = state.quarantine.leftOut
            if isBlocked { log.info("the disk of \(path) has space again") }
            isBlocked = false
        } catch let error as SystemError where error.isNoRoom { block() }
    }

    private func block() {
        guard !isBlocked else { return }
        isBlocked = true
        log.error(
            "delivery is paused: the disk of \(path) is full, so that confirmations cannot be "
                + "recorded. Free some space; nothing is lost", cause: "state_disk_full")
    }

    /// Pauses delivery where there is no room for the ledger: to be called before anything is sent.
    func blockWithoutRoom() { if !findRoom() { block() } }

    /// Makes what was confirmed durable.
    ///
    /// - Returns: false where there is no room.
    func sync(_ coverage: inout CoverageFigures) throws -> Bool {
        try write()
        guard !isBlocked else { return false }
        try state.ledger.sync()
        for key in uncovered {
            if let found = state.ledger.coverage(of: key) { coverage.note(found, of: key) }
        }
        uncovered.removeAll(keepingCapacity: true)
        return true
    }

    /// True when the ledger can be written to, as far as can be told without writing to it: what is
    /// sent and cannot be written down is sent again after every start.
    func findRoom() -> Bool {
        if reserve.isHeld { return true }
        reserve.retake()
        if reserve.isHeld { return true }
        let probe = path + "/room"
        defer { for name in [probe, probe + ".new"] { try? Files.remove(name) } }
        do {
            try Files.replace(probe, with: [UInt8](repeating: 1, count: 8192))
            return true
        } catch { return false }
    }

    /// Forgets what only spools needed that are deleted by now.
    ///
    /// - Parameters:
    ///   - spools: those that are open: what is confirmed of others says nothing any more.
    func forgetSpools(except spools: [UInt64]) { state.ledger.keepProgress(onlyIn: spools) }

    /// Forgets what was needed of one spool before a position, which was deleted.
    ///
    /// - Parameter isThere: whether records of a template are in this spool.
    func forget(
        in spool: UInt64, before position: Int64, groupsBefore group: Int,
        where isThere: (UInt16) -> Bool
    ) {
        state.ledger.dropProgress(in: spool, before: position)
        for (old, sequences) in remembered where old < group {
            for sequence in sequences where isThere(sequence.template) {
                held.forget(old, of: sequence)
                remembered[old]?.remove(sequence)
            }
            if remembered[old]?.isEmpty == true { remembered[old] = nil }
        }
    }
}
