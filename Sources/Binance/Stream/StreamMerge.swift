import Identity
import Posix
import Records
import SBE

/// Turns stream messages into records: decodes each in place, passes the first copy of
/// each record on in order, and declares what did not come.
///
/// Any number of connections may carry the same streams. A record that is ahead of a hole waits for
/// the other copies for a moment; then the hole becomes a gap record. A changed book is completed
/// by snapshots that the caller fetches: see `StreamMerge+Book.swift`.
///
/// Records go into a ``MergeOutput`` that the caller lends with each call.
///
/// No clock and no socket: times are the caller's, in ns, and only compared with each other.
public struct StreamMerge: ~Copyable {
    /// What it keeps to.
    public struct Rules: Sendable {
        /// How long a record that is ahead waits for another copy of those before it, ns.
        public var reorderWindow: Int64 = 500_000_000
        /// True when klines that are not over go on too, again and again until they are.
        public var takesOpenKlines = false
        /// True when changes of a book want a snapshot to begin from.
        public var takesSnapshots = false
        /// How long changes of a book wait for its snapshot, ns.
        public var bookWindow: Int64 = 10_000_000_000
        /// Bytes of waiting records that one stream may have.
        public var heldBytes = 4 << 20
        /// How long copies may lag behind other connections when nothing new comes, ns; a stream
        /// whose records are below the newest id for longer has restarted its ids.
        public var behindWindow: Int64 = 10_000_000_000
        /// Streams that were not asked for and are taken all the same.
        public var foreignStreams = 4096
        /// Update ids that one change of a book may span, and by how many any id may be beyond the
        /// newest of its stream: what is wider is a fault of the venue or of the network, and would
        /// make everything that follows look old.
        public var plausibleIDs: (width: Int64, jump: Int64) = (1_000_000, 1_000_000_000)
        /// Messages in a row that continue each other and are beyond that jump, after which the
        /// stream is believed.
        public var jumpConfirmations = 8

        /// The defaults.
        public init() {}
    }

    /// The connection that a message came over.
    public struct Origin: Sendable {
        /// Open connections that carry the same streams, this one included.
        public var copies: Int
        /// Connections with these streams that were lost so far.
        public var losses: UInt32

        /// Describes a connection.
        public init(copies: Int = 1, losses: UInt32 = 0) {
            self.copies = copies
            self.losses = losses
        }
    }

    /// What became of a message.
    public struct Taken: Sendable {
        /// The stream's place in ``StreamMerge/streams``.
        public let place: Int
        /// Records of it that no other connection had brought.
        public let fresh: Int
        /// The venue's time of the message, µs; 0 when it has none.
        public let eventTime: Int64
    }

    /// Figures since the start.
    public struct Counts: Sendable {
        /// Records decoded, whatever became of them.
        public internal(set) var decoded = KindCounts()
        /// Records dropped because they, or newer ones, came before.
        public internal(set) var duplicates = 0
        /// Of these, records below the newest id although nothing new came for ``Rules/behindWindow``.
        public internal(set) var behind = 0
        /// Trades that came after they had been declared missing.
        public internal(set) var late = 0
        /// Gap records.
        public internal(set) var gaps = 0
        /// Snapshots from outside the streams.
        public internal(set) var snapshots = 0
        /// Klines that were not over, and were not asked for.
        public internal(set) var filtered = 0
        /// Bytes after messages, which were ignored.
        public internal(set) var surplusBytes = 0
    }

    /// Numbers of records by kind of stream.
    public struct KindCounts: Sendable {
        /// Of trade.
        public internal(set) var trades = 0
        /// Of bestBidAsk.
        public internal(set) var quotes = 0
        /// Of depth.
        public internal(set) var diffs = 0
        /// Of depth20.
        public internal(set) var books = 0
        /// Of aggTrade.
        public internal(set) var aggregates = 0
        /// Of klines.
        public internal(set) var klines = 0

        /// Of all kinds.
        public var total: Int { trades + quotes + diffs + books + aggregates + klines }
    }

