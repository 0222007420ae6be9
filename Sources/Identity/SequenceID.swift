import Encoding

/// What numbers a run of records: all records of one sequence share it.
@frozen
public struct SequenceID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// 1 = Binance Spot.
    public let venue: UInt8
    /// The template id of its records.
    public let template: UInt16
    /// The interval code of klines, 20 for books of 20 levels, else 0.
    public let series: UInt16
    /// Which of the venue's numberings: 1 for the first, one more each time that ids started over
    /// (testnet reset, a ticker given to another coin). Frames do not carry it; whoever keeps
    /// records or claims adds it.
    public var epoch: UInt16
    /// Whose records.
    public let symbol: SymbolName

    /// Names a sequence.
    @inlinable
    public init(
        venue: UInt8 = 1, template: UInt16, series: UInt16 = 0, epoch: UInt16 = 1,
        symbol: SymbolName
    ) {
        self.venue = venue
        self.template = template
        self.series = series
        self.epoch = epoch
        self.symbol = symbol
    }

    /// The kind of its records; nil for a template that is not known here.
    @inlinable public var kind: RecordKind? { RecordKind(rawValue: template) }

    /// How its ids tell records apart.
    @inlinable public var numbering: Numbering { kind?.numbering ?? .none }

    /// For people: `BTCUSDT aggTrade`, `BTCUSDT kline 1m`, `BTCUSDT trade epoch 2`.
    public var title: String {
        let interval = KlineInterval(code: series).map { " \($0.rawValue)" } ?? ""
        let numbered = epoch > 1 ? " epoch \(epoch)" : ""
        return "\(symbol.shown) \(RecordKind.name(template: template))\(interval)\(numbered)"
    }

    /// As ``title``.
    public var description: String { title }

    /// By venue, symbol, kind, series and epoch.
    public static func < (one: Self, other: Self) -> Bool {
        if one.venue != other.venue { return one.venue < other.venue }
        if one.symbol != other.symbol { return one.symbol < other.symbol }
        return (one.template, one.series, one.epoch) < (other.template, other.series, other.epoch)
    }
}
