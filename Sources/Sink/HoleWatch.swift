public import Identity
public import Ledger
import Posix
public import Records

/// Holes that only the sink can tell of.
///
/// A source that was started again, or killed, does not know what it had passed on: only the ledger
/// knows the last record that was delivered. A hole is declared some seconds after it was
/// seen, since another source may bring what this one missed.
public struct HoleWatch: Sendable {
    /// A hole, and the record behind it.
    public struct Hole: Sendable, Equatable {
        /// Whose ids are missing.
        public let sequence: SequenceID
        /// Which.
        public let ids: ClosedRange<Int64>
        /// Of the record behind it, µs.
        public let eventTime: Int64
        /// Of the record behind it, ns.
        public let ingestTime: Int64
        /// Of the record behind it.
        public let source: UInt8
        fileprivate let due: Int64
    }

    /// How long a hole may be filled before it is declared, ns.
    private static let patience: Int64 = 10_000_000_000
    /// Holes that wait at once; one more is declared at once.
    private static let most = 4096
    /// Holes of a sequence that earlier runs left and that are declared now, the newest ones.
    private static let mostOld = 1000

    /// Kinds of which holes are declared. Those of trades can be fetched again and stay holes for the
    /// ledger, but whoever reads the destination has only that to learn of them.
    static let kinds: Set<RecordKind> = [.depthDiff, .trade, .aggTrade]

    private var holes: [Hole] = []

    /// No holes.
    public init() {}

    /// True when none waits.
    public var isEmpty: Bool { holes.isEmpty }

    /// Notes what the selected sequence lacks before a record, also of what earlier runs left.
    ///
    /// - Parameter now: ns of the monotonic clock.
    public mutating func look(
        before frame: borrowing FrameView, _ held: inout HeldIDs, _ ledger: borrowing Ledger,
        now: @autoclosure () -> Int64
    ) {
        // Holes in trades that earlier runs left: history alone, fetched in any order, has some that no
        // source skipped.
        if held.isFirstLive(frame), let kind = frame.kind, kind != .depthDiff,
            Self.kinds.contains(kind)
        {
            noteHoles(of: held.key, in: ledger)
        }
        if let skipped = held.skipped(before: frame) { note(skipped, before: frame, now: now()) }
    }

    /// Notes ids that were skipped before a record.
    private mutating func note(
        _ ids: ClosedRange<Int64>, before frame: borrowing FrameView, now: Int64
    ) {
        note(
            ids, of: frame.sequence, eventTime: frame.eventTime, ingestTime: frame.ingestTime,
            source: frame.source, now: now)
    }

    /// Notes ids that an earlier run left missing.
    public mutating func note(
        _ ids: ClosedRange<Int64>, of sequence: SequenceID, eventTime: Int64, ingestTime: Int64,
        source: UInt8, now: Int64
    ) {
        holes.append(
            Hole(
                sequence: sequence, ids: ids, eventTime: eventTime, ingestTime: ingestTime,
                source: source, due: holes.count < Self.most ? now + Self.patience : now))
    }

    /// Notes the holes of some kinds that earlier runs left: one that was killed has not declared those
    /// that it had just seen.
    public mutating func noteHoles(of ledger: borrowing Ledger, kinds: Set<RecordKind>) {
        for sequence in ledger.sequences {
            guard let kind = sequence.kind, kinds.contains(kind) else { continue }
            noteHoles(of: sequence, in: ledger)
        }
    }

    /// Notes the holes of one sequence that earlier runs left and told nothing of, the newest 1000.
    public mutating func noteHoles(of sequence: SequenceID, in ledger: borrowing Ledger) {
        guard let coverage = ledger.coverage(of: sequence) else { return }
        let (now, real) = (Clock.monotonicNanoseconds(), Clock.realtimeNanoseconds())
        var untold: [ClosedRange<Int64>] = []
        coverage.forEachHole { ids in
            untold += coverage.reported.missing(in: ids)
            if untold.count > 2 * Self.mostOld { untold.removeFirst(untold.count - Self.mostOld) }
            return true
        }
        for ids in untold.suffix(Self.mostOld) {
            note(
                ids, of: sequence, eventTime: coverage.newestEventTime ?? real / 1000,
                ingestTime: real, source: SourceCode.sbe.rawValue, now: now)
        }
    }

    /// The holes that are to be declared, as far as they are holes still.
    ///
    /// - Parameter all: true at the end of the run.
    public mutating func takeDue(now: Int64, all: Bool = false) -> [Hole] {
        guard !holes.isEmpty else { return [] }
        let due = holes.filter { all || $0.due <= now }
        if !due.isEmpty { holes.removeAll { all || $0.due <= now } }
        return due
    }
}
