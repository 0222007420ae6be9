public import Identity

/// The two forms in which the venue streams market data.
public enum StreamEncoding: String, Sendable {
    /// Binary messages of the stream schema, for holders of a key.
    case sbe
    /// JSON texts, for anybody.
    case json
}

/// A live stream of a symbol, whatever the form it comes in.
///
/// Source: Binance Spot, SBE market data streams and WebSocket streams, as of 2026-09.
public enum StreamKind: Hashable, Sendable {
    /// Each trade, as it happens.
    case trade
    /// Consecutive trades of one taker order; JSON only.
    case aggTrade
    /// The top of the book; the SBE form leaves older ones out under load.
    case bestBidAsk
    /// Changes of the book, every 20 ms in SBE, every 100 ms in JSON.
    case depth
    /// The best 20 levels of each side, every 50 ms in SBE, every 100 ms in JSON.
    case depth20
    /// Candlesticks; JSON only.
    case kline(KlineInterval)

    /// The streams that the venue has in SBE.
    public static let inSBE: [StreamKind] = [.trade, .bestBidAsk, .depth, .depth20]
    /// Each stream, klines of each interval.
    public static let all: [StreamKind] =
        [.trade, .aggTrade, .bestBidAsk, .depth, .depth20] + KlineInterval.allCases.map(Self.kline)
    /// The names that ``init(_:)`` takes, for messages.
    public static let names = "trade, aggTrade, bestBidAsk, depth, depth20, kline_1m (any interval)"

    /// The stream of a name as a person types it; case counts only in a kline's interval.
    public init?(_ name: String) {
        if let kind = Self.all.prefix(5).first(where: { $0.name.lowercased() == name.lowercased() })
        {
            self = kind
        } else if name.lowercased().hasPrefix("kline_"),
            let interval = KlineInterval(rawValue: String(name.dropFirst(6)))
        {
            self = .kline(interval)
        } else {
            return nil
        }
    }

    /// The name here, the same in both forms.
    public var name: String {
        switch self {
        case .trade: "trade"
        case .aggTrade: "aggTrade"
        case .bestBidAsk: "bestBidAsk"
        case .depth: "depth"
        case .depth20: "depth20"
        case .kline(let interval): "kline_\(interval.rawValue)"
        }
    }

    /// The venue's name, behind the symbol's `@`.
    public func venueName(in encoding: StreamEncoding) -> String {
        guard encoding == .json else { return name }
        return switch self {
        case .bestBidAsk: "bookTicker"
        // Without a speed, `depth` means 1000 ms here and 20 ms in SBE.
        case .depth: "depth@100ms"
        case .depth20: "depth20@100ms"
        case .trade, .aggTrade, .kline: name
        }
    }

    /// True for a stream that the venue has in a form.
    public func exists(in encoding: StreamEncoding) -> Bool {
        encoding == .json || Self.inSBE.contains(self)
    }

    /// The kind of record that comes of it.
    @inline(__always)
    public var record: RecordKind {
        switch self {
        case .trade: .trade
        case .aggTrade: .aggTrade
        case .bestBidAsk: .bestBidAsk
        case .depth: .depthDiff
        case .depth20: .depthSnapshot
        case .kline: .kline
        }
    }

    /// The `series` of its records: a book of 20 levels and a whole one, which comes over REST,
    /// may have the same update id and are not the same record; klines have their interval's code.
    @inline(__always)
    public var series: UInt16 {
        switch self {
        case .depth20: 20
        case .kline(let interval): interval.code
        case .trade, .aggTrade, .bestBidAsk, .depth: 0
        }
    }

    /// True when the next id is known, so that a skipped one is a hole.
    public var isContiguous: Bool { record.numbering == .contiguous }

    /// The sequence of a symbol's records.
    public func sequence(of symbol: SymbolName) -> SequenceID {
        SequenceID(template: record.rawValue, series: series, symbol: symbol)
    }
}
