public import Identity
public import Ledger
public import Records

/// Whether a record has come before.
public enum IDVerdict: Equatable, Sendable {
    /// It has not, or that cannot be known.
    case new
    /// It may have: its sequence only grows, it is not the newest, and its exact id is not among
    /// those remembered. It is delivered, and counted.
    case possibleRepeat
    /// It has: the ledger has it, or it is on its way.
    case held
    /// Its ids cannot be right.
    case implausible(Implausible)
    /// The id is held, but this record is of a time far after all that was held when it was booked:
    /// the venue began to number again. Event times in µs.
    case restarted(SequenceID, held: Int64, now: Int64)
}

/// What a sink holds already: by its ledger, or because it is on its way.
///
/// A record is refused only when it is proven to have been delivered, and holds its ids only from
/// ``accept(_:group:)`` on, so that one that was put aside never blocks a good copy.
public struct HeldIDs: ~Copyable {
    /// Records that are delivered as one, such as an object; remembered until they are booked.
    public typealias Group = Int

    /// Groups of one sequence whose exact ids are kept apart.
    private let limits: IDLimits
    /// Kinds of which skipped ids are told; others skip in silence. A bit for each template: a set
    /// would hash that of every record.
    private static let watched = HoleWatch.kinds.reduce(UInt64(0)) { $0 | 1 << UInt64($1.rawValue) }
    private var sequences = SequenceMap<Sequence>()
    private var current: Sequence?
    /// What the selected sequence is at, while its records follow each other.
    var succession: Succession?
    /// Sequences that may begin a new numbering when their ids restart.
    private var renewable: Set<SequenceID>

    private final class Sequence {
        /// As records have it.
        let id: SequenceID
        /// With the epoch that applies.
        var key: SequenceID
        /// What the ledger knows it by.
        var index: Int
        /// Of a contiguous sequence: in the ledger, or accepted since.
        var taken: IDSet
        /// The exact ids that were accepted and are not booked: of an increasing sequence, and of
        /// klines that share an interval.
        var groups: [(group: Group, ids: CompactIDs)] = []
        /// When what was accepted in this run happened: the ledger knows what is booked only.
        var times = IDTimes()
        /// Of a sequence that began to number again: what was taken of the numbering before, and the
        /// newest event time of it, µs.
        var former: (taken: IDSet, until: Int64)?
        /// The newest id of an increasing sequence.
        var newest: Int64?
        /// The record that was accepted last, of an increasing sequence.
        var previous: Int64?
        /// Ids that gap records of this run speak of, and those that they say will not come.
        var reported = IDSet()
        var declared = IDSet()
        /// Ids of which gap records of this run show why they are missing.
        var explained = IDSet()
        /// Intervals in which there are klines that do not begin where it does.
        var shared = IDSet()
        /// A record of this run was live.
        var hasLive = false
        /// The group that ``isFirst(inGroup:)`` was told of last.
        var lastRemembered: Group?

        init(_ id: SequenceID, _ key: SequenceID, _ ledger: inout Ledger) {
            self.id = id
            self.key = key
            index = ledger.index(of: key)
            let coverage = ledger.coverage(at: index)
            taken = id.numbering == .contiguous ? coverage.held : IDSet()
            newest = coverage.runs.span?.upperBound
            reported = coverage.reported
            guard id.numbering == .contiguous, key.epoch > 1 else { return }
            var before = key
            before.epoch -= 1
            let earlier = ledger.coverage(at: ledger.index(of: before))
            former = earlier.newestEventTime.map { (earlier.held, $0) }
        }

        /// Forgets what came: the venue begins to number again.
        func forgetNumbers() {
            taken = IDSet()
            times = IDTimes()
            groups = []
            lastRemembered = nil
            (reported, declared, explained) = (IDSet(), IDSet(), IDSet())
            shared = IDSet()
        }

        func hasExactly(_ id: Int64) -> Bool {
            for entry in groups where entry.ids.contains(id) { return true }
            return false
        }

