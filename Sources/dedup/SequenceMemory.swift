import Identity
import Records

/// What came of one sequence.
struct SequenceMemory {
    /// What is known of the ids of a record.
    enum Verdict: Equatable {
        /// There are none to compare: a raw message, a kind not known here, an interval that is
        /// not over.
        case unnumbered
        /// They cannot be right.
        case implausible
        /// They came before.
        case known
        /// They are new, and follow what came.
        case new
        /// They are new, and these before them are missing.
        case afterHole(ClosedRange<Int64>)
    }

    /// What is seen of a record at once.
    enum Glance {
        /// It is not what its template says; nothing was noted.
        case broken
        case new
        case copy
        /// Nothing was noted: ``take(_:)`` knows.
        case unclear
    }

    /// As sbe-tap has them, and the sinks without settings.
    private static let limits = IDLimits(widest: 1_000_000, farthest: 1_000_000_000)
    /// Pieces of a gap record that are worth being told apart.
    private static let maximumPieces = 256
    /// Intervals that gap records of one reason may have declared before the oldest are forgotten.
    private static let maximumDeclared = 1 << 20

    let sequence: SequenceID
    let isContiguous: Bool
    /// False for raw messages and kinds that are not known here.
    let isNumbered: Bool
    var duplicates: Int64 = 0
    var holes: Int64 = 0
    /// True where a record has one id and nothing but that to compare: trades and aggregates.
    private let isPlain: Bool
    /// Of its records, the block from which on they need no further look to be sound.
    private let soundBlock: Int
    private let scale: IDScale
    /// By the numbers of `scale`.
    private var seen = IDPages()
    private var recent: RecentIdentities
    /// Numbers of intervals in which a kline begins that does not begin where they do.
    private var shared = IDSet()
    /// What gap records said, by their reason.
    private var declared: [UInt8: IDSet] = [:]

    init(_ sequence: SequenceID, window: Int) {
        self.sequence = sequence
        isContiguous = sequence.numbering == .contiguous
        isNumbered = isContiguous || sequence.numbering == .increasing
        isPlain = sequence.kind == .trade || sequence.kind == .aggTrade
        soundBlock = FrameView.soundBlock(of: sequence.template)
        scale = IDScale(sequence)
        recent = RecentIdentities(capacity: window)
    }

    var title: String { sequence.title }

    /// Holes that nothing has filled.
    var openHoles: Int { isContiguous ? max(0, seen.stretches - 1) : 0 }

    /// Notes a record of a kind with plain ids that follows the newest one, or is near others that came
    /// late, or is a copy of one of the newest stretch, as nearly all do.
    ///
    /// One call that may change it: each use of a value elsewhere that may not copies the value.
    @inline(__always)
    mutating func glance(at frame: borrowing FrameView) -> Glance {
        guard Int(frame.blockLength) >= soundBlock || frame.isSound else { return .broken }
        let id = frame.firstID
        guard isPlain, frame.lastID == id else { return .unclear }
        if seen.extend(by: id) { return .new }
        guard id >= 0, let isNew = seen.insertNear(id) else { return .unclear }
        return isNew ? .new : .copy
    }

    /// Notes a record.
    ///
    /// All of it in one call: each use of a value in an array that is not in place copies the value.
    mutating func take(_ frame: borrowing FrameView) -> Verdict {
        guard isNumbered, !frame.isUnfinished else { return .unnumbered }
        guard isContiguous else {
            return recent.insert(frame.occupiedIDs, nil) ? .new : .known
        }
        if sequence.kind == .kline, let verdict = takeOdd(frame) { return verdict }
        let last = seen.last
        // Several ids of a kind that has one, negative ones, a change of a book that covers more than a
        // venue can have sent, a jump that it cannot have made.
        guard Self.limits.objection(to: frame, newest: last) == nil else { return .implausible }
        let numbers = scale.numbers(frame.occupiedIDs)
        guard seen.insert(numbers) else { return .known }
        guard let last, numbers.lowerBound > last, numbers.lowerBound != last + 1 else {
            return .new
        }
        return .afterHole(scale.ids((last + 1)...(numbers.lowerBound - 1)))
    }

    /// Notes that a gap record declares ids.
    ///
    /// - Returns: of them what has neither come nor been declared for this reason before.
    mutating func declare(
        _ ids: ClosedRange<Int64>, _ reason: GapReason
    ) -> [ClosedRange<Int64>] {
        // Of other sequences nothing can be said about ids between two records.
        guard isContiguous else { return recent.insert(ids, reason.rawValue) ? [ids] : [] }
        let reason = reason.rawValue
        var news: [ClosedRange<Int64>] = []
        for numbers in seen.missing(in: scale.numbers(ids)) {
            let range = scale.ids(numbers).clamped(to: ids)
            news += declared[reason]?.missing(in: range) ?? [range]
            if news.count > Self.maximumPieces { return [ids] }
        }
        for range in news { declared[reason, default: IDSet()].insert(range) }
        if declared[reason]?.intervalCount ?? 0 > Self.maximumDeclared {
            declared[reason]?.keepLast(intervals: Self.maximumDeclared / 2)
        }
        return news
    }

    /// Of ids that are missing those that no gap record has declared.
    func undeclared(_ ids: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        declared.values.reduce([ids]) { rest, known in rest.flatMap { known.missing(in: $0) } }
    }

    // MARK: - Klines that share an interval

    /// Judges a kline by its own id: one that does not begin where its interval does, as some of the
    /// venue's early days, or that is in an interval with such a one.
    ///
    /// - Returns: nil for one that is the first of its interval, and for all others.
    private mutating func takeOdd(_ frame: borrowing FrameView) -> Verdict? {
        let isOdd = frame.sharesItsInterval
        guard isOdd || !shared.isEmpty else { return nil }
        let own = frame.firstID...frame.firstID
        guard Self.limits.objection(to: frame, newest: nil) == nil else { return nil }
        let interval = frame.occupiedIDs
        let numbers = scale.numbers(interval)
        if !shared.overlaps(numbers) {
            guard isOdd else { return nil }
            shared.insert(numbers)
            guard seen.missing(in: numbers).isEmpty else {
                _ = recent.insert(own, nil)
                return nil
            }
            // What came before in the interval began where it does.
            _ = recent.insert(interval.lowerBound...interval.lowerBound, nil)
        }
        return recent.insert(own, nil) ? .new : .known
    }
}
