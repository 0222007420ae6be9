public import Identity

/// What a ledger knows of one sequence.
public struct Coverage: Sendable, Equatable {
    /// Ids whose records are durable, of a sequence where each id has its record.
    public var held = IDSet()
    /// Ids that a gap record says will not come: nothing can fetch them, or they never were.
    public var declared = IDSet()
    /// Ids that a delivered gap record speaks of though they may still come: whoever reads the destination
    /// was told of them. Nothing is claimed of them.
    public internal(set) var reported = IDSet()
    /// What was seen of a sequence whose ids only grow.
    public internal(set) var runs = Runs()
    /// Exact ids of the records that came last.
    public internal(set) var recent: RecentIDs
    /// Ranges that someone took out again, in the order in which that was done.
    public internal(set) var removed: [Removal] = []
    var marks = TimeMarks()
    /// True for a numbering that was begun on purpose.
    var isBegun = false

    /// Of a sequence without records.
    ///
    /// - Parameter recentIDs: exact ids that are remembered.
    public init(recentIDs: Int = Ledger.defaultRecentIDs) {
        recent = RecentIDs(capacity: recentIDs)
    }

    /// True when nothing is known.
    public var isEmpty: Bool {
        held.isEmpty && declared.isEmpty && reported.isEmpty && runs.isEmpty && recent.isEmpty
            && removed.isEmpty
            && marks.ids.isEmpty && !isBegun
    }

    /// The newest event time that a record was booked with, µs since the epoch; nil when none is
    /// known.
    public var newestEventTime: Int64? { marks.newest }

    /// The event times between which missing ids happened, µs since the epoch, as near as the times
    /// tell that ids around them were booked with: to about a day. Nil when none is known.
    public func timeBounds(around ids: ClosedRange<Int64>) -> ClosedRange<Int64>? {
        marks.bounds(around: ids)
    }

    /// Gives each hole between what is held, without what is declared, to `body` until it returns
    /// false. Sequences whose ids only grow have none.
    public func forEachHole(_ body: (ClosedRange<Int64>) throws -> Bool) rethrows {
        try held.forEachHole(with: declared, body)
    }

    /// How many holes there are between what is held, without what is declared.
    public var holeCount: Int {
        var count = 0
        forEachHole { _ in
            count += 1
            return true
        }
        return count
    }
}

/// A range of ids that was taken out of a ledger.
public struct Removal: Sendable, Equatable {
    /// The ids.
    public let ids: ClosedRange<Int64>
    /// When, ns since the epoch.
    public let time: Int64
}

/// What spool positions are confirmed for: the records of a sequence, or of an hour of it.
public struct ProgressKey: Hashable, Sendable {
    /// Whose records.
    public let sequence: SequenceID
    /// Which of them, as the sink divides them.
    public let bucket: Int64

    /// Names some of the records of a sequence.
    public init(sequence: SequenceID, bucket: Int64 = 0) {
        self.sequence = sequence
        self.bucket = bucket
    }
}
