import Encoding
import Records

/// Replies in JSON. Prices and quantities are decimal text there and stay exact.
extension Page {
    /// Reads the reply of an endpoint.
    ///
    /// - Throws: ``PageError`` that names the row.
    init(
        json body: RawSpan, of endpoint: Endpoint, about subject: PageSubject
    ) throws(PageError) {
        self.init(subject)
        var scanner = JSONScanner(body)
        do {
            if endpoint == .depth {
                try readBook(&scanner)
            } else {
                var elements = JSONScanner.Place()
                while try scanner.nextElement(&elements) {
                    switch endpoint {
                    case .aggTrades:
                        let row = try Self.aggTrade(&scanner)
                        if let reason = row.unkept {
                            try leaveOut(row.row.id, because: reason)
                        } else {
                            try append(row.row)
                        }
                    case .trades, .historicalTrades:
                        let row = try Self.trade(&scanner)
                        if let reason = row.unkept {
                            try leaveOut(row.row.id, because: reason)
                        } else {
                            try append(row.row)
                        }
                    case .klines:
                        let row = try Self.kline(&scanner)
                        if let reason = row.unkept {
                            try leaveOut(row.row.openTime, because: reason)
                        } else {
                            try append(row.row)
                        }
                    case .depth, .time, .exchangeInfo:
                        preconditionFailure("\(endpoint) has no rows")
                    }
                }
            }
            try scanner.end()
        } catch let error as PageError {
            throw error
        } catch {
            throw PageError("row \(count + 1) of the JSON reply, \(error)")
        }
    }

    // MARK: - Rows

    @_lifetime(scanner: copy scanner)
    private static func aggTrade(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> Read<AggTradeRow> {
        var row = AggTradeRow(
            id: 0, price: 0, quantity: 0, exponents: (0, 0), firstTradeID: 0,
            lastTradeID: 0, time: 0, isBuyerMaker: false, isBestMatch: nil)
        var seen: UInt8 = 0
        var unkept: String?
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            guard key.count == 1 else {
                try scanner.skip()
                continue
            }
            switch scanner[key.lowerBound] {
            case UInt8(ascii: "a"):
                row.id = try scanner.integer()
                seen |= 1
            case UInt8(ascii: "p"):
                try scanner.read(&row.price, &row.exponents.price, "price", &unkept)
                seen |= 2
            case UInt8(ascii: "q"):
                try scanner.read(
                    &row.quantity, &row.exponents.quantity, "quantity", &unkept)
                seen |= 4
            case UInt8(ascii: "f"):
                row.firstTradeID = try scanner.integer()
                seen |= 8
            case UInt8(ascii: "l"):
                row.lastTradeID = try scanner.integer()
                seen |= 16
            case UInt8(ascii: "T"):
                row.time = VenueTime.microseconds(try scanner.integer())
                seen |= 32
            case UInt8(ascii: "m"):
                row.isBuyerMaker = try scanner.boolean()
                seen |= 64
            case UInt8(ascii: "M"): row.isBestMatch = try scanner.boolean()
            default: try scanner.skip()
            }
        }
        guard seen == 127 else { throw scanner.failure("a row without a, p, q, f, l, T or m") }
        return Read(row: row, unkept: unkept)
    }

