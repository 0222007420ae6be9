public import Posix
public import Records

/// What the rows of a reply are about: the reply itself carries no symbol and no interval.
public struct PageSubject: Sendable {
    /// Whose rows.
    public let symbol: SymbolName
    /// The interval of klines.
    public let interval: KlineInterval?
    /// How the records get here: 2 rest, 4 repair.
    public let source: SourceCode
    /// When the reply arrived, ns since the epoch.
    public let ingestTime: Int64
    /// The venue's clock, µs: a kline that closed before it is final.
    public let closedBefore: Int64

    /// Describes a reply.
    public init(
        symbol: SymbolName, interval: KlineInterval? = nil, source: SourceCode = .rest,
        ingestTime: Int64, closedBefore: Int64 = .max
    ) {
        self.symbol = symbol
        self.interval = interval
        self.source = source
        self.ingestTime = ingestTime
        self.closedBefore = closedBefore
    }
}

/// One reply of the venue as frames, in the reply's order; first ids strictly ascend.
public struct Page: ~Copyable {
    /// First id of each row.
    public private(set) var ids: [Int64] = []
    /// The first trade id of each aggregate; -1 for an invalid one. Empty for other rows.
    public private(set) var firstTradeIDs: [Int64] = []
    /// Where each row's frame ends in `frames`.
    private var ends: [Int] = []
    private var frames = Bytes(capacity: 128 << 10)
    let subject: PageSubject

    init(_ subject: PageSubject) { self.subject = subject }

    /// Rows in it.
    public var count: Int { ids.count }

    /// The frames of some rows, one after another.
    public func frames(of rows: Range<Int>) -> RawSpan {
        let start = rows.lowerBound == 0 ? 0 : ends[rows.lowerBound - 1]
        let end = rows.upperBound == 0 ? 0 : ends[rows.upperBound - 1]
        return frames.span.extracting(start..<max(start, end))
    }

    // MARK: - Rows

    mutating func append(_ row: borrowing AggTradeRow) throws(PageError) {
        try ascend(to: row.id)
        do throws(SBEError) {
            try frames.appendFrame(upTo: AggTradeEncoder.fixedLength) { room throws(SBEError) in
                var record = try AggTradeEncoder(room)
                record.eventTime = row.time
                record.ingestTime = subject.ingestTime
                record.firstId = row.id
                record.lastId = row.id
                record.symbolWords = subject.symbol.words
                record.series = 0
                record.venue = .binanceSpot
                record.source = subject.source
                record.priceExponent = row.priceExponent
                record.quantityExponent = row.quantityExponent
                record.flags = row.isInvalid ? .invalid : []
                record.price = row.price
                record.quantity = row.quantity
                record.firstTradeId = row.firstTradeID
                record.lastTradeId = row.lastTradeID
                record.isBuyerMaker = row.isBuyerMaker
                record.isBestMatch = row.isBestMatch
                return record.encodedLength
            }
        } catch { throw PageError("\(error)") }
        firstTradeIDs.append(row.isInvalid ? -1 : row.firstTradeID)
        ends.append(frames.count)
    }

    mutating func append(_ row: borrowing TradeRow) throws(PageError) {
        try ascend(to: row.id)
        do throws(SBEError) {
            try frames.appendFrame(upTo: TradeEncoder.fixedLength) { room throws(SBEError) in
                var record = try TradeEncoder(room)
                record.eventTime = row.time
                record.ingestTime = subject.ingestTime
                record.firstId = row.id
                record.lastId = row.id
                record.symbolWords = subject.symbol.words
                record.series = 0
                record.venue = .binanceSpot
                record.source = subject.source
                record.priceExponent = row.priceExponent
                record.quantityExponent = row.quantityExponent
                record.flags = []
                record.price = row.price
                record.quantity = row.quantity
                record.isBuyerMaker = row.isBuyerMaker
                record.isBestMatch = row.isBestMatch
                return record.encodedLength
            }
        } catch { throw PageError("\(error)") }
        ends.append(frames.count)
    }

    mutating func append(_ row: borrowing KlineRow) throws(PageError) {
        guard let interval = subject.interval else { throw PageError("klines without an interval") }
        try ascend(to: row.openTime)
        do throws(SBEError) {
            try frames.appendFrame(upTo: KlineEncoder.fixedLength) { room throws(SBEError) in
                var record = try KlineEncoder(room)
                record.eventTime = row.openTime
                record.ingestTime = subject.ingestTime
                record.firstId = row.openTime
                record.lastId = row.openTime
                record.symbolWords = subject.symbol.words
                record.series = interval.code
                record.venue = .binanceSpot
                record.source = subject.source
                record.priceExponent = row.priceExponent
                record.quantityExponent = row.quantityExponent
                record.flags = []
                record.closeTime = row.closeTime
                record.openPrice = row.open
                record.highPrice = row.high
                record.lowPrice = row.low
                record.closePrice = row.close
                record.volume = row.volume
                record.quoteVolume = row.quoteVolume
                record.takerBuyBaseVolume = row.takerBuyBaseVolume
                record.takerBuyQuoteVolume = row.takerBuyQuoteVolume
                record.tradeCount = row.tradeCount
                record.isClosed = row.closeTime < subject.closedBefore
                return record.encodedLength
            }
        } catch { throw PageError("\(error)") }
        ends.append(frames.count)
    }

    /// Appends a snapshot of the book.
    mutating func append(
        snapshot id: Int64, priceExponent: Int8, quantityExponent: Int8, bids: [BookLevel],
        asks: [BookLevel]
    ) throws(PageError) {
        try ascend(to: id)
        let length = DepthSnapshotEncoder.fixedLength + 12 + 16 * (bids.count + asks.count)
        guard length + Frame.headerLength <= Frame.maximumLength else {
            throw PageError("a book of \(bids.count + asks.count) levels is over the frame limit")
        }
        do throws(SBEError) {
            try frames.appendFrame(upTo: length) { room throws(SBEError) in
                var record = try DepthSnapshotEncoder(room)
                // The reply has no time of its own: the moment it arrived is the nearest known.
                record.eventTime = subject.ingestTime / 1000
                record.ingestTime = subject.ingestTime
                record.firstId = id
                record.lastId = id
                record.symbolWords = subject.symbol.words
                record.series = 0
                record.venue = .binanceSpot
                record.source = subject.source
                record.priceExponent = priceExponent
                record.quantityExponent = quantityExponent
                record.flags = []
                try record.bids(count: bids.count) { level, index in
                    level.price = bids[index].price
                    level.quantity = bids[index].quantity
                }
                try record.asks(count: asks.count) { level, index in
                    level.price = asks[index].price
                    level.quantity = asks[index].quantity
                }
                return record.encodedLength
            }
        } catch { throw PageError("\(error)") }
        ends.append(frames.count)
    }

    private mutating func ascend(to id: Int64) throws(PageError) {
        if let last = ids.last, id <= last {
            throw PageError("row \(ids.count + 1) has id \(id) after id \(last)")
        }
        ids.append(id)
    }
}

/// A reply that is not what the venue documents.
public struct PageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, and where in the reply.
    public let description: String

    init(_ description: String) { self.description = description }
}
