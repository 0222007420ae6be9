public import Identity

/// The venue's SBE streams of a symbol.
///
/// Source: Binance Spot, SBE market data streams, as of 2026-07; there are no others.
public enum StreamKind: String, CaseIterable, Sendable {
    /// Each trade, as it happens.
    case trade
    /// The top of the book; the venue leaves older ones out under load.
    case bestBidAsk
    /// Changes of the book, every 20 ms.
    case depth
    /// The best 20 levels of each side, every 50 ms.
    case depth20

    /// The kind of record that comes of it.
    public var record: RecordKind {
        switch self {
        case .trade: .trade
        case .bestBidAsk: .bestBidAsk
        case .depth: .depthDiff
        case .depth20: .depthSnapshot
        }
    }

    /// The `series` of its records: a book of 20 levels and a whole one, which comes over REST,
    /// may have the same update id and are not the same record.
    public var series: UInt16 { self == .depth20 ? 20 : 0 }

    /// True when the next id is known, so that a skipped one is a hole.
    public var isDense: Bool { record.numbering == .contiguous }

    /// The sequence of a symbol's records.
    public func sequence(of symbol: SymbolName) -> SequenceID {
        SequenceID(template: record.rawValue, series: series, symbol: symbol)
    }
}