    @_lifetime(scanner: copy scanner)
    private static func trade(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> Read<TradeRow> {
        var row = TradeRow(
            id: 0, price: 0, quantity: 0, exponents: (0, 0), time: 0,
            isBuyerMaker: false, isBestMatch: nil)
        var seen: UInt8 = 0
        var unkept: String?
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "id") {
                row.id = try scanner.integer()
                seen |= 1
            } else if scanner.equals(key, "price") {
                try scanner.read(&row.price, &row.exponents.price, "price", &unkept)
                seen |= 2
            } else if scanner.equals(key, "qty") {
                try scanner.read(
                    &row.quantity, &row.exponents.quantity, "quantity", &unkept)
                seen |= 4
            } else if scanner.equals(key, "time") {
                row.time = VenueTime.microseconds(try scanner.integer())
                seen |= 8
            } else if scanner.equals(key, "isBuyerMaker") {
                row.isBuyerMaker = try scanner.boolean()
                seen |= 16
            } else if scanner.equals(key, "isBestMatch") {
                row.isBestMatch = try scanner.boolean()
            } else {
                try scanner.skip()
            }
        }
        guard seen == 31 else {
            throw scanner.failure("a row without id, price, qty, time or isBuyerMaker")
        }
        return Read(row: row, unkept: unkept)
    }

    @_lifetime(scanner: copy scanner)
    private static func kline(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> Read<KlineRow> {
        try scanner.take(UInt8(ascii: "["))
        let openTime = VenueTime.microseconds(try scanner.integer())
        var prices: [ExactDecimal] = []
        for _ in 0..<4 { prices.append(try scanner.nextDecimal()) }
        let volume = try scanner.nextDecimal()
        try scanner.take(UInt8(ascii: ","))
        let rawClose = try scanner.integer()
        // In ms the last µs of the interval is 999 µs later.
        let closeTime = VenueTime.microseconds(rawClose)
        let close = closeTime == rawClose ? closeTime : closeTime + 999
        let quoteVolume = try scanner.nextDecimal()
        try scanner.take(UInt8(ascii: ","))
        let tradeCount = try scanner.integer()
        let takerBase = try scanner.nextDecimal()
        let takerQuote = try scanner.nextDecimal()
        while scanner.takes(UInt8(ascii: ",")) { try scanner.skip() }
        try scanner.take(UInt8(ascii: "]"))
        var row = KlineRow(
            openTime: openTime, closeTime: close, exponents: (0, 0), open: 0, high: 0, low: 0,
            close: 0, volume: 0, quoteVolume: 0, tradeCount: tradeCount, takerBuyBaseVolume: 0,
            takerBuyQuoteVolume: 0)
        let unkept = row.adopt(
            prices: prices, money: [quoteVolume, takerQuote], volumes: [volume, takerBase])
        return Read(row: row, unkept: unkept)
    }

    /// A row, and why no record can hold it; nil for one that can be kept.
    private struct Read<Row> {
        let row: Row
        let unkept: String?
    }

    // MARK: - Book

    private mutating func readBook(_ scanner: inout JSONScanner) throws {
        var id: Int64?
        var bids: [(ExactDecimal, ExactDecimal)]?
        var asks: [(ExactDecimal, ExactDecimal)]?
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "lastUpdateId") {
                id = try scanner.integer()
            } else if scanner.equals(key, "bids") {
                bids = try Self.levels(&scanner)
            } else if scanner.equals(key, "asks") {
                asks = try Self.levels(&scanner)
            } else {
                try scanner.skip()
            }
        }
        guard let id, let bids, let asks else {
            throw scanner.failure("a book without lastUpdateId, bids or asks")
        }
        guard let (price, prices) = (bids + asks).map(\.0).narrowed(),
            let (quantity, quantities) = (bids + asks).map(\.1).narrowed()
        else { return try leaveOut(id, because: "levels of the book over 64 bits") }
        let levels = zip(prices, quantities).map { BookLevel(price: $0, quantity: $1) }
        try append(
            snapshot: id, exponents: (price, quantity), bids: Array(levels.prefix(bids.count)),
            asks: Array(levels.dropFirst(bids.count)))
    }

    @_lifetime(scanner: copy scanner)
    private static func levels(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> [(ExactDecimal, ExactDecimal)] {
        var levels: [(ExactDecimal, ExactDecimal)] = []
        var elements = JSONScanner.Place()
        while try scanner.nextElement(&elements) {
            try scanner.take(UInt8(ascii: "["))
            let price = try scanner.decimal()
            levels.append((price, try scanner.nextDecimal()))
            while scanner.takes(UInt8(ascii: ",")) { try scanner.skip() }
            try scanner.take(UInt8(ascii: "]"))
        }
        return levels
    }
}

extension JSONScanner {
    /// Takes a number of 64 bits, with a larger exponent where it fits only so.
    ///
    /// - Parameter unkept: gets the reason when it does not fit at all.
    @_lifetime(self: copy self)
    fileprivate mutating func read(
        _ mantissa: inout Int64, _ exponent: inout Int8, _ name: String, _ unkept: inout String?
    ) throws(Failure) {
        let start = self
        do throws(Failure) { return (mantissa, exponent) = try self.mantissa() } catch {
            self = start
        }
        let value = try decimal()
        let stripped = value.stripped
        if let narrow = Int64(exactly: stripped.mantissa) {
            (mantissa, exponent) = (narrow, stripped.exponent)
        } else {
            unkept = "the \(name) does not fit 64 bits"
        }
    }

    /// A comma, then a decimal.
    @_lifetime(self: copy self)
    fileprivate mutating func nextDecimal() throws(Failure) -> ExactDecimal {
        try take(UInt8(ascii: ","))
        return try decimal()
    }
}
