import Identity
import Posix
import Records
import SBE

/// Turns stream messages into records: decodes each in place, passes the first copy of
/// each record on in order, and declares what did not come.
///
/// Any number of connections may carry the same streams. A record that is ahead of a hole waits for
/// the other copies for a moment; then the hole becomes a gap record. A changed book is completed
/// by snapshots that the caller fetches: see ``BookAssembler``.
///
/// Records go into a ``MergeOutput`` that the caller lends with each call.
///
/// No clock and no socket: times are the caller's, in ns, and only compared with each other.
public struct StreamMerge: ~Copyable {
    /// The newest version of the stream schema that a message named.
    public private(set) var newestVersion: UInt16 = 0

    /// The streams, and the order of their records.
    private var copies: CopyMerge

    /// Nothing came yet.
    public init(_ plan: [StreamPlan.Subscription], rules: Rules = Rules()) {
        copies = CopyMerge(plan, rules)
    }

    /// What it keeps to.
    public var rules: Rules { copies.rules }
    /// What is known of each stream; those of the plan come first, in its order.
    public var streams: [StreamState] { copies.streams }
    /// Figures since the start.
    public var counts: Counts { copies.counts }

    /// The place of a stream that is asked for from now on: the one that it had, or a new one.
    public mutating func place(of subscription: StreamPlan.Subscription) -> Int {
        copies.plan(subscription)
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
        copies.source = .sbe
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

    /// True for a message of the JSON streams; one of SBE begins with a short block length.
    public static func isJSON(_ message: RawSpan) -> Bool {
        guard message.byteCount >= 2 else { return false }
        let first = message.unsafeLoad(fromUncheckedByteOffset: 0, as: UInt8.self)
        let second = message.unsafeLoad(fromUncheckedByteOffset: 1, as: UInt8.self)
        // A block of 8704 bytes and more is no message of the venue's.
        return first == UInt8(ascii: "{") && (second == UInt8(ascii: "\"") || second <= 0x20)
    }

    /// Takes a text message of the JSON streams.
    ///
    /// - Parameters:
    ///   - time: when it was received, ns since the epoch; the records' ingest time.
    ///   - output: gets the records.
    /// - Returns: nil for what is not market data: a reply to a request, an error, an announcement.
    /// - Throws: ``StreamError`` when it is not turned into records; nothing of it was taken then.
    public mutating func take(
        json message: RawSpan, from origin: Origin, at time: Int64, into output: inout MergeOutput
    ) throws(StreamError) -> Taken? {
        try JSONMessages.take(message, from: origin, at: time, &copies, into: &output)
    }

    // MARK: - SBE messages

    private mutating func takeTrades(
        _ message: RawSpan, _ origin: Origin, _ time: Int64, _ output: inout MergeOutput
    ) throws -> Taken {
        let event = try Stream.TradesStreamEventDecoder(message)
        let place = try copies.place(of: event.symbol, .trade)
        let trades = event.trades
        var (first, last) = (Int64.max, Int64.min)
        for index in 0..<trades.count {
            let trade = trades[index]
            (first, last) = (min(first, trade.id), max(last, trade.id))
            guard trade.isBuyerMakerRaw <= 1 else {
                throw StreamError(.value, "isBuyerMaker is \(trade.isBuyerMakerRaw)")
            }
        }
        if trades.count > 0 { try copies.check(ids: first, last, of: place) }
        let eventTime = event.transactTime
        var prefix = try copies.prefix(
            place, eventTime, time, event.priceExponent, event.qtyExponent)
        copies.counts.surplusBytes += message.byteCount - trades.sbeEnd - 1 - event.symbol.byteCount
        copies.counts.decoded.trades += trades.count
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
            if copies.takeContiguous(record, origin, &output, { $0.append(values, prefix) }) {
                fresh += 1
            }
        }
        copies.note(fresh: fresh, place)
        return Taken(place: place, fresh: fresh, eventTime: event.eventTime)
    }