        func note(_ id: Int64, _ group: Group) {
            // Nearly always the group of the record before.
            var index = groups.count - 1
            while index >= 0, groups[index].group != group { index -= 1 }
            if index < 0 {
                groups.append((group, CompactIDs()))
                index = groups.count - 1
            }
            groups[index].ids.insert(id)
        }
    }

    /// Nothing accepted yet.
    ///
    /// - Parameter renewable: sequences that may begin a new epoch, as records have them.
    public init(_ limits: IDLimits, renewable: Set<SequenceID> = []) {
        self.limits = limits
        self.renewable = renewable
    }

    // MARK: - Asking

    /// Turns to the sequence of a record; what follows is about it.
    ///
    /// - Returns: its name with the epoch that applies.
    @discardableResult
    public mutating func select(
        _ sequence: SequenceID, _ ledger: inout Ledger
    ) -> SequenceID {
        let state = state(of: sequence, &ledger)
        current = state
        return state.key
    }

    /// The name of the selected sequence with the epoch that applies.
    public var key: SequenceID { selected.key }

    /// The id that was accepted last of the selected sequence, if its ids only grow.
    public var previous: Int64? { selected.previous }

    private var selected: Sequence {
        guard let current else { preconditionFailure("no sequence is selected") }
        return current
    }

    /// Whether a record of the selected sequence has come before.
    public mutating func verdict(
        on frame: borrowing FrameView, _ ledger: inout Ledger
    ) -> IDVerdict {
        let sequence = selected
        let numbering = frame.numbering
        let newest = numbering == .contiguous ? sequence.taken.last : nil
        if let fault = limits.objection(to: frame, newest: newest) { return .implausible(fault) }
        switch numbering {
        case .contiguous: return verdictOnContiguous(frame, sequence, &ledger)
        case .increasing:
            let id = frame.firstID
            guard let newest = sequence.newest, id <= newest else { return .new }
            return verdictOnRecent(frame, sequence, ledger)
        case .arrival, .none: return .new
        }
    }

    private mutating func verdictOnContiguous(
        _ frame: borrowing FrameView, _ sequence: Sequence, _ ledger: inout Ledger
    ) -> IDVerdict {
        let ids = frame.occupiedIDs
        if let former = sequence.former, frame.eventTime <= former.until {
            // Taken for one of the new numbering, its id would be held though that one never came.
            return former.taken.contains(ids)
                ? .held : .implausible(.earlierNumbering(ids.lowerBound, until: former.until))
        }
        // The next id of the sequence, which is what comes nearly always.
        guard let newest = sequence.taken.last, ids.lowerBound <= newest else { return .new }
        if sequence.id.template != RecordKind.kline.rawValue,
            let time = ledger.bookedTime(of: ids.lowerBound, at: sequence.index)
                ?? sequence.times.bound(of: ids.lowerBound).map({ min($0, sequence.times.newest) }),
            IDTimes.isRestart(frame.eventTime, after: time), !frame.isAheadOfClock
        {
            guard renewable.remove(sequence.id) != nil else {
                return .restarted(sequence.key, held: time, now: frame.eventTime)
            }
            let booked = ledger.coverage(at: sequence.index).newestEventTime
            sequence.former = (sequence.taken, max(booked ?? .min, sequence.times.newest))
            sequence.key.epoch = ledger.beginEpoch(of: sequence.id)
            sequence.index = ledger.index(of: sequence.key)
            sequence.forgetNumbers()
            return .new
        }
        guard sequence.taken.contains(ids) else { return .new }
        let isOdd = frame.sharesItsInterval
        guard isOdd || !sequence.shared.isEmpty && sequence.shared.overlaps(ids) else {
            return .held
        }
        let id = frame.firstID
        if sequence.hasExactly(id) || ledger.isRecent(id, at: sequence.index) { return .held }
        return isOdd && !sequence.shared.overlaps(ids) ? .possibleRepeat : .new
    }

