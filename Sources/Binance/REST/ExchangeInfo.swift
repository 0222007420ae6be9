public import Encoding

/// What the venue says of its limits and symbols: the parts of `exchangeInfo` that a backfill uses.
public struct ExchangeInfo: Sendable, Equatable {
    /// Weight per window; the venue's documented 6000 when it names none.
    public private(set) var weightLimit = 6000
    /// The window of that limit, ms.
    public private(set) var weightWindow: Int64 = 60_000
    /// The venue's clock, µs; nil when it told none.
    public private(set) var serverTime: Int64?
    /// What the venue says of each symbol, in its order.
    public private(set) var symbols: [SymbolFacts] = []

    /// Reads the JSON body.
    ///
    /// - Throws: `JSONScanner.Failure` when it is not the JSON that the venue documents.
    public init(json body: RawSpan) throws(JSONScanner.Failure) {
        var scanner = JSONScanner(body)
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "serverTime") {
                serverTime = VenueTime.microseconds(try scanner.integer())
            } else if scanner.equals(key, "rateLimits") {
                var elements = JSONScanner.Place()
                while try scanner.nextElement(&elements) {
                    try readLimit(&scanner)
                }
            } else if scanner.equals(key, "symbols") {
                var elements = JSONScanner.Place()
                while try scanner.nextElement(&elements) {
                    try readSymbol(&scanner)
                }
            } else {
                try scanner.skip()
            }
        }
        try scanner.end()
    }

    private mutating func readLimit(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
        var type = ""
        var interval = ""
        var count: Int64 = 1
        var limit: Int64 = 0
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "rateLimitType") {
                type = try scanner.text()
            } else if scanner.equals(key, "interval") {
                interval = try scanner.text()
            } else if scanner.equals(key, "intervalNum") {
                count = try scanner.integer()
            } else if scanner.equals(key, "limit") {
                limit = try scanner.integer()
            } else {
                try scanner.skip()
            }
        }
        let lengths: [String: Int64] = [
            "SECOND": 1000, "MINUTE": 60_000, "HOUR": 3_600_000, "DAY": 86_400_000,
        ]
        guard type == "REQUEST_WEIGHT", let length = lengths[interval], (1...1000).contains(count),
            (1...1_000_000_000).contains(limit)
        else { return }
        weightLimit = Int(limit)
        weightWindow = length * count
    }

    private mutating func readSymbol(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
        var facts = SymbolFacts()
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "symbol") {
                facts.symbol = try scanner.text()
            } else if scanner.equals(key, "status") {
                facts.status = try scanner.text()
            } else if scanner.equals(key, "baseAsset") {
                facts.baseAsset = try scanner.text()
            } else if scanner.equals(key, "quoteAsset") {
                facts.quoteAsset = try scanner.text()
            } else if scanner.equals(key, "filters") {
                var elements = JSONScanner.Place()
                while try scanner.nextElement(&elements) {
                    try facts.readFilter(&scanner)
                }
            } else {
                try scanner.skip()
            }
        }
        symbols.append(facts)
    }
}

/// What the venue says of one symbol. Sizes are as it prints them, empty where it names none.
public struct SymbolFacts: Sendable, Equatable {
    /// Such as `BTCUSDT`.
    public internal(set) var symbol = ""
    /// Such as `TRADING` or `BREAK`.
    public internal(set) var status = ""
    /// What is traded.
    public internal(set) var baseAsset = ""
    /// What it is paid with.
    public internal(set) var quoteAsset = ""
    /// Smallest step of a price.
    public internal(set) var tickSize = ""
    /// Smallest step of a quantity.
    public internal(set) var lotSize = ""
    /// Smallest quantity of an order.
    public internal(set) var leastQuantity = ""

    /// Nothing is known.
    init() {}

    mutating func readFilter(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
        var type = ""
        var (tick, step, least) = ("", "", "")
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "filterType") {
                type = try scanner.text()
            } else if scanner.equals(key, "tickSize") {
                tick = try scanner.text()
            } else if scanner.equals(key, "stepSize") {
                step = try scanner.text()
            } else if scanner.equals(key, "minQty") {
                least = try scanner.text()
            } else {
                try scanner.skip()
            }
        }
        if type == "PRICE_FILTER" { tickSize = tick }
        if type == "LOT_SIZE" { (lotSize, leastQuantity) = (step, least) }
    }
}

/// The venue's times.
public enum VenueTime {
    /// Times that a venue of our days can name, µs: from 1970 to the year 2200. What is outside
    /// is an error of the venue's, and would overflow in nanoseconds.
    public static let plausible: ClosedRange<Int64> = 0...7_258_118_400_000_000

    /// A time of the venue in µs, whichever of its two units it came in.
    ///
    /// JSON has ms unless the request's `X-MBX-TIME-UNIT` was understood. 10^14 parts the two: in
    /// ms it is in the year 5138, in µs in 1973.
    @inlinable
    public static func microseconds(_ time: Int64) -> Int64 {
        time < 100_000_000_000_000 && time > -100_000_000_000_000 ? time * 1000 : time
    }
}
