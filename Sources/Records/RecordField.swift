public import Identity

/// A field of records, by the name that filters, tables and output formats use for it.
///
/// Where JSON has a field too, the name is the same; a record of a kind without the field has no
/// value for it.
public enum RecordField: String, CaseIterable, Sendable {
    case kind
    case symbol
    /// Event time.
    case time
    /// When the bytes arrived here.
    case ingest
    /// The first id that the record covers.
    case id
    /// The last id that it covers.
    case lastID = "last_id"
    case source
    case venue
    case series
    case flags
    case price
    case quantity = "qty"
    /// Price times quantity.
    case quoteQuantity = "quote_qty"
    /// What the taker did: `buy` or `sell`.
    case side
    case isBuyerMaker = "is_buyer_maker"
    case isBestMatch = "is_best_match"
    case firstTradeID = "first_trade_id"
    case lastTradeID = "last_trade_id"
    case interval
    case openTime = "open_time"
    case closeTime = "close_time"
    case open = "open_price"
    case high = "high_price"
    case low = "low_price"
    case close = "close_price"
    case volume
    case quoteVolume = "quote_volume"
    case tradeCount = "trade_count"
    case takerBuyBaseVolume = "taker_buy_base_volume"
    case takerBuyQuoteVolume = "taker_buy_quote_volume"
    case isClosed = "is_closed"
    case bidPrice = "bid_px"
    case bidQuantity = "bid_sz"
    case askPrice = "ask_px"
    case askQuantity = "ask_sz"
    /// Levels of a book's side, or changes to it.
    case bidLevels = "bid_levels"
    case askLevels = "ask_levels"
    case missingKind = "missing_kind"
    case reason

    /// What kind of value a field has.
    public enum ValueType: Sendable {
        /// An exact decimal.
        case number
        /// µs since the epoch.
        case time
        /// One of a few words.
        case word
        case symbol
        case boolean
    }

    /// What kind of value it has.
    public var type: ValueType {
        switch self {
        case .kind, .source, .side, .interval, .missingKind, .reason: .word
        case .symbol: .symbol
        case .time, .ingest, .openTime, .closeTime: .time
        case .isBuyerMaker, .isBestMatch, .isClosed: .boolean
        default: .number
        }
    }

    /// The field of a name; what JSON calls ids, by kind, is the id.
    public init?(name: String) {
        if let field = Self(rawValue: name) {
            self = field
            return
        }
        switch name {
        case "trade_id", "agg_trade_id", "update_id", "first_id", "first_update_id", "arrival":
            self = .id
        case "last_update_id": self = .lastID
        case "event_time", "event_time_us", "event_ts": self = .time
        case "ingest_time", "ingest_time_ns", "ingest_ts": self = .ingest
        case "open_time_us": self = .openTime
        case "close_time_us": self = .closeTime
        case "quantity": self = .quantity
        case "record_kind": self = .kind
        case "kline_interval": self = .interval
        case "open": self = .open
        case "high": self = .high
        case "low": self = .low
        case "close": self = .close
        default: return nil
        }
    }

    /// Words that a field of words may have, with the number that each stands for.
    public var words: [(word: String, code: Int)] {
        switch self {
        case .kind, .missingKind: RecordKind.allCases.map { ($0.name, Int($0.rawValue)) }
        case .source:
            (0...Int(SourceWord.last)).map { ("\(SourceWord.text(UInt8($0)))", $0) }
        case .side: [("buy", 0), ("sell", 1)]
        case .interval: KlineInterval.allCases.map { ($0.rawValue, Int($0.code)) }
        case .reason:
            (0...5).map { ("\(GapReason(rawValue: UInt8($0)).word)", $0) }
        default: []
        }
    }

    /// The fields that a table of a kind shows, in order.
    public static func columns(of kind: RecordKind) -> [RecordField] {
        let own: [RecordField] =
            switch kind {
            case .trade: [.id, .price, .quantity, .side]
            case .aggTrade: [.id, .price, .quantity, .side, .firstTradeID, .lastTradeID]
            case .kline:
                [
                    .interval, .openTime, .closeTime, .open, .high, .low, .close, .volume,
                    .quoteVolume, .tradeCount, .takerBuyBaseVolume, .takerBuyQuoteVolume,
                    .isClosed,
                ]
            case .bestBidAsk: [.id, .bidPrice, .bidQuantity, .askPrice, .askQuantity]
            case .depthDiff: [.id, .lastID, .bidLevels, .askLevels]
            case .depthSnapshot: [.id, .series, .bidLevels, .askLevels]
            case .gap: [.missingKind, .id, .lastID, .reason]
            case .raw: [.id]
            }
        return [.time, .symbol] + own + [.source]
    }
}
