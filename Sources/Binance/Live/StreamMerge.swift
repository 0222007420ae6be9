import Identity
public import Posix
import Records
import SBE

/// Turns stream messages into records: decodes each where it lies, passes the first copy of
/// each record on in order, and declares what did not come.
///
/// Any number of connections may carry the same streams. A record that is ahead of a hole waits for
/// the other copies for a moment; then the hole becomes a gap record. A changed book is completed
/// by snapshots that the caller fetches: see `StreamMerge+Book.swift`.
///
/// No clock and no socket: times are the caller's, in ns, and only compared with each other.
public struct StreamMerge: ~Copyable {
    /// What it keeps to.
    public struct Rules: Sendable {
        /// How long a record that is ahead waits for another copy of those before it, ns.
        public var reorderWindow: Int64 = 500_000_000
        /// True when changes of a book want a snapshot to begin from.
        public var takesSnapshots = false
        /// How long changes of a book wait for its snapshot, ns.
        public var bookWindow: Int64 = 10_000_000_000
        /// Bytes of waiting records that one stream may have.
        public var heldBytes = 4 << 20
        /// How long copies may lag behind other connections when nothing new comes, ns; a stream
        /// whose records lie behind for longer has ids that began anew.
        public var behindWindow: Int64 = 10_000_000_000
        /// Streams that were not asked for and are taken all the same.
        public var foreignStreams = 4096

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
        /// The stream's place in ``StreamMerge/sequences``.
        public let place: Int
        /// Records of it that no other connection had brought.
        public let fresh: Int
        /// The venue's time of the message, µs.
        public let eventTime: Int64
    }

    /// Figures since the start.
    public struct Counts: Sendable {
        /// Records decoded, by ``StreamKind``'s order, whatever became of them.
        public internal(set) var decoded = [Int](repeating: 0, count: StreamKind.allCases.count)
        /// Records dropped because they, or newer ones, came before.
        public internal(set) var duplicates = 0
        /// Of these, records that lie behind although nothing new came for ``Rules/behindWindow``.
        public internal(set) var behind = 0
        /// Trades that came after they had been declared missing.
        public internal(set) var late = 0
        /// Gap records.
        public internal(set) var gaps = 0
        /// Snapshots from outside the streams.
        public internal(set) var snapshots = 0
        /// Records that ``StreamMerge/isDropping`` kept from the output.
        public internal(set) var dropped = 0
        /// Bytes after messages, which were ignored.
        public internal(set) var surplusBytes = 0
        /// Records in ``StreamMerge/output`` so far, gaps and snapshots included.
        public internal(set) var out = 0
    }

    /// Records that are ready, oldest first; the caller takes them away.
    public var output = Bytes(capacity: 512 << 10)
    /// What is known of each stream; those of the plan come first, in its order.
    public internal(set) var sequences: [StreamSequence] = []
    /// Figures since the start.
    public internal(set) var counts = Counts()
    /// What it keeps to.
    public let rules: Rules

    var table = SequenceTable()
    /// By place: records ahead of a hole.
    var ahead: [HeldRecords?] = []
    /// Places in which records are ahead.
    var placesAhead: Set<Int> = []
    /// By place: of changes of a book, what it still wants.
    var books: [BookState] = []
    /// Places of books that are not whole.
    var snapshotPlaces: Set<Int> = []
    /// By place: the first id that was dropped, `Int64.min` for none.
    var droppedFrom: [Int64] = []
    /// By place: true when a record may not simply be appended to the output.
    var isSlow: [Bool] = []
    let planned: Int

    /// Nothing came yet.
    public init(_ plan: [StreamPlan.Subscription], rules: Rules = Rules()) {
        self.rules = rules
        planned = plan.count
        for subscription in plan { _ = add(subscription) }
    }

    // MARK: - Taking

