import Encoding
import Identity
import Records

extension JSONPayload {
    @_lifetime(scanner: copy scanner)
    static func kline(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Kline {
        var kline = Kline()
        var seen: UInt8 = 0
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "E") {
                kline.eventTime = try scanner.microseconds()
                seen |= 1
            } else if scanner.equals(key, "s") {
                kline.symbol = try scanner.string()
                seen |= 2
            } else if scanner.equals(key, "k") {
                try readInside(&scanner, &kline)
                seen |= 4
            } else {
                try scanner.skip()
            }
        }
        guard seen == 7 else { throw scanner.failure("a kline without E, s or k") }
        return kline
    }

    @_lifetime(scanner: copy scanner)
    private static func readInside(
        _ scanner: inout JSONScanner, _ kline: inout Kline
    ) throws(JSONScanner.Failure) {
        /// The members with decimal numbers, in the order of ``values``.
        let names: StaticString = "ohlcqQvV"
        var values = [ExactDecimal?](repeating: nil, count: 8)
        var seen: UInt8 = 0
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            guard key.count == 1 else {
                try scanner.skip()
                continue
            }
            switch scanner[key.lowerBound] {
            case UInt8(ascii: "t"):
                kline.row.openTime = try scanner.microseconds()
                seen |= 1
            case UInt8(ascii: "T"):
                kline.row.closeTime = try scanner.microseconds()
                seen |= 2
            case UInt8(ascii: "i"):
                let text = try scanner.text()
                guard let interval = KlineInterval(rawValue: text) else {
                    throw scanner.failure("\(text.prefix(20)) is not an interval of klines")
                }
                kline.interval = interval
                seen |= 4
            case UInt8(ascii: "n"):
                kline.row.tradeCount = try scanner.integer()
                seen |= 8
            case UInt8(ascii: "x"):
                kline.isClosed = try scanner.boolean()
                seen |= 16
            case let letter:
                let place = names.withUTF8Buffer { $0.firstIndex(of: letter) }
                if let place { values[place] = try scanner.decimal() } else { try scanner.skip() }
            }
        }
        let found = values.compactMap { $0 }
        guard seen == 31, found.count == 8 else {
            throw scanner.failure("a kline without t, T, i, n, x, or one of its numbers")
        }
        kline.unkept = kline.row.adopt(
            prices: Array(found[0..<4]), money: [found[4], found[5]],
            volumes: [found[6], found[7]])
    }
}

/// Levels of one side of a book, as they are written: each number with an exponent of its own.
struct JSONLevels {
    private(set) var prices: [(mantissa: Int64, exponent: Int8)] = []
    private(set) var quantities: [(mantissa: Int64, exponent: Int8)] = []

    var count: Int { prices.count }

    /// Takes an array of price and quantity; a third member, which old recordings have, is ignored.
    @_lifetime(scanner: copy scanner)
    mutating func read(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) {
        prices.removeAll(keepingCapacity: true)
        quantities.removeAll(keepingCapacity: true)
        var elements = JSONScanner.Place()
        while try scanner.nextElement(&elements) {
            try scanner.take(UInt8(ascii: "["))
            prices.append(try scanner.mantissa())
            try scanner.take(UInt8(ascii: ","))
            quantities.append(try scanner.mantissa())
            while scanner.takes(UInt8(ascii: ",")) { try scanner.skip() }
            try scanner.take(UInt8(ascii: "]"))
        }
    }

    /// Two sides with one exponent for all prices and one for all quantities.
    ///
    /// - Returns: nil when there is none with which all of them fit 64 bits.
    static func shared(
        _ bids: JSONLevels, _ asks: JSONLevels
    ) -> (bids: [BookLevel], asks: [BookLevel], exponents: (price: Int8, quantity: Int8))? {
        guard let prices = shared(bids.prices, asks.prices),
            let quantities = shared(bids.quantities, asks.quantities)
        else { return nil }
        func levels(_ range: Range<Int>) -> [BookLevel] {
            range.map { BookLevel(price: prices.1[$0], quantity: quantities.1[$0]) }
        }
        return (
            levels(0..<bids.count), levels(bids.count..<(bids.count + asks.count)),
            (prices.0, quantities.0)
        )
    }

    private static func shared(
        _ one: [(mantissa: Int64, exponent: Int8)], _ other: [(mantissa: Int64, exponent: Int8)]
    ) -> (Int8, [Int64])? {
        let all = one + other
        guard let first = all.first else { return (0, []) }
        // The venue prints every number of a symbol with the same digits behind the point.
        if all.allSatisfy({ $0.exponent == first.exponent }) {
            return (first.exponent, all.map(\.mantissa))
        }
        return all.map { ExactDecimal(mantissa: Int128($0.mantissa), exponent: $0.exponent) }
            .narrowed()
    }
}
