public import Identity

extension FrameView {
    /// The sequence that the record belongs to, in the first numbering of the venue.
    @inlinable public var sequence: SequenceID {
        SequenceID(venue: venue, template: template, series: series, symbol: symbol)
    }

    /// The name of ``sequence`` in words.
    @inlinable public var sequenceWords: SequenceWords {
        @inline(__always) get {
            SequenceWords(
                venue: venue, template: template, series: series, epoch: 1,
                symbol: prefix.symbolWords)
        }
    }

    /// True when the record belongs to a sequence: as ``sequence`` compared with it, in a few words.
    @inlinable
    @inline(__always)
    public func belongs(to sequence: SequenceID) -> Bool { sequenceWords == sequence.words }

    /// The kind of the record; nil for a template that is not known here.
    @inlinable public var kind: RecordKind? { RecordKind(rawValue: template) }

    /// How the record's ids tell it from others: its kind's numbering, but ``Numbering/none`` for
    /// a kline whose interval was not over, since it will come again under the same id.
    public var numbering: Numbering {
        guard let kind else { return .none }
        return kind == .kline && isUnfinished ? .none : kind.numbering
    }

    /// The ids that the record takes up in its sequence, as a ledger or dedup counts them.
    ///
    /// A kline's id is its open time; it takes up its whole interval, so that consecutive klines
    /// are adjacent whatever the interval, months included.
    public var occupiedIDs: ClosedRange<Int64> {
        if template == RecordKind.kline.rawValue, let interval = KlineInterval(code: series) {
            return interval.bucket(of: firstID)
        }
        let (first, last) = (firstID, lastID)
        return first <= last ? first...last : first...first
    }
}
