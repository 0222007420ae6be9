import Encoding
public import Identity

/// A file of the venue's public archive: the rows of one kind and symbol, of a day or a month (UTC).
///
/// Source: Binance public data repository, README, as of 2025-01; docs/venue.md.
public struct ArchiveFile: Hashable, Sendable {
    /// What its rows are.
    public enum Content: Hashable, Sendable {
        case trades
        case aggTrades
        case klines(KlineInterval)

        /// The archive's name of it.
        var name: String {
            switch self {
            case .trades: "trades"
            case .aggTrades: "aggTrades"
            case .klines(let interval): Self.name(of: interval)
            }
        }

        /// The month is `1mo` there, and `1M` everywhere else.
        private static func name(of interval: KlineInterval) -> String {
            interval == .month1 ? "1mo" : interval.rawValue
        }

        /// True for intervals that only files of a month have.
        public var isMonthlyOnly: Bool {
            guard case .klines(let interval) = self else { return false }
            return [.day3, .week1, .month1].contains(interval)
        }
    }

    /// Whose rows.
    public let symbol: SymbolName
    /// Of what.
    public let content: Content
    /// The first day of it, days since the epoch.
    public let day: Int64
    /// True for a file of a month.
    public let isMonthly: Bool

    /// Names the file that has a day.
    ///
    /// - Parameter day: days since the epoch.
    public init(symbol: SymbolName, content: Content, day: Int64, isMonthly: Bool = false) {
        self.symbol = symbol
        self.content = content
        self.isMonthly = isMonthly || content.isMonthlyOnly
        let date = Timestamp.CivilDate(daysSinceEpoch: day)
        self.day = self.isMonthly ? day - Int64(date.day - 1) : day
    }

    /// The files that have every moment of a range of time, in order.
    ///
    /// - Parameter times: µs since the epoch.
    public static func files(
        symbol: SymbolName, content: Content, times: Range<Int64>, isMonthly: Bool
    ) -> [ArchiveFile] {
        guard !times.isEmpty else { return [] }
        var files: [ArchiveFile] = []
        var day = Timestamp.floor(times.lowerBound, by: Timestamp.day)
        let last = Timestamp.floor(times.upperBound - 1, by: Timestamp.day)
        while day <= last {
            let file = ArchiveFile(
                symbol: symbol, content: content, day: day, isMonthly: isMonthly)
            files.append(file)
            day = file.nextDay
        }
        return files
    }

    /// The day after its last one.
    public var nextDay: Int64 {
        guard isMonthly else { return day + 1 }
        let following = Timestamp.CivilDate(daysSinceEpoch: day + 31)
        return day + 31 - Int64(following.day - 1)
    }

    /// What it holds, µs since the epoch.
    public var times: Range<Int64> { (day * Timestamp.day)..<(nextDay * Timestamp.day) }

    /// Such as `BTCUSDT-trades-2024-01-01`, without an ending.
    public var name: String {
        let date = Timestamp.text(microseconds: day * Timestamp.day).prefix(isMonthly ? 7 : 10)
        return "\(symbol)-\(content.name)-\(date)"
    }

    /// Below the archive's base URL, with what no URL may have percent-encoded.
    public var path: String {
        let period = isMonthly ? "monthly" : "daily"
        let kind = if case .klines = content { "klines" } else { content.name }
        let folder = if case .klines = content { "/\(content.name)" } else { "" }
        let symbol = "\(symbol)".percentEncoded()
        return "data/spot/\(period)/\(kind)/\(symbol)\(folder)/\(name.percentEncoded()).zip"
    }

    /// The sequence that its rows are of.
    public var sequence: SequenceID {
        switch content {
        case .trades: SequenceID(template: RecordKind.trade.rawValue, series: 0, symbol: symbol)
        case .aggTrades:
            SequenceID(template: RecordKind.aggTrade.rawValue, series: 0, symbol: symbol)
        case .klines(let interval):
            SequenceID(
                template: RecordKind.kline.rawValue, series: interval.code, symbol: symbol)
        }
    }
}
