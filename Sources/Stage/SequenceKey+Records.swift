public import Ledger
public import Records

extension SequenceKey {
    /// A record's sequence as ledgers know it.
    public init(_ sequence: SequenceID) {
        self.init(
            venue: sequence.venue, template: sequence.template, series: sequence.series,
            symbolWords: sequence.symbol.words)
    }

    /// For people: `BTCUSDT aggTrade`, `BTCUSDT kline 1m`.
    public var title: String {
        SequenceTitle.of(symbol: symbolText, template: template, series: series)
    }
}

/// A sequence's name for people.
public enum SequenceTitle {
    /// Of a record's sequence.
    public static func of(_ sequence: SequenceID) -> String {
        of(symbol: "\(sequence.symbol)", template: sequence.template, series: sequence.series)
    }

    static func of(symbol: String, template: UInt16, series: UInt16) -> String {
        let interval = KlineInterval(code: series).map { " \($0.rawValue)" } ?? ""
        return "\(symbol) \(Kind.name(template: template))\(interval)"
    }
}