    /// Takes a message.
    ///
    /// - Parameter time: when it was received, ns since the epoch; the records' ingest time.
    /// - Throws: ``StreamError`` when it is not turned into records; nothing of it was taken then.
    public mutating func take(
        _ message: RawSpan, from origin: Origin, at time: Int64
    ) throws(StreamError) -> Taken {
        guard message.byteCount >= MessageHeader.length else {
            throw StreamError(.truncated, "\(message.byteCount) bytes are no message")
        }
        let template = message.unsafeLoadUnaligned(fromUncheckedByteOffset: 2, as: UInt16.self)
        let schema = message.unsafeLoadUnaligned(fromUncheckedByteOffset: 4, as: UInt16.self)
        guard schema == Stream.TradesStreamEventDecoder.schemaID else {
            throw StreamError(.schema, "schema id is \(schema), expected 1")
        }
        do {
            switch template {
            case Stream.TradesStreamEventDecoder.templateID:
                return try takeTrades(message, origin, time)
            case Stream.BestBidAskStreamEventDecoder.templateID:
                return try takeQuote(message, time)
            case Stream.DepthDiffStreamEventDecoder.templateID:
                return try takeDiff(message, origin, time)
            case Stream.DepthSnapshotStreamEventDecoder.templateID:
                return try takeBook(message, time)
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
        _ message: RawSpan, _ origin: Origin, _ time: Int64
    ) throws -> Taken {
        let event = try Stream.TradesStreamEventDecoder(message)
        let place = try place(of: event.symbol, .trade)
        let trades = event.trades
        for index in 0..<trades.count {
            let trade = trades[index]
            try Self.check(id: trade.id)
            guard trade.isBuyerMakerRaw <= 1 else {
                throw StreamError(.value, "isBuyerMaker is \(trade.isBuyerMakerRaw)")
            }
        }
        let eventTime = event.transactTime
        var prefix = try prefix(
            place, eventTime, time, event.priceExponent, event.qtyExponent)
        counts.surplusBytes += message.byteCount - trades.sbeEnd - 1 - event.symbol.byteCount
        counts.decoded[0] += trades.count
        var fresh = 0
        for index in 0..<trades.count {
            let trade = trades[index]
            let id = trade.id
            prefix.ids = id...id
            let values = TradeValues(
                price: trade.price, quantity: trade.qty, isBuyerMaker: trade.isBuyerMakerRaw == 1)
            switch sequences[place].take(id, id) {
            case .next where !isSlow[place]:
                output.append(values, prefix)
                counts.out += 1
                fresh += 1
            case .known: noteKnown(place, id, at: time)
            case let verdict:
                let record = Record(
                    place: place, first: id, last: id, eventTime: eventTime, time: time)
                if settle(record, verdict, origin, { $0.append(values, prefix) }) { fresh += 1 }
            }
        }
        if fresh > 0 {
            sequences[place].losses = origin.losses
            sequences[place].fresh += fresh
        }
        return Taken(place: place, fresh: fresh, eventTime: event.eventTime)
    }

    private mutating func takeQuote(_ message: RawSpan, _ time: Int64) throws -> Taken {
        let event = try Stream.BestBidAskStreamEventDecoder(message)
        let place = try place(of: event.symbol, .bestBidAsk)
        let id = event.bookUpdateId
        try Self.check(id: id)
        var prefix = try prefix(
            place, event.eventTime, time, event.priceExponent, event.qtyExponent)
        prefix.ids = id...id
        let block = Int(message.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt16.self))
        counts.surplusBytes += message.byteCount - 9 - block - event.symbol.byteCount
        counts.decoded[1] += 1
        guard case .next = sequences[place].take(id, id) else {
            noteKnown(place, id, at: time)
            return Taken(place: place, fresh: 0, eventTime: event.eventTime)
        }
        sequences[place].fresh += 1
        if isDropping {
            counts.dropped += 1
        } else {
            output.append(event, prefix)
            counts.out += 1
        }
        return Taken(place: place, fresh: 1, eventTime: event.eventTime)
    }

    private mutating func takeBook(_ message: RawSpan, _ time: Int64) throws -> Taken {
        let event = try Stream.DepthSnapshotStreamEventDecoder(message)
        let place = try place(of: event.symbol, .depth20)
        let id = event.bookUpdateId
        try Self.check(id: id)
        try Self.check(levels: event.bids.count + event.asks.count)
        var prefix = try prefix(
            place, event.eventTime, time, event.priceExponent, event.qtyExponent)
        prefix.ids = id...id
        counts.surplusBytes += message.byteCount - event.asks.sbeEnd - 1 - event.symbol.byteCount
        counts.decoded[3] += 1
        guard case .next = sequences[place].take(id, id) else {
            noteKnown(place, id, at: time)
            return Taken(place: place, fresh: 0, eventTime: event.eventTime)
        }
        sequences[place].fresh += 1
        if isDropping {
            counts.dropped += 1
        } else {
            output.append(event, prefix)
            counts.out += 1
        }
        return Taken(place: place, fresh: 1, eventTime: event.eventTime)
    }

    private mutating func takeDiff(
        _ message: RawSpan, _ origin: Origin, _ time: Int64
    ) throws -> Taken {
        let event = try Stream.DepthDiffStreamEventDecoder(message)
        let place = try place(of: event.symbol, .depth)
        let (first, last) = (event.firstBookUpdateId, event.lastBookUpdateId)
        try Self.check(id: first)
        try Self.check(id: last)
        guard first <= last else {
            throw StreamError(.value, "first update id \(first) is above the last, \(last)")
        }
        try Self.check(levels: event.bids.count + event.asks.count)
        var prefix = try prefix(
            place, event.eventTime, time, event.priceExponent, event.qtyExponent)
        prefix.ids = first...last
        counts.surplusBytes += message.byteCount - event.asks.sbeEnd - 1 - event.symbol.byteCount
        counts.decoded[2] += 1
        if !sequences[place].hasBegun { wantSnapshot(place, from: first, at: time) }
        let verdict = sequences[place].take(first, last)
        var fresh = 1
        switch verdict {
        case .next where !isSlow[place]:
            output.append(event, prefix)
            counts.out += 1
        case .known:
            noteKnown(place, last, at: time)
            fresh = 0
        default:
            let record = Record(
                place: place, first: first, last: last, eventTime: event.eventTime, time: time)
            // The waiting copy must not refer to the message.
            var frame = Bytes(capacity: 1024)
            frame.append(event, prefix)
            let isFresh = settle(record, verdict, origin) { $0.append(frame.span) }
            fresh = isFresh ? 1 : 0
        }
        if fresh > 0 {
            sequences[place].losses = origin.losses
            sequences[place].fresh += fresh
        }
        return Taken(place: place, fresh: fresh, eventTime: event.eventTime)
    }

    // MARK: - Parts of a message

    private static func check(id: Int64) throws(StreamError) {
        guard id >= 0, id < .max else { throw StreamError(.value, "id \(id) is none") }
    }

    private static func check(levels: Int) throws(StreamError) {
        guard Frame.blockOffset + Frame.prefixLength + 12 + 16 * levels <= Frame.maximumLength
        else { throw StreamError(.length, "\(levels) levels are over the frame limit") }
    }

    private func prefix(
        _ place: Int, _ eventTime: Int64, _ time: Int64, _ price: Int8, _ quantity: Int8
    ) throws(StreamError) -> RecordPrefix {
        // The nulls of the schema, which no field of it may have.
        guard eventTime != .min, price != .min, quantity != .min else {
            throw StreamError(.value, "time or exponent is null")
        }
        return RecordPrefix(
            sequence: sequences[place].id, eventTime: eventTime, ingestTime: time, ids: 0...0,
            source: .sbe, exponents: (price, quantity))
    }

    private mutating func place(
        of text: RawSpan, _ kind: StreamKind
    ) throws(StreamError) -> Int {
        guard let symbol = SymbolName(text) else {
            throw StreamError(.symbol, "a symbol of \(text.byteCount) bytes, or with NUL in it")
        }
        if let place = table.place(of: kind.sequence(of: symbol)) { return place }
        let isText = text.withUnsafeBytes { String(validating: $0, as: UTF8.self) != nil }
        guard isText else { throw StreamError(.symbol, "a symbol that is not UTF-8") }
        guard sequences.count < planned + rules.foreignStreams else {
            throw StreamError(.symbol, "\(symbol)@\(kind.rawValue) was not asked for")
        }
        return add(StreamPlan.Subscription(symbol: symbol, kind: kind))
    }

    private mutating func add(_ subscription: StreamPlan.Subscription) -> Int {
        let sequence = StreamSequence(subscription)
        table.append(sequence.id)
        sequences.append(sequence)
        ahead.append(nil)
        books.append(BookState())
        droppedFrom.append(.min)
        isSlow.append(isDropping)
        return sequences.count - 1
    }

    // MARK: - A reader that is too slow

    /// True while records are left out instead of being written; see ``setDropping(_:at:)``.
    public internal(set) var isDropping = false
}