    /// Of an increasing sequence, about a record that is not its newest one. An id that came long
    /// before is of another record: what numbering it is of, no later id can tell.
    private func verdictOnRecent(
        _ frame: borrowing FrameView, _ sequence: Sequence, _ ledger: borrowing Ledger
    ) -> IDVerdict {
        let id = frame.firstID
        if sequence.hasExactly(id) {
            guard sequence.times.isRestart(id, frame.eventTime) else { return .held }
            sequence.forgetNumbers()
        } else if ledger.isRecent(id, at: sequence.index) {
            guard let time = ledger.bookedTime(of: id, at: sequence.index),
                IDTimes.isRestart(frame.eventTime, after: time)
            else { return .held }
        }
        return .possibleRepeat
    }

    /// The parts of a gap record that are missing indeed: what is held of it is not, and what was
    /// reported before need not be again.
    ///
    /// - Returns: nil when the record may pass as it is; no parts for one that says nothing new.
    public mutating func missing(
        of frame: borrowing FrameView, _ ledger: inout Ledger
    ) -> [ClosedRange<Int64>]? {
        guard frame.template == RecordKind.gap.rawValue, let missing = frame.missingSequence,
            frame.firstID <= frame.lastID
        else { return nil }
        let gap = frame.firstID...frame.lastID
        let sequence = state(of: missing, &ledger)
        let isDeclaration = frame.declaredGap != nil
        if isDeclaration {
            let known = ledger.coverage(at: sequence.index).declared.contains(gap)
            if known || sequence.declared.contains(gap) { return [] }
            sequence.declared.insert(gap)
        } else if !frame.gapEvidence.isEmpty {
            // What shows the reason is news, also of ids that are known to be missing.
            if sequence.explained.contains(gap) { return [] }
            sequence.explained.insert(gap)
        } else if sequence.reported.contains(gap) || sequence.declared.contains(gap) {
            return []
        }
        sequence.reported.insert(gap)
        guard missing.numbering == .contiguous, sequence.taken.overlaps(gap) else { return nil }
        return sequence.taken.missing(in: gap)
    }

    /// The ids that a live record of the selected sequence skips: those between the newest record and
    /// this one. History is fetched in any order and from anywhere, and skips nothing.
    public func skipped(before frame: borrowing FrameView) -> ClosedRange<Int64>? {
        guard Self.watched >> UInt64(frame.template) & 1 == 1, let newest = selected.taken.last
        else {
            return nil
        }
        guard Self.isLive(frame) || frame.template == RecordKind.depthDiff.rawValue else {
            return nil
        }
        let (distance, overflow) = frame.firstID.subtractingReportingOverflow(newest)
        guard !overflow, distance > 1 else { return nil }
        return (newest + 1)...(frame.firstID - 1)
    }

    /// The newest id of the selected sequence, if it is contiguous.
    public var newest: Int64? { selected.taken.last }

    /// The oldest id of the selected sequence, if it is contiguous.
    public var oldest: Int64? { selected.taken.first }

    /// What of some ids was neither delivered nor is on its way, as far as ids tell; a gap record is
    /// about to tell of it.
    public mutating func report(
        _ ids: ClosedRange<Int64>, of id: SequenceID, _ ledger: inout Ledger
    ) -> [ClosedRange<Int64>] {
        let sequence = state(of: id, &ledger)
        let missing = sequence.taken.missing(in: ids)
        for range in missing { sequence.reported.insert(range) }
        return missing
    }

    /// True once for the selected sequence: when a live record of it comes first in this run.
    public func isFirstLive(_ frame: borrowing FrameView) -> Bool {
        guard !selected.hasLive, Self.isLive(frame) else { return false }
        selected.hasLive = true
        return true
    }

    /// Whether a record came from a stream of the venue.
    private static func isLive(_ frame: borrowing FrameView) -> Bool {
        frame.source == SourceCode.sbe.rawValue || frame.source == SourceCode.json.rawValue
    }

