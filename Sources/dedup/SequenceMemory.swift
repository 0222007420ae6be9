import Identity
import Records

/// What came of one sequence.
struct SequenceMemory {
    /// What is known of the ids of a record.
    enum Verdict: Equatable {
        /// They came before.
        case known
        /// They are new, and follow what came.
        case new
        /// They are new, and these before them are missing.
        case afterHole(ClosedRange<Int64>)
    }

    /// Intervals that one sequence may have before the oldest are forgotten: 16 MiB.
    private static let maximumIntervals = 1 << 20
    /// Intervals that came late before they are put among the others: each costs a move of all that
    /// are above it, which for ids that descend would be all of them each time.
    private static let maximumLate = 2048
    /// As sbe-tap has them, and the sinks without settings.
    private static let limits = IDLimits(widest: 1_000_000, farthest: 1_000_000_000)
    /// Pieces of a gap record that are worth being told apart.
    private static let maximumPieces = 256

    let sequence: SequenceID
    let isContiguous: Bool
    /// False for raw messages and kinds that are not known here.
    let isNumbered: Bool
    var duplicates: Int64 = 0
    var holes: Int64 = 0
    private var seen = IDSet()
    private var late = IDSet()
    private var recent: RecentIdentities
    /// What gap records said, by their reason.
    private var declared: [UInt8: IDSet] = [:]

    init(_ sequence: SequenceID, window: Int) {
        self.sequence = sequence
        isContiguous = sequence.numbering == .contiguous
        isNumbered = isContiguous || sequence.numbering == .increasing
        recent = RecentIdentities(capacity: window)
    }

    var title: String { sequence.title }

    /// Holes that nothing has filled.
    mutating func openHoles() -> Int {
        guard isContiguous else { return 0 }
        mergeLate()
        return max(0, seen.intervalCount - 1)
    }

    /// False for ids that cannot be right: several of a kind that has one, negative ones, a change
    /// of a book that covers more than a venue can have sent, a jump that it cannot have made.
    func believes(_ frame: borrowing FrameView) -> Bool {
        guard isContiguous else { return true }
        return Self.limits.objection(to: frame, newest: seen.last) == nil
    }

    /// Notes the ids of a record.
    mutating func take(_ ids: ClosedRange<Int64>) -> Verdict {
        guard isContiguous else { return recent.insert(ids, 0) ? .new : .known }
        guard let last = seen.last else {
            seen.insert(ids)
            return .new
        }
        if ids.lowerBound > last {
            seen.insert(ids)
            if ids.lowerBound == last + 1 { return .new }
            if seen.intervalCount > Self.maximumIntervals {
                seen.keepLast(intervals: Self.maximumIntervals / 2)
            }
            return .afterHole((last + 1)...(ids.lowerBound - 1))
        }
        if hasAll(ids) { return .known }
        late.insert(ids)
        if late.intervalCount > Self.maximumLate { mergeLate() }
        return .new
    }

    /// Notes that a gap record declares ids.
    ///
    /// - Returns: of them what has neither come nor been declared for this reason before.
    mutating func declare(
        _ ids: ClosedRange<Int64>, _ reason: GapReason
    ) -> [ClosedRange<Int64>] {
        // Of other sequences nothing can be said about ids between two records.
        guard isContiguous else { return recent.insert(ids, reason.rawValue) ? [ids] : [] }
        mergeLate()
        let reason = reason.rawValue
        var news: [ClosedRange<Int64>] = []
        for range in seen.missing(in: ids) {
            news += declared[reason]?.missing(in: range) ?? [range]
            if news.count > Self.maximumPieces { return [ids] }
        }
        for range in news { declared[reason, default: IDSet()].insert(range) }
        if declared[reason]?.intervalCount ?? 0 > Self.maximumIntervals {
            declared[reason]?.keepLast(intervals: Self.maximumIntervals / 2)
        }
        return news
    }

    /// Of ids that are missing those that no gap record has declared.
    func undeclared(_ ids: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        declared.values.reduce([ids]) { rest, known in rest.flatMap { known.missing(in: $0) } }
    }

    private func hasAll(_ ids: ClosedRange<Int64>) -> Bool {
        if seen.contains(ids) { return true }
        if late.isEmpty { return false }
        return late.contains(ids) || seen.missing(in: ids).allSatisfy { late.contains($0) }
    }

    private mutating func mergeLate() {
        if late.isEmpty { return }
        seen.formUnion(late)
        late = IDSet()
    }
}