    private mutating func takeQuote(
        _ message: RawSpan, _ time: Int64, _ output: inout MergeOutput
    ) throws -> Taken {
        let event = try Stream.BestBidAskStreamEventDecoder(message)
        let place = try copies.place(of: event.symbol, .bestBidAsk)
        let id = event.bookUpdateId
        try copies.check(ids: id, id, of: place)
        var prefix = try copies.prefix(
            place, event.eventTime, time, event.priceExponent, event.qtyExponent)
        prefix.ids = id...id
        let block = Int(message.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt16.self))
        copies.counts.surplusBytes += message.byteCount - 9 - block - event.symbol.byteCount
        copies.counts.decoded.quotes += 1
        let isFresh = copies.takeIncreasing(place, id, at: time)
        if isFresh, output.accept() { output.bytes.append(event, prefix) }
        return copies.taken(place, isFresh, event.eventTime)
    }

    private mutating func takeBook(
        _ message: RawSpan, _ time: Int64, _ output: inout MergeOutput
    ) throws -> Taken {
        let event = try Stream.DepthSnapshotStreamEventDecoder(message)
        let place = try copies.place(of: event.symbol, .depth20)
        let id = event.bookUpdateId
        try copies.check(ids: id, id, of: place)
        try CopyMerge.check(levels: event.bids.count + event.asks.count)
        var prefix = try copies.prefix(
            place, event.eventTime, time, event.priceExponent, event.qtyExponent)
        prefix.ids = id...id
        copies.counts.surplusBytes +=
            message.byteCount - event.asks.sbeEnd - 1 - event.symbol.byteCount
        copies.counts.decoded.books += 1
        let isFresh = copies.takeIncreasing(place, id, at: time)
        if isFresh, output.accept() { output.bytes.append(event, prefix) }
        return copies.taken(place, isFresh, event.eventTime)
    }

    private mutating func takeDiff(
        _ message: RawSpan, _ origin: Origin, _ time: Int64, _ output: inout MergeOutput
    ) throws -> Taken {
        let event = try Stream.DepthDiffStreamEventDecoder(message)
        let place = try copies.place(of: event.symbol, .depth)
        let (first, last) = (event.firstBookUpdateId, event.lastBookUpdateId)
        try copies.check(ids: first, last, of: place)
        try CopyMerge.check(levels: event.bids.count + event.asks.count)
        var prefix = try copies.prefix(
            place, event.eventTime, time, event.priceExponent, event.qtyExponent)
        prefix.ids = first...last
        copies.counts.surplusBytes +=
            message.byteCount - event.asks.sbeEnd - 1 - event.symbol.byteCount
        copies.counts.decoded.diffs += 1
        copies.beginBook(place, from: first, at: time)
        let record = OrderedRecord(
            place: place, first: first, last: last, eventTime: event.eventTime, time: time)
        let isFresh: Bool
        switch copies.sort(record, origin, &output) {
        case .passes:
            output.bytes.append(event, prefix)
            isFresh = true
        case .known: isFresh = false
        case .waits(let verdict):
            // The waiting copy must not refer to the message.
            var frame = Bytes(capacity: 1024)
            frame.append(event, prefix)
            isFresh = copies.settle(record, verdict, origin, &output) { $0.append(frame.span) }
        }
        return copies.taken(place, isFresh, event.eventTime)
    }

    // MARK: - Time

    /// Gives up what waited too long; to be called now and then.
    ///
    /// - Parameter origin: of a stream's place.
    public mutating func tick(
        at time: Int64, into output: inout MergeOutput, _ origin: (Int) -> Origin
    ) {
        copies.tick(at: time, into: &output, origin)
    }

    /// True while records of a stream wait for another connection's copy.
    public func isWaiting(_ place: Int) -> Bool { copies.isWaiting(place) }

    /// Records that wait, for another copy or for a snapshot.
    public var waiting: Int { copies.waiting }

    /// Forgets which streams are behind, until the next record that does.
    public mutating func forgetBehind() { copies.forgetBehind() }

    /// Ends leaving records out: gap records say what was left out of contiguous sequences.
    public mutating func keepAgain(in output: inout MergeOutput, at time: Int64) {
        copies.keepAgain(in: &output, at: time)
    }

    /// Gives up everything that waits: the end is near.
    public mutating func finish(
        at time: Int64, into output: inout MergeOutput, _ origin: (Int) -> Origin
    ) {
        copies.finish(at: time, into: &output, origin)
    }

    // MARK: - Snapshots

    /// The place of a stream that wants a snapshot now; nil when none does, or when it would be left
    /// out.
    public func snapshotWanted(at time: Int64, for output: borrowing MergeOutput) -> Int? {
        copies.snapshotWanted(at: time, for: output)
    }

    /// Notes that a snapshot is asked for: changes wait for it from now on.
    public mutating func snapshotRequested(_ place: Int) { copies.snapshotRequested(place) }

    /// Notes that a snapshot did not come.
    ///
    /// - Parameter later: ns after which to ask again; nil when the venue has none.
    /// - Returns: how often that happened in a row.
    @discardableResult
    public mutating func snapshotFailed(
        _ place: Int, at time: Int64, later: Int64?, into output: inout MergeOutput
    ) -> Int {
        copies.snapshotFailed(place, at: time, later: later, into: &output)
    }

    /// Puts a snapshot among the changes of its book.
    ///
    /// - Parameters:
    ///   - id: the last update that it contains.
    ///   - frame: its record.
    /// - Returns: false when it is older than what it has to reach, so that another one is wanted.
    public mutating func snapshotArrived(
        _ place: Int, id: Int64, frame: RawSpan, into output: inout MergeOutput
    ) -> Bool {
        copies.snapshotArrived(place, id: id, frame: frame, into: &output)
    }
}
