public import Identity
import Ledger
public import Records

/// What a delivery adds to the ledger: collected record by record, booked when it is confirmed.
///
/// Contiguous sequences claim the ids of their records. Increasing ones claim nothing about ids
/// between two records: they have a run (first and last id, times, count) and the exact ids.
public struct ConfirmedIDs: Sendable {
    /// Whose ids they are, with its epoch.
    public let sequence: SequenceID
    /// Records, those without ids included.
    public private(set) var records: Int64 = 0
    /// Ids of a contiguous sequence.
    public private(set) var held = IDSet()
    /// Ids of an increasing sequence, or of records that share another's interval.
    public private(set) var exact = CompactIDs()
    /// Of gap records: ids that will not come.
    public private(set) var declared: [SequenceID: IDSet] = [:]
    /// Of gap records, whatever becomes of the ids: what they say and why.
    public private(set) var gaps: [GapNote.Key: GapNote] = [:]
    /// Ids of records that were fetched to fill a hole.
    public private(set) var repaired = IDSet()
    /// Event times of the first and the last record by id, µs; they say nothing without ids.
    public private(set) var firstTime: Int64 = .max
    /// See ``firstTime``.
    public private(set) var lastTime: Int64 = .min
    /// The id that was read right before the first one, of the same reading; nil when it began here.
    public var previous: Int64?
    /// Records that no ledger can hold by id: klines that were not over, raw messages.
    public private(set) var withoutID: Int64 = 0

    /// Different gaps of an object whose evidence is kept apart.
    private static let mostEvidence = 1000

    /// Lowest and highest id that any record names; nil without records.
    public private(set) var bounds: ClosedRange<Int64>?

    /// Nothing yet.
    public init(_ sequence: SequenceID) {
        self.sequence = sequence
    }

    /// Adds a record that was accepted.
    public mutating func add(_ frame: borrowing FrameView) {
        records += 1
        let time = frame.eventTime
        firstTime = min(firstTime, time)
        lastTime = max(lastTime, time)
        let ids = frame.occupiedIDs
        bounds =
            bounds.map { min($0.lowerBound, ids.lowerBound)...max($0.upperBound, ids.upperBound) }
            ?? ids
        switch frame.numbering {
        case .contiguous:
            held.insert(ids)
            if frame.source == SourceCode.repair.rawValue { repaired.insert(ids) }
            if frame.sharesItsInterval { exact.insert(frame.firstID) }
        case .increasing: exact.insert(frame.firstID)
        case .arrival: withoutID += 1
        case .none:
            withoutID += 1
            if let missing = frame.missingSequence { note(frame, missing) }
        }
    }

    private mutating func note(_ frame: borrowing FrameView, _ missing: SequenceID) {
        guard frame.firstID <= frame.lastID else { return }
        let gap = frame.declaredGap
        if let gap { declared[missing, default: IDSet()].insert(gap) }
        var key = GapNote.Key(
            sequence: missing, reason: frame.gapReasonWord, source: frame.sourceWord,
            isDeclared: gap != nil, evidence: frame.gapEvidence)
        // One manifest tells of many gaps: its size must not depend on what each of them says.
        if gaps[key] == nil, gaps.count >= Self.mostEvidence {
            key = GapNote.Key(
                sequence: missing, reason: key.reason, source: key.source,
                isDeclared: key.isDeclared)
        }
        let time = frame.ingestTime
        var note = gaps[key] ?? GapNote(ids: IDSet(), seen: time...time)
        note.ids.insert(frame.firstID...frame.lastID)
        note.seen = min(note.seen.lowerBound, time)...max(note.seen.upperBound, time)
        gaps[key] = note
    }

    /// True when the ids are one interval without a hole, so that first and last id tell it from
    /// any other set.
    public var isWholeInterval: Bool {
        switch sequence.numbering {
        case .contiguous: held.intervalCount == 1 && exact.isEmpty && withoutID == 0
        case .increasing: exact.count == 1 && records == 1
        case .arrival, .none: false
        }
    }

    /// A number that differs for different sets of ids, whatever the order in which they came.
    public var fingerprint: UInt64 {
        var sum = UInt64(bitPattern: records) &* 0x9e37_79b9_7f4a_7c15
        for range in held.ranges {
            sum &+= Self.mixed(UInt64(bitPattern: range.lowerBound))
            sum &+= Self.mixed(UInt64(bitPattern: range.upperBound) ^ 0x5555_5555_5555_5555)
        }
        exact.forEach { sum &+= Self.mixed(UInt64(bitPattern: $0) ^ 0xaaaa_aaaa_aaaa_aaaa) }
        return Self.mixed(sum)
    }

    /// SplitMix64's finisher.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value &+ 0x9e37_79b9_7f4a_7c15
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
