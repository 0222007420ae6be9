public import Identity
import Posix
public import Records
import SBE

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
    private var eventTimes: [Int64] = []
    /// Rows that no record can hold, with the reason: their ids are missing from ``ids``.
    public private(set) var unkept: [(id: Int64, reason: String)] = []
    private var lastID = Int64.min
    private var frames = Bytes(capacity: 128 << 10)
    let subject: PageSubject

    init(_ subject: PageSubject) { self.subject = subject }

    /// Reads a reply.
    public static func read(
        _ body: RawSpan, isSBE: Bool, of endpoint: Endpoint, about subject: PageSubject
    ) throws(PageError) -> Page {
        if isSBE { return try Page(sbe: body, of: endpoint, about: subject) }
        return try Page(json: body, of: endpoint, about: subject)
    }

    /// Rows in it.
    public var count: Int { ids.count }

    /// The last id that the venue gave, whether a record holds its row or not; nil for an empty page.
    public var lastServed: Int64? { lastID == .min ? nil : lastID }

    /// The frames of some rows, one after another.
    @_lifetime(borrow self)
    public func frames(of rows: Range<Int>) -> RawSpan {
        let start = rows.lowerBound == 0 ? 0 : ends[rows.lowerBound - 1]
        let end = rows.upperBound == 0 ? 0 : ends[rows.upperBound - 1]
        return frames.span.extracting(start..<max(start, end))
    }

    /// Klines that end before this time, µs, are over.
    public var closedBefore: Int64 { subject.closedBefore }

    /// Event time of the last of some rows, µs.
    public func lastEventTime(of rows: Range<Int>) -> Int64 { eventTimes[rows.upperBound - 1] }

    // MARK: - Rows

    mutating func append(_ row: AggTradeRow) throws(PageError) {
        try ascend(to: row.id, at: row.time)
        let flags: RecordFlags = row.isInvalid ? .invalid : []
        let prefix = prefix(.aggTrade, row.id, row.time, row.exponents, flags)
        try encode(prefix) { bytes throws(SBEError) in try bytes.append(row, prefix) }
        firstTradeIDs.append(row.isInvalid ? -1 : row.firstTradeID)
    }

    mutating func append(_ row: TradeRow) throws(PageError) {
        try ascend(to: row.id, at: row.time)
        let prefix = prefix(.trade, row.id, row.time, row.exponents)
        try encode(prefix) { bytes throws(SBEError) in try bytes.append(row, prefix) }
    }

    mutating func append(_ row: KlineRow) throws(PageError) {
        try ascend(to: row.openTime, at: row.openTime)
        let prefix = prefix(.kline, row.openTime, row.openTime, row.exponents)
        let isClosed = row.closeTime < subject.closedBefore
        try encode(prefix) { bytes throws(SBEError) in
            try bytes.append(row, isClosed: isClosed, prefix)
        }
    }

    /// Appends a snapshot of the book.
    mutating func append(
        snapshot id: Int64, exponents: (price: Int8, quantity: Int8), bids: [BookLevel],
        asks: [BookLevel]
    ) throws(PageError) {
        try ascend(to: id, at: subject.ingestTime / 1000)
        // The reply has no time of its own: the moment it arrived is the nearest known.
        let prefix = prefix(
            .depthSnapshot, id, subject.ingestTime / 1000, exponents, .receiveTime)
        let length = Bytes.bookLength(levels: bids.count + asks.count)
        guard length + Frame.headerLength <= Frame.maximumLength else {
            throw PageError("a book of \(bids.count + asks.count) levels is over the frame limit")
        }
        try encode(prefix) { bytes throws(SBEError) in
            try bytes.append(
                book: .depthSnapshot, bids: bids[...], asks: asks[...], prefix)
        }
    }

    private func prefix(
        _ kind: RecordKind, _ id: Int64, _ time: Int64, _ exponents: (price: Int8, quantity: Int8),
        _ flags: RecordFlags = []
    ) -> RecordPrefix {
        RecordPrefix(
            sequence: SequenceID(
                template: kind.rawValue, series: subject.interval?.code ?? 0,
                symbol: subject.symbol),
            eventTime: time, ingestTime: subject.ingestTime, ids: id...id, source: subject.source,
            exponents: exponents, flags: flags)
    }

    @inline(__always)
    private mutating func encode(
        _ prefix: RecordPrefix, _ append: (inout Bytes) throws(SBEError) -> Void
    ) throws(PageError) {
        do throws(SBEError) { try append(&frames) } catch { throw PageError("\(error)") }
        ends.append(frames.count)
        eventTimes.append(prefix.eventTime)
    }

    /// Leaves a row out that no record can hold: that costs this row and not the run.
    mutating func leaveOut(_ id: Int64, because reason: String) throws(PageError) {
        try check(id: id)
        unkept.append((id, reason))
    }

    private mutating func ascend(to id: Int64, at time: Int64) throws(PageError) {
        try check(id: id)
        guard VenueTime.plausible.contains(time) else {
            throw PageError("row \(ids.count + 1) has the time \(time), which is not valid")
        }
        ids.append(id)
    }

    /// Sums and differences of ids and times are taken everywhere: what would overflow is refused
    /// here.
    private mutating func check(id: Int64) throws(PageError) {
        guard id >= 0, id < .max else {
            throw PageError("row \(ids.count + 1) has the id \(id), which is not valid")
        }
        guard id > lastID else {
            throw PageError("row \(ids.count + 1) has id \(id) after id \(lastID)")
        }
        lastID = id
    }
}

/// A reply that is not what the venue documents.
public struct PageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, and where in the reply.
    public let description: String

    /// Refuses a reply.
    public init(_ description: String) { self.description = description }
}