    /// What is known of each stream; those of the plan come first, in its order.
    public internal(set) var streams: [StreamState] = []
    /// Figures since the start.
    public internal(set) var counts = Counts()
    /// What it keeps to.
    public let rules: Rules
    /// The newest version of the stream schema that a message named.
    public private(set) var newestVersion: UInt16 = 0

    /// The form of the last message; what is declared of a stream came in it.
    var source = SourceCode.sbe
    var table = SequenceTable()
    /// Places in which records are ahead.
    var placesAhead = PlaceList()
    /// Places of books that are not whole.
    var snapshotPlaces = PlaceList()
    private(set) var planned: Int

    /// Nothing came yet.
    public init(_ plan: [StreamPlan.Subscription], rules: Rules = Rules()) {
        self.rules = rules
        planned = plan.count
        for subscription in plan { _ = add(subscription) }
    }

    /// The place of a stream that is asked for from now on: the one that it had, or a new one.
    public mutating func place(of subscription: StreamPlan.Subscription) -> Int {
        if let place = table.place(of: subscription.kind.sequence(of: subscription.symbol)) {
            return place
        }
        planned += 1
        return add(subscription)
    }

    // MARK: - Taking

    /// Takes a message of the SBE streams.
    ///
    /// - Parameters:
    ///   - time: when it was received, ns since the epoch; the records' ingest time.
    ///   - output: gets the records.
    /// - Throws: ``StreamError`` when it is not turned into records; nothing of it was taken then.
    public mutating func take(
        _ message: RawSpan, from origin: Origin, at time: Int64, into output: inout MergeOutput
    ) throws(StreamError) -> Taken {
        guard message.byteCount >= MessageHeader.length else {
            throw StreamError(.truncated, "\(message.byteCount) bytes are too few for a message")
        }
        let template = message.unsafeLoadUnaligned(fromUncheckedByteOffset: 2, as: UInt16.self)
        let schema = message.unsafeLoadUnaligned(fromUncheckedByteOffset: 4, as: UInt16.self)
        guard schema == Stream.TradesStreamEventDecoder.schemaID else {
            throw StreamError(.schema, "schema id is \(schema), expected 1")
        }
        let version = message.unsafeLoadUnaligned(fromUncheckedByteOffset: 6, as: UInt16.self)
        if version > newestVersion { newestVersion = version }
        source = .sbe
        do {
            switch template {
            case Stream.TradesStreamEventDecoder.templateID:
                return try takeTrades(message, origin, time, &output)
            case Stream.BestBidAskStreamEventDecoder.templateID:
                return try takeQuote(message, time, &output)
            case Stream.DepthDiffStreamEventDecoder.templateID:
                return try takeDiff(message, origin, time, &output)
            case Stream.DepthSnapshotStreamEventDecoder.templateID:
                return try takeBook(message, time, &output)
            default:
                throw StreamError(.template, "template id \(template) is not known")
            }
        } catch let error as SBEError {
            throw StreamError(error)
        } catch let error as StreamError {
            throw error
        } catch { preconditionFailure("\(error)") }
    }

    private mutating func takeTrades(
        _ message: RawSpan, _ origin: Origin, _ time: Int64, _ output: inout MergeOutput
    ) throws -> Taken {
        let event = try Stream.TradesStreamEventDecoder(message)
        let place = try place(of: event.symbol, .trade)
        let trades = event.trades
        var (first, last) = (Int64.max, Int64.min)
        for index in 0..<trades.count {
            let trade = trades[index]
            (first, last) = (min(first, trade.id), max(last, trade.id))
            guard trade.isBuyerMakerRaw <= 1 else {
                throw StreamError(.value, "isBuyerMaker is \(trade.isBuyerMakerRaw)")
            }
        }
        if trades.count > 0 { try check(ids: first, last, of: place) }
        let eventTime = event.transactTime
        var prefix = try prefix(
            place, eventTime, time, event.priceExponent, event.qtyExponent)
        counts.surplusBytes += message.byteCount - trades.sbeEnd - 1 - event.symbol.byteCount
        counts.decoded.trades += trades.count
        var fresh = 0
        for index in 0..<trades.count {
            let trade = trades[index]
            let id = trade.id
            prefix.ids = id...id
            // The best match is the schema's constant: it is not on the wire.
            let values = TradeValues(
                price: trade.price, quantity: trade.qty, isBuyerMaker: trade.isBuyerMakerRaw == 1,
                isBestMatch: true)
            let record = OrderedRecord(
                place: place, first: id, last: id, eventTime: eventTime, time: time)
            if takeContiguous(record, origin, &output, { $0.append(values, prefix) }) { fresh += 1 }
        }
        streams[place].sequence.fresh += fresh
        return Taken(place: place, fresh: fresh, eventTime: event.eventTime)
    }

