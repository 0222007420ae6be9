import Bronze
import Identity
import Ledger

/// Which trades are compared, and what is known of those around them.
struct TradeScope {
    /// How far apart the ends of trades and of what was made of them may be when no range was asked
    /// for, µs: sinks cut objects by the hour.
    private static let slack: Int64 = 3_600_000_000

    /// Ids that are asked about.
    let ids: ClosedRange<Int64>
    /// Ids that are declared absent.
    let declared: IDSet
    /// True when what is declared absent is not to count as missing.
    let allowsDeclared: Bool
    /// True when the user named a range: then all of it has to be there.
    private let isNamed: Bool
    /// The event times that were asked about, µs; nil for all.
    private let asked: Range<Int64>?
    /// From when on all trades are among those that are compared, as far as they are held, µs; nil
    /// when the trades before the first one are not known.
    let start: Int64?
    /// Before when; see ``start``.
    let end: Int64?
    /// Event times of the trades so far, µs.
    private(set) var times: ClosedRange<Int64>?

    /// - Parameters:
    ///   - proof: of the trades.
    ///   - ids: those that a range comes to.
    init(
        _ proof: SequenceProof, _ range: ProofRange, _ ids: ClosedRange<Int64>,
        allowsDeclared: Bool
    ) {
        self.ids = ids
        self.allowsDeclared = allowsDeclared
        declared = proof.declared
        isNamed = range != .all
        // A market's first id is 0 or 1.
        let isFirst = ids.lowerBound <= 1
        let (before, isBefore) = ids.lowerBound.subtractingReportingOverflow(1)
        let (after, isAfter) = ids.upperBound.addingReportingOverflow(1)
        switch range {
        case .times(let times):
            let holdsBefore = isFirst || (!isBefore && proof.held.contains(before))
            start = holdsBefore ? times.lowerBound : nil
            end = !isAfter && proof.held.contains(after) ? times.upperBound : nil
            asked = times
        case .all, .ids:
            start = isFirst ? .min : nil
            end = nil
            asked = nil
        }
    }

    /// True for a time that is asked about.
    func asks(_ time: Int64) -> Bool { asked?.contains(time) ?? true }

    /// Notes trades that were read.
    mutating func add(_ trades: [HeldTrade]) {
        for trade in trades {
            times =
                times.map { min($0.lowerBound, trade.time)...max($0.upperBound, trade.time) }
                ?? trade.time...trade.time
        }
    }

    /// True when the trades of an interval were all read, but for those that are missing.
    func covers(_ span: ClosedRange<Int64>) -> Bool {
        guard let times else { return false }
        return (span.lowerBound > times.lowerBound || span.lowerBound >= start ?? .max)
            && (span.upperBound < times.upperBound || span.upperBound < end ?? .min)
    }

    /// True when what was made of trades begins or ends so near to them that the rest may come yet.
    func reachesEdge(_ time: Int64, atStart: Bool) -> Bool {
        guard !isNamed, let times else { return false }
        let distance = atStart ? time - times.lowerBound : times.upperBound - time
        return distance <= Self.slack
    }
}
