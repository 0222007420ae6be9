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
                try scanner.take(UInt8(ascii: "["))
                var isFirst = true
                while try scanner.more(&isFirst, until: UInt8(ascii: "]")) {
                    switch endpoint {
                    case .aggTrades: try append(Self.aggTrade(&scanner))
                    case .trades, .historicalTrades: try append(Self.trade(&scanner))
                    case .klines: try append(Self.kline(&scanner))
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
    ) throws(JSONScanner.Failure) -> AggTradeRow {
        var row = AggTradeRow(
            id: 0, price: 0, quantity: 0, exponents: (0, 0), firstTradeID: 0,
            lastTradeID: 0, time: 0, isBuyerMaker: false, isBestMatch: nil)
        var seen: UInt8 = 0
        try scanner.take(UInt8(ascii: "{"))
        var isFirst = true
        while try scanner.more(&isFirst, until: UInt8(ascii: "}")) {
            let key = try scanner.key()
            guard key.count == 1 else {
                try scanner.skip()
                continue
            }
            switch scanner[key.lowerBound] {
            case UInt8(ascii: "a"):
                row.id = try scanner.integer()
                seen |= 1
            case UInt8(ascii: "p"):
                (row.price, row.exponents.price) = try scanner.mantissa()
                seen |= 2
            case UInt8(ascii: "q"):
                (row.quantity, row.exponents.quantity) = try scanner.mantissa()
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
        return row
    }

    @_lifetime(scanner: copy scanner)
    private static func trade(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> TradeRow {
        var row = TradeRow(
            id: 0, price: 0, quantity: 0, exponents: (0, 0), time: 0,
            isBuyerMaker: false, isBestMatch: nil)
        var seen: UInt8 = 0
        try scanner.take(UInt8(ascii: "{"))
        var isFirst = true
        while try scanner.more(&isFirst, until: UInt8(ascii: "}")) {
            let key = try scanner.key()
            if scanner.equals(key, "id") {
                row.id = try scanner.integer()
                seen |= 1
            } else if scanner.equals(key, "price") {
                (row.price, row.exponents.price) = try scanner.mantissa()
                seen |= 2
            } else if scanner.equals(key, "qty") {
                (row.quantity, row.exponents.quantity) = try scanner.mantissa()
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
        return row
    }

    @_lifetime(scanner: copy scanner)
    private static func kline(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> KlineRow {
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
        // One exponent for all prices and quote volumes of the row, one for base volumes.
        let price = (prices + [quoteVolume, takerQuote]).commonExponent
        let quantity = [volume, takerBase].commonExponent
        var narrow: [Int64] = []
        for decimal in prices {
            guard let wide = decimal.rescaled(to: price), let mantissa = Int64(exactly: wide) else {
                throw scanner.failure("a price over 64 bits")
            }
            narrow.append(mantissa)
        }
        guard let base = volume.rescaled(to: quantity), let quote = quoteVolume.rescaled(to: price),
            let boughtBase = takerBase.rescaled(to: quantity),
            let boughtQuote = takerQuote.rescaled(to: price)
        else { throw scanner.failure("a volume over 128 bits") }
        return KlineRow(
            openTime: openTime, closeTime: close, exponents: (price, quantity),
            open: narrow[0], high: narrow[1], low: narrow[2], close: narrow[3], volume: base,
            quoteVolume: quote, tradeCount: tradeCount, takerBuyBaseVolume: boughtBase,
            takerBuyQuoteVolume: boughtQuote)
    }

    // MARK: - Book

    private mutating func readBook(_ scanner: inout JSONScanner) throws {
        var id: Int64?
        var bids: [(ExactDecimal, ExactDecimal)]?
        var asks: [(ExactDecimal, ExactDecimal)]?
        try scanner.take(UInt8(ascii: "{"))
        var isFirst = true
        while try scanner.more(&isFirst, until: UInt8(ascii: "}")) {
            let key = try scanner.key()
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
        let price = (bids + asks).map(\.0).commonExponent
        let quantity = (bids + asks).map(\.1).commonExponent
        func narrow(_ levels: [(ExactDecimal, ExactDecimal)]) throws(PageError) -> [BookLevel] {
            try levels.map { (level) throws(PageError) in
                guard let wide = level.0.rescaled(to: price), let price = Int64(exactly: wide),
                    let wide = level.1.rescaled(to: quantity), let quantity = Int64(exactly: wide)
                else { throw PageError("a level of the book over 64 bits") }
                return BookLevel(price: price, quantity: quantity)
            }
        }
        try append(
            snapshot: id, exponents: (price, quantity), bids: narrow(bids),
            asks: narrow(asks))
    }

    @_lifetime(scanner: copy scanner)
    private static func levels(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Failure) -> [(ExactDecimal, ExactDecimal)] {
        var levels: [(ExactDecimal, ExactDecimal)] = []
        try scanner.take(UInt8(ascii: "["))
        var isFirst = true
        while try scanner.more(&isFirst, until: UInt8(ascii: "]")) {
            try scanner.take(UInt8(ascii: "["))
            let price = try scanner.decimal()
            levels.append((price, try scanner.nextDecimal()))
            while scanner.takes(UInt8(ascii: ",")) { try scanner.skip() }
            try scanner.take(UInt8(ascii: "]"))
        }
        return levels
    }
}

extension [ExactDecimal] {
    /// The smallest exponent among them, 0 for none: all can be written with it.
    fileprivate var commonExponent: Int8 { map(\.exponent).min() ?? 0 }
}

extension JSONScanner {
    /// A comma, then a decimal.
    @_lifetime(self: copy self)
    fileprivate mutating func nextDecimal() throws(Failure) -> ExactDecimal {
        try take(UInt8(ascii: ","))
        return try decimal()
    }
}
