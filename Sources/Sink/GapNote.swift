public import Identity

/// What the gap records of an object say for one reason: kept for its manifest.
public struct GapNote: Sendable, Equatable {
    /// What tells it from other notes.
    public struct Key: Sendable, Hashable {
        /// Whose ids are missing.
        public let sequence: SequenceID
        /// The word of the records.
        public let reason: String
        /// The word of the records.
        public let source: String
        /// True for ids that will not come.
        public let isDeclared: Bool
        /// What shows it, and where the records are if they came; else empty.
        public let evidence: String

        /// Names a note.
        public init(
            sequence: SequenceID, reason: String, source: String, isDeclared: Bool,
            evidence: String = ""
        ) {
            self.sequence = sequence
            self.reason = reason
            self.source = source
            self.isDeclared = isDeclared
            self.evidence = evidence
        }
    }

    /// The ids.
    public var ids: IDSet
    /// When the first and the last of the records were made, ns since the epoch.
    public var seen: ClosedRange<Int64>

    /// Puts a note together.
    public init(ids: IDSet, seen: ClosedRange<Int64>) {
        self.ids = ids
        self.seen = seen
    }

    /// Adds a gap record that was made at a time, ns since the epoch.
    mutating func add(_ gap: ClosedRange<Int64>, at time: Int64) {
        ids.insert(gap)
        seen = min(seen.lowerBound, time)...max(seen.upperBound, time)
    }
}
