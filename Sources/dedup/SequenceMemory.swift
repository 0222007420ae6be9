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

    /// As sbe-tap has them, and the sinks without settings.
    private static let limits = IDLimits(widest: 1_000_000, farthest: 1_000_000_000)
    /// Pieces of a gap record that are worth being told apart.
    private static let maximumPieces = 256
    /// Intervals that gap records of one reason may have declared before the oldest are forgotten.
    private static let maximumDeclared = 1 << 20

    /// How much younger than the newest record a copy of another one may seem, µs: a minute.
    private static let slack: Int64 = 60_000_000

    let sequence: SequenceID
    private let window: Int
    let isContiguous: Bool
    /// False for raw messages and kinds that are not known here.
    let isNumbered: Bool
    var duplicates: Int64 = 0
    var holes: Int64 = 0
    /// True where a record has one id and nothing but that to compare: trades and aggregates.
    private var isPlain: Bool
    /// Event times before this are of an earlier numbering, µs.
    private var begin: Int64 = .min
    private let scale: IDScale
    /// By the numbers of `scale`.
    private var seen = IDPages()
    private var recent: RecentIdentities
    /// Event time of the record with the newest id, µs: copies are not younger.
    private var newestTime: Int64 = .max
    /// The newest id, of a sequence whose ids only grow.
    private var newestID: Int64 = .min
    /// What gap records said, by their reason.
    private var declared: [UInt8: IDSet] = [:]

    init(_ sequence: SequenceID, window: Int) {
        self.sequence = sequence
        self.window = window
        isContiguous = sequence.numbering == .contiguous
        isNumbered = isContiguous || sequence.numbering == .increasing
        isPlain = sequence.kind == .trade || sequence.kind == .aggTrade
        scale = IDScale(sequence)
        recent = RecentIdentities(capacity: window)
    }

    var title: String { sequence.title }

    /// Holes that nothing has filled.
    var openHoles: Int { isContiguous ? max(0, seen.stretches - 1) : 0 }

    /// Notes a record that follows the newest one and has one id, as nearly all do.
    ///
    /// - Returns: false, and nothing noted, for another one.
    @inline(__always)
    mutating func takeNext(_ frame: borrowing FrameView) -> Bool {
        let id = frame.firstID
        guard isPlain, frame.lastID == id, seen.extend(by: id) else { return false }
        newestTime = frame.eventTime
        return true
    }

    /// Notes a record that does not follow the newest one, but is near others that came late, or is
    /// a copy of one of the newest stretch.
    ///
    /// - Returns: whether it is new; nil, and nothing noted, for another one.
    @inline(__always)
    mutating func takeNear(_ frame: borrowing FrameView) -> Bool? {
        let id = frame.firstID
        return isPlain && frame.lastID == id && id >= 0 ? seen.insertNear(id) : nil
    }

    /// True when a record whose id came before is not the one that came, but of a new numbering: it is
    /// younger than the record with the newest id. Of a kline the id is a time, which does not begin
    /// again.
    func isRenumbered(_ frame: borrowing FrameView) -> Bool {
        guard sequence.kind != .kline, newestTime >= IDTimes.earliest, newestTime != .max else {
            return false
        }
        // Times of receipt are those of different hosts, and of books that stand still.
        let slack = frame.isReceiveTime ? IDTimes.restartAfter : Self.slack
        let (distance, overflow) = frame.eventTime.subtractingReportingOverflow(newestTime)
        return !overflow && distance > slack && !frame.isAheadOfClock
    }

    /// Forgets what came: with this record the venue began to number again.
    mutating func forgetNumbers(before frame: borrowing FrameView) {
        // Copies of before, should more come, are told by their times, which only `take` looks at.
        begin = newestTime
        isPlain = false
        seen = IDPages()
        recent = RecentIdentities(capacity: window)
        newestTime = .max
        newestID = .min
        declared = [:]
    }

    /// Notes a record.
    ///
    /// All of it in one call: each use of a value in an array that is not in place copies the value.
    mutating func take(_ frame: borrowing FrameView) -> Verdict {
        guard isNumbered, !frame.isUnfinished, frame.eventTime > begin || begin == .min else {
            return .unnumbered
        }
        guard isContiguous else {
            guard recent.insert(frame.occupiedIDs, nil) else { return .known }
            if frame.lastID > newestID { (newestID, newestTime) = (frame.lastID, frame.eventTime) }
            return .new
        }
        let last = seen.last
        // Several ids of a kind that has one, negative ones, a change of a book that covers more than a
        // venue can have sent, a jump that it cannot have made.
        guard Self.limits.objection(to: frame, newest: last) == nil else { return .implausible }
        let numbers = scale.numbers(frame.occupiedIDs)
        guard seen.insert(numbers) else { return .known }
        if last.map({ numbers.upperBound > $0 }) ?? true { newestTime = frame.eventTime }
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
}
