import Identity
import Records

/// Where records go that are new to this process.
protocol RecordOutput: ~Copyable {
    /// Passes a record on.
    mutating func append(_ frame: borrowing FrameView) throws
    /// Passes a record on that is damaged, or whose ids cannot be right: it stands for no other one.
    mutating func append(unremembered frame: borrowing FrameView) throws
    /// Passes a gap record on that was made here.
    mutating func append(
        gap ids: ClosedRange<Int64>, of sequence: SequenceID, reason: GapReason,
        source: SourceCode, eventTime: Int64, ingestTime: Int64?, evidence: String) throws
}

/// Straight to standard output.
extension FrameWriter: RecordOutput {
    mutating func append(unremembered frame: borrowing FrameView) throws { try append(frame) }
}

/// To where the other hosts have their say first.
struct SharedOutput: RecordOutput {
    let claims: SharedClaims

    mutating func append(_ frame: borrowing FrameView) { claims.take(frame) }

    mutating func append(unremembered frame: borrowing FrameView) {
        claims.take(unclaimed: frame)
    }

    mutating func append(
        gap ids: ClosedRange<Int64>, of sequence: SequenceID, reason: GapReason,
        source: SourceCode, eventTime: Int64, ingestTime: Int64?, evidence: String
    ) {
        claims.take(
            gap: ids, of: sequence, reason: reason, source: source, eventTime: eventTime,
            ingestTime: ingestTime, evidence: evidence)
    }
}