    /// What of some ids is neither held nor declared missing, nor in a gap record of this run.
    public mutating func undeclared(
        _ ids: ClosedRange<Int64>, of id: SequenceID, _ ledger: inout Ledger
    ) -> [ClosedRange<Int64>] {
        let sequence = state(of: id, &ledger)
        var known = ledger.coverage(at: sequence.index).declared
        known.formUnion(sequence.declared)
        known.formUnion(sequence.reported)
        return sequence.taken.missing(in: ids).flatMap { known.missing(in: $0) }
    }

    // MARK: - One after the other

    /// Notes a record that was accepted, so that the next one may be known without being judged.
    public mutating func follow(_ frame: borrowing FrameView) {
        let sequence = selected
        guard frame.firstID == frame.lastID, sequence.taken.last == frame.lastID else { return }
        succession = Succession(after: frame, epoch: sequence.key.epoch)
    }

    /// Enters what ``acceptNext(_:)`` took: to be done before anything else is asked or noted.
    private mutating func endSuccession() {
        if let succession, let current, let ids = succession.taken {
            current.taken.insert(ids)
            current.times.note(ids.upperBound, succession.newestTime)
        }
        succession = nil
    }

    // MARK: - Noting

    /// Notes that a record of the selected sequence is on its way.
    ///
    /// - Parameter group: what it is delivered with.
    public mutating func accept(_ frame: borrowing FrameView, group: Group) {
        let sequence = selected
        sequence.times.note(frame.lastID, frame.eventTime)
        switch frame.numbering {
        case .contiguous:
            let ids = frame.occupiedIDs
            sequence.taken.insert(ids)
            if frame.sharesItsInterval { sequence.shared.insert(ids) }
            if !sequence.shared.isEmpty, sequence.shared.overlaps(ids) {
                sequence.note(frame.firstID, group)
            }
        case .increasing:
            let id = frame.firstID
            sequence.note(id, group)
            sequence.previous = id
            sequence.newest = max(sequence.newest ?? id, id)
        case .arrival, .none: break
        }
    }

    /// Takes back what ``accept(_:group:)`` noted of one record: the service refused it.
    public mutating func giveBack(_ frame: borrowing FrameView, _ ledger: inout Ledger) {
        guard frame.numbering == .contiguous else { return }
        giveBack([frame.occupiedIDs], of: frame.sequence, &ledger)
    }

    /// Takes back ids of a contiguous sequence that were accepted and will not be delivered.
    public mutating func giveBack(
        _ ids: [ClosedRange<Int64>], of id: SequenceID, _ ledger: inout Ledger
    ) {
        let sequence = state(of: id, &ledger)
        let held = ledger.coverage(at: sequence.index).held
        for part in ids {
            for range in held.missing(in: part) { sequence.taken.remove(range) }
        }
    }

    /// True once for the selected sequence and a group, until the group is forgotten: from now on exact
    /// ids of the group may be remembered.
    public func isFirst(inGroup group: Group) -> Bool {
        guard selected.lastRemembered != group else { return false }
        selected.lastRemembered = group
        return true
    }

    /// Forgets the exact ids of a group: the ledger has them now, or they are no longer needed.
    public mutating func forget(_ group: Group, of sequence: SequenceID) {
        var id = sequence
        id.epoch = 1
        guard let state = sequences[id] else { return }
        state.groups.removeAll { $0.group == group }
        state.lastRemembered = nil
    }

    /// - Parameter id: in whatever epoch.
    private mutating func state(
        of id: SequenceID, _ ledger: inout Ledger
    ) -> Sequence {
        endSuccession()
        if let current, current.id == id { return current }
        var id = id
        id.epoch = 1
        if let known = sequences[id] { return known }
        var key = id
        key.epoch = ledger.epoch(of: id)
        let state = Sequence(id, key, &ledger)
        sequences.add(state, for: id)
        return state
    }
}