    private mutating func takeQuote(
        _ message: RawSpan, _ time: Int64, _ output: inout MergeOutput
    ) throws -> Taken {
        let event = try Stream.BestBidAskStreamEventDecoder(message)
        let place = try place(of: event.symbol, .bestBidAsk)
        let id = event.bookUpdateId
        try check(ids: id, id, of: place)
        var prefix = try prefix(
            place, event.eventTime, time, event.priceExponent, event.qtyExponent)
        prefix.ids = id...id
        let block = Int(message.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt16.self))
        counts.surplusBytes += message.byteCount - 9 - block - event.symbol.byteCount
        counts.decoded.quotes += 1
        guard case .next = streams[place].sequence.take(id, id) else {
            noteKnown(place, id, at: time)
            return Taken(place: place, fresh: 0, eventTime: event.eventTime)
        }
        streams[place].sequence.fresh += 1
        if output.isKeeping {
            output.bytes.append(event, prefix)
            output.records += 1
        } else {
            output.leftOut += 1
        }
        return Taken(place: place, fresh: 1, eventTime: event.eventTime)
    }

    private mutating func takeBook(
        _ message: RawSpan, _ time: Int64, _ output: inout MergeOutput
    ) throws -> Taken {
        let event = try Stream.DepthSnapshotStreamEventDecoder(message)
        let place = try place(of: event.symbol, .depth20)
        let id = event.bookUpdateId
        try check(ids: id, id, of: place)
        try Self.check(levels: event.bids.count + event.asks.count)
        var prefix = try prefix(
            place, event.eventTime, time, event.priceExponent, event.qtyExponent)
        prefix.ids = id...id
        counts.surplusBytes += message.byteCount - event.asks.sbeEnd - 1 - event.symbol.byteCount
        counts.decoded.books += 1
        guard case .next = streams[place].sequence.take(id, id) else {
            noteKnown(place, id, at: time)
            return Taken(place: place, fresh: 0, eventTime: event.eventTime)
        }
        streams[place].sequence.fresh += 1
        if output.isKeeping {
            output.bytes.append(event, prefix)
            output.records += 1
        } else {
            output.leftOut += 1
        }
        return Taken(place: place, fresh: 1, eventTime: event.eventTime)
    }

    private mutating func takeDiff(
        _ message: RawSpan, _ origin: Origin, _ time: Int64, _ output: inout MergeOutput
    ) throws -> Taken {
        let event = try Stream.DepthDiffStreamEventDecoder(message)
        let place = try place(of: event.symbol, .depth)
        let (first, last) = (event.firstBookUpdateId, event.lastBookUpdateId)
        try check(ids: first, last, of: place)
        try Self.check(levels: event.bids.count + event.asks.count)
        var prefix = try prefix(
            place, event.eventTime, time, event.priceExponent, event.qtyExponent)
        prefix.ids = first...last
        counts.surplusBytes += message.byteCount - event.asks.sbeEnd - 1 - event.symbol.byteCount
        counts.decoded.diffs += 1
        if !streams[place].sequence.hasBegun { wantSnapshot(place, from: first, at: time) }
        let verdict = streams[place].sequence.take(first, last)
        var fresh = 1
        switch verdict {
        case .next where !streams[place].isSlow && output.isKeeping:
            output.bytes.append(event, prefix)
            output.records += 1
            streams[place].sequence.losses = origin.losses
        case .known:
            noteKnown(place, last, at: time)
            fresh = 0
        default:
            let record = OrderedRecord(
                place: place, first: first, last: last, eventTime: event.eventTime, time: time)
            // The waiting copy must not refer to the message.
            var frame = Bytes(capacity: 1024)
            frame.append(event, prefix)
            let isFresh = settle(record, verdict, origin, &output) {
                $0.append(frame.span)
            }
            fresh = isFresh ? 1 : 0
        }
        streams[place].sequence.fresh += fresh
        return Taken(place: place, fresh: fresh, eventTime: event.eventTime)
    }

    /// Takes a record of a stream whose next id is known.
    ///
    /// - Returns: true when it is news.
    @inline(__always)
    mutating func takeContiguous(
        _ record: OrderedRecord, _ origin: Origin, _ output: inout MergeOutput,
        _ encode: (inout Bytes) -> Void
    ) -> Bool {
        let place = record.place
        switch streams[place].sequence.take(record.first, record.last) {
        case .next where !streams[place].isSlow && output.isKeeping:
            encode(&output.bytes)
            output.records += 1
            streams[place].sequence.losses = origin.losses
            return true
        case .known:
            noteKnown(place, record.last, at: record.time)
            return false
        case let verdict: return settle(record, verdict, origin, &output, encode)
        }
    }

    // MARK: - Parts of a message

    /// Checks the ids of a message before anything of it is taken.
    mutating func check(
        ids first: Int64, _ last: Int64, of place: Int
    ) throws(StreamError) {
        guard first >= 0, last < .max else {
            throw StreamError(.value, "id \(first < 0 ? first : last) is not valid")
        }
        guard first <= last else {
            throw StreamError(.value, "first update id \(first) is above the last, \(last)")
        }
        guard last - first < rules.plausibleIDs.width else {
            throw StreamError(
                .implausible, "one message spans the \(last - first + 1) ids from \(first) on")
        }
        let newest = streams[place].sequence.last
        guard newest != .min, last &- newest > rules.plausibleIDs.jump else { return }
        guard streams[place].sequence.confirmsJump(first, last, needed: rules.jumpConfirmations)
        else {
            throw StreamError(.implausible, "id \(last) follows id \(newest)")
        }
    }

    static func check(levels: Int) throws(StreamError) {
        guard Frame.blockOffset + Frame.prefixLength + 12 + 16 * levels <= Frame.maximumLength
        else { throw StreamError(.length, "\(levels) levels are over the frame limit") }
    }

    func prefix(
        _ place: Int, _ eventTime: Int64, _ time: Int64, _ price: Int8, _ quantity: Int8
    ) throws(StreamError) -> RecordPrefix {
        // The nulls of the schema, which no field of it may have.
        guard eventTime != .min, price != .min, quantity != .min else {
            throw StreamError(.value, "time or exponent is null")
        }
        return RecordPrefix(
            sequence: streams[place].sequence.id, eventTime: eventTime, ingestTime: time,
            ids: 0...0, source: source, exponents: (price, quantity))
    }

    mutating func place(
        of text: RawSpan, _ kind: StreamKind
    ) throws(StreamError) -> Int {
        guard let symbol = SymbolName(text) else {
            throw StreamError(.symbol, "a symbol of \(text.byteCount) bytes, or with NUL in it")
        }
        return try place(of: symbol, text, kind)
    }

    /// - Parameter text: of the symbol, for a look at a new one.
    mutating func place(
        of symbol: SymbolName, _ text: RawSpan, _ kind: StreamKind
    ) throws(StreamError) -> Int {
        if let place = table.place(of: kind.sequence(of: symbol)) { return place }
        let isText = text.withUnsafeBytes { String(validating: $0, as: UTF8.self) != nil }
        guard isText else { throw StreamError(.symbol, "a symbol that is not UTF-8") }
        guard streams.count < planned + rules.foreignStreams else {
            throw StreamError(.symbol, "\(symbol)@\(kind.name) was not asked for")
        }
        return add(StreamPlan.Subscription(symbol: symbol, kind: kind))
    }

    private mutating func add(_ subscription: StreamPlan.Subscription) -> Int {
        let sequence = StreamSequence(subscription)
        table.append(sequence.id)
        streams.append(StreamState(sequence: sequence))
        return streams.count - 1
    }
}
