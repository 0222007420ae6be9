import Identity
public import Posix

extension Bytes {
    /// Appends a gap record that says the same as another one of a part of its ids.
    public mutating func append(gap ids: ClosedRange<Int64>, like frame: borrowing FrameView) {
        guard let sequence = frame.missingSequence, let gap = try? GapDecoder(frame.message) else {
            return append(frame.bytes)
        }
        append(
            gap: ids, of: sequence, reason: gap.reason, source: SourceCode(rawValue: frame.source),
            eventTime: frame.eventTime, ingestTime: frame.ingestTime, evidence: frame.gapEvidence)
    }
}
