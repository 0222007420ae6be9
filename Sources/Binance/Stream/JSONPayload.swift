import Encoding
import Identity

/// What the payloads of the JSON streams hold. Unknown members are passed over: the venue adds some
/// now and then, and promises no order.
///
/// Source: Binance Spot, WebSocket streams, payloads as of 2026-09.
enum JSONPayload {
    /// Of `trade` and of `aggTrade`, whose `f` and `l` the other does not have.
    struct Trade {
        var symbol = 0..<0
        var id: Int64 = 0
        var eventTime: Int64 = 0
        var time: Int64 = 0
        var price: (mantissa: Int64, exponent: Int8) = (0, 0)
        var quantity: (mantissa: Int64, exponent: Int8) = (0, 0)
        var firstTradeID: Int64 = 0
        var lastTradeID: Int64 = 0
        var isBuyerMaker = false
        var isBestMatch: Bool?
    }

    /// Of `bookTicker`: one level of each side.
    struct Quote {
        var symbol = 0..<0
        var id: Int64 = 0
        var bid = (ExactDecimal(mantissa: 0, exponent: 0), ExactDecimal(mantissa: 0, exponent: 0))
        var ask = (ExactDecimal(mantissa: 0, exponent: 0), ExactDecimal(mantissa: 0, exponent: 0))
    }

    /// Of changes of a book, and of its top, which has neither symbol nor time.
    struct Book {
        var symbol = 0..<0
        var first: Int64 = 0
        var last: Int64 = 0
        var eventTime: Int64 = 0
        var bids = JSONLevels()
        var asks = JSONLevels()
    }

    /// Of `kline_…`.
    struct Kline {
        var symbol = 0..<0
        var eventTime: Int64 = 0
        var interval = KlineInterval.minute1
        var isClosed = false
        var row = KlineRow(
            openTime: 0, closeTime: 0, exponents: (0, 0), open: 0, high: 0, low: 0, close: 0,
            volume: 0, quoteVolume: 0, tradeCount: 0, takerBuyBaseVolume: 0,
            takerBuyQuoteVolume: 0)
        /// Why no record can hold it; nil when one can.
        var unkept: String?
    }

    /// - Parameter isAggregate: true for a payload of `aggTrade`.
    @_lifetime(scanner: copy scanner)
    static func trade(
        _ scanner: inout JSONScanner, isAggregate: Bool
    ) throws(JSONScanner.Failure) -> Trade {
        var trade = Trade()
        var seen: UInt16 = 0
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            guard key.count == 1 else {
                try scanner.skip()
                continue
            }
            switch scanner[key.lowerBound] {
            case UInt8(ascii: "E"):
                trade.eventTime = try scanner.microseconds()
                seen |= 1
            case UInt8(ascii: "s"):
                trade.symbol = try scanner.string()
                seen |= 2
            case UInt8(ascii: "t") where !isAggregate, UInt8(ascii: "a") where isAggregate:
                trade.id = try scanner.integer()
                seen |= 4
            case UInt8(ascii: "p"):
                trade.price = try scanner.mantissa()
                seen |= 8
            case UInt8(ascii: "q"):
                trade.quantity = try scanner.mantissa()
                seen |= 16
            case UInt8(ascii: "T"):
                trade.time = try scanner.microseconds()
                seen |= 32
            case UInt8(ascii: "m"):
                trade.isBuyerMaker = try scanner.boolean()
                seen |= 64
            case UInt8(ascii: "M"): trade.isBestMatch = try scanner.boolean()
            case UInt8(ascii: "f"):
                trade.firstTradeID = try scanner.integer()
                seen |= 128
            case UInt8(ascii: "l"):
                trade.lastTradeID = try scanner.integer()
                seen |= 256
            default: try scanner.skip()
            }
        }
        let all: UInt16 = isAggregate ? 0x1FF : 0x7F
        guard seen & all == all else {
            throw scanner.failure(
                isAggregate
                    ? "an aggregate without one of E, s, a, p, q, f, l, T, m"
                    : "a trade without one of E, s, t, p, q, T, m")
        }
        return trade
    }

    @_lifetime(scanner: copy scanner)
    static func quote(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Quote {
        var quote = Quote()
        var seen: UInt8 = 0
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            guard key.count == 1 else {
                try scanner.skip()
                continue
            }
            switch scanner[key.lowerBound] {
            case UInt8(ascii: "u"):
                quote.id = try scanner.integer()
                seen |= 1
            case UInt8(ascii: "s"):
                quote.symbol = try scanner.string()
                seen |= 2
            case UInt8(ascii: "b"):
                quote.bid.0 = try scanner.decimal()
                seen |= 4
            case UInt8(ascii: "B"):
                quote.bid.1 = try scanner.decimal()
                seen |= 8
            case UInt8(ascii: "a"):
                quote.ask.0 = try scanner.decimal()
                seen |= 16
            case UInt8(ascii: "A"):
                quote.ask.1 = try scanner.decimal()
                seen |= 32
            default: try scanner.skip()
            }
        }
        guard seen == 63 else { throw scanner.failure("a quote without u, s, b, B, a or A") }
        return quote
    }

    @_lifetime(scanner: copy scanner)
    static func changes(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Book {
        var book = Book()
        var seen: UInt8 = 0
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            guard key.count == 1 else {
                try scanner.skip()
                continue
            }
            switch scanner[key.lowerBound] {
            case UInt8(ascii: "E"):
                book.eventTime = try scanner.microseconds()
                seen |= 1
            case UInt8(ascii: "s"):
                book.symbol = try scanner.string()
                seen |= 2
            case UInt8(ascii: "U"):
                book.first = try scanner.integer()
                seen |= 4
            case UInt8(ascii: "u"):
                book.last = try scanner.integer()
                seen |= 8
            case UInt8(ascii: "b"):
                try book.bids.read(&scanner)
                seen |= 16
            case UInt8(ascii: "a"):
                try book.asks.read(&scanner)
                seen |= 32
            default: try scanner.skip()
            }
        }
        guard seen == 63 else { throw scanner.failure("a change without E, s, U, u, b or a") }
        return book
    }

    @_lifetime(scanner: copy scanner)
    static func top(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Book {
        var book = Book()
        var seen: UInt8 = 0
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "lastUpdateId") {
                book.last = try scanner.integer()
                book.first = book.last
                seen |= 1
            } else if scanner.equals(key, "bids") {
                try book.bids.read(&scanner)
                seen |= 2
            } else if scanner.equals(key, "asks") {
                try book.asks.read(&scanner)
                seen |= 4
            } else {
                try scanner.skip()
            }
        }
        guard seen == 7 else { throw scanner.failure("a book without lastUpdateId, bids or asks") }
        return book
    }
}

extension JSONScanner {
    /// Takes a time that was asked for in µs. One in ms is a mistake of the venue's, or a recording
    /// of other streams, and never silently made a thousand times larger.
    @_lifetime(self: copy self)
    mutating func microseconds() throws(Failure) -> Int64 {
        let start = position
        let time = try integer()
        guard time >= 100_000_000_000_000, VenueTime.plausible.contains(time) else {
            throw failure("\(time) is not a time in microseconds, as requested", at: start)
        }
        return time
    }
}
