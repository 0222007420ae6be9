public import Identity

extension FrameView {
    /// True when the record belongs to a sequence in its first numbering: as ``sequence`` compared with
    /// it, in a few words, without making one.
    @inlinable
    @inline(__always)
    public func isOf(_ sequence: SequenceID) -> Bool {
        let (own, other) = (prefix.symbolWords, sequence.symbol.words)
        let differences =
            (own.0 ^ other.0) | (own.1 ^ other.1) | (own.2 ^ other.2) | (own.3 ^ other.3)
        return differences == 0 && template == sequence.template && series == sequence.series
            && venue == sequence.venue && sequence.epoch == 1
    }
}
