import Glibc

/// The fields of a record's public forms: JSON, Avro and columns name them alike.
///
/// What a record tells twice, such as `event_ts` beside `event_time_us`, is not among them: a frame
/// is put together of the exact ones.
enum FormField: UInt8, CaseIterable {
    case kind
    case symbol
    case symbolBytes
    case source
    case sourceCode
    case eventTime
    case ingestTime
    case venue
    case flags
    case priceExponent
    case quantityExponent
    case series
    case firstID
    case lastID
    case tradeID
    case aggTradeID
    case price
    case quantity
    case firstTradeID
    case lastTradeID
    case isBuyerMaker
    case isBestMatch
    case interval
    case openTime
    case closeTime
    case openPrice
    case highPrice
    case lowPrice
    case closePrice
    case volume
    case quoteVolume
    case takerBuyBaseVolume
    case takerBuyQuoteVolume
    case tradeCount
    case isClosed
    case bidPrice
    case bidQuantity
    case askPrice
    case askQuantity
    case updateID
    case firstUpdateID
    case lastUpdateID
    case bids
    case asks
    case missingTemplate
    case missingKind
    case reason
    case reasonCode
    case evidence
    case arrival
    case message
    case frame

    /// The name in JSON.
    var name: StaticString {
        switch self {
        case .kind: "kind"
        case .symbol: "symbol"
        case .symbolBytes: "symbol_bytes"
        case .source: "source"
        case .sourceCode: "source_code"
        case .eventTime: "event_time_us"
        case .ingestTime: "ingest_time_ns"
        case .venue: "venue"
        case .flags: "flags"
        case .priceExponent: "price_exponent"
        case .quantityExponent: "qty_exponent"
        case .series: "series"
        case .firstID: "first_id"
        case .lastID: "last_id"
        case .tradeID: "trade_id"
        case .aggTradeID: "agg_trade_id"
        case .price: "price"
        case .quantity: "qty"
        case .firstTradeID: "first_trade_id"
        case .lastTradeID: "last_trade_id"
        case .isBuyerMaker: "is_buyer_maker"
        case .isBestMatch: "is_best_match"
        case .interval: "interval"
        case .openTime: "open_time_us"
        case .closeTime: "close_time_us"
        case .openPrice: "open_price"
        case .highPrice: "high_price"
        case .lowPrice: "low_price"
        case .closePrice: "close_price"
        case .volume: "volume"
        case .quoteVolume: "quote_volume"
        case .takerBuyBaseVolume: "taker_buy_base_volume"
        case .takerBuyQuoteVolume: "taker_buy_quote_volume"
        case .tradeCount: "trade_count"
        case .isClosed: "is_closed"
        case .bidPrice: "bid_px"
        case .bidQuantity: "bid_sz"
        case .askPrice: "ask_px"
        case .askQuantity: "ask_sz"
        case .updateID: "update_id"
        case .firstUpdateID: "first_update_id"
        case .lastUpdateID: "last_update_id"
        case .bids: "bids"
        case .asks: "asks"
        case .missingTemplate: "missing_template"
        case .missingKind: "missing_kind"
        case .reason: "reason"
        case .reasonCode: "reason_code"
        case .evidence: "evidence"
        case .arrival: "arrival"
        case .message: "message"
        case .frame: "frame"
        }
    }

    /// True for decimals whose exponent is the one of prices; others have the one of quantities.
    var isOfPrice: Bool {
        switch self {
        case .price, .openPrice, .highPrice, .lowPrice, .closePrice, .bidPrice, .askPrice,
            .quoteVolume, .takerBuyQuoteVolume:
            true
        default: false
        }
    }

    /// Other names that a form has for it: objects call two fields differently from `recq json`,
    /// since no column of an object may be named as its path keys are.
    var otherNames: [StaticString] {
        switch self {
        case .kind: ["record_kind"]
        case .interval: ["kline_interval"]
        case .eventTime: ["event_time"]
        case .ingestTime: ["ingest_time"]
        case .venue: ["venue_id"]
        default: []
        }
    }
}

/// Finds a field by the bytes of its name, whatever the order in which fields come.
///
/// An open-addressing table over length and first eight bytes, in memory that is made once and has
/// nothing counted in it: one look-up a member, one comparison.
@safe
struct FormFieldTable: @unchecked Sendable {
    /// The table of all names.
    static let shared = FormFieldTable()

    /// What a name says.
    struct Match {
        let field: FormField
        /// True for the exact form of a number, `NAME_exact`.
        let isExact: Bool
    }

    /// A name of up to 32 bytes, padded with NUL; no name has a length of 0.
    private struct Entry {
        var name: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var length: UInt8 = 0
        var field = FormField.kind
        var isExact = false
    }

    private static let size = 256
    private let entries: UnsafeMutablePointer<Entry>

    private init() {
        unsafe entries = .allocate(capacity: Self.size)
        unsafe entries.initialize(repeating: Entry(), count: Self.size)
        for field in FormField.allCases {
            for name in [field.name] + field.otherNames {
                add("\(name)", field, isExact: false)
                add("\(name)_exact", field, isExact: true)
            }
        }
    }

    private func add(_ name: String, _ field: FormField, isExact: Bool) {
        let bytes = Array(name.utf8)
        var entry = Entry(length: UInt8(bytes.count), field: field, isExact: isExact)
        unsafe withUnsafeMutableBytes(of: &entry.name) { unsafe $0.copyBytes(from: bytes) }
        var place = Self.place(entry.name.0, bytes.count)
        while unsafe entries[place].length != 0 { place = (place + 1) % Self.size }
        unsafe entries[place] = entry
    }

    /// The field of a name; nil when none has it.
    @inline(__always)
    func match(_ bytes: RawSpan, _ range: Range<Int>) -> Match? {
        let first = Self.firstWord(bytes, range)
        var place = Self.place(first, range.count)
        while true {
            let entry = unsafe entries + place
            let length = unsafe Int(entry.pointee.length)
            if length == 0 { return nil }
            if length == range.count, unsafe entry.pointee.name.0 == first,
                unsafe range.count <= 8 || Self.equals(bytes, range, entry)
            {
                return unsafe Match(
                    field: entry.pointee.field, isExact: entry.pointee.isExact)
            }
            place = (place &+ 1) % Self.size
        }
    }

    /// Compares what is behind the first eight bytes.
    @inline(__always)
    private static func equals(
        _ bytes: RawSpan, _ range: Range<Int>, _ entry: UnsafePointer<Entry>
    ) -> Bool {
        unsafe bytes.withUnsafeBytes { text in
            guard let text = text.baseAddress else { return false }
            let name = unsafe UnsafeRawPointer(entry)
            return unsafe memcmp(text + range.lowerBound + 8, name + 8, range.count - 8) == 0
        }
    }

    @inline(__always)
    private static func firstWord(_ bytes: RawSpan, _ range: Range<Int>) -> UInt64 {
        let start = range.lowerBound
        guard start + 8 <= bytes.byteCount else {
            var word: UInt64 = 0
            for (shift, index) in range.prefix(8).enumerated() {
                let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                word |= UInt64(byte) << UInt64(8 * shift)
            }
            return word
        }
        let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self)
        return range.count >= 8 ? word : word & (1 &<< UInt64(8 * range.count) &- 1)
    }

    @inline(__always)
    private static func place(_ first: UInt64, _ length: Int) -> Int {
        let mixed = (first ^ UInt64(length) &<< 56) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed &>> 56)
    }
}
