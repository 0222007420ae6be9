import Encoding
import Identity
import Posix
import Records
import SBE

/// Messages of the JSON streams: the same records, ids and order as of the SBE ones, from texts.
///
/// What cannot be equal is in docs/sbe-tap.md: quotes and tops of books have no time of the venue,
/// changes of a book come in longer steps, and exponents are those of the text.
enum JSONMessages {
    typealias Origin = StreamMerge.Origin
    typealias Taken = StreamMerge.Taken

    /// Takes a text message; see ``StreamMerge/take(json:from:at:into:)``.
    static func take(
        _ message: RawSpan, from origin: Origin, at time: Int64, _ copies: inout CopyMerge,
        into output: inout MergeOutput
    ) throws(StreamError) -> Taken? {
        copies.source = .json
        guard message.byteCount > 0 else { throw StreamError(.truncated, "an empty message") }
        var scanner = JSONScanner(message)
        do {
            let envelope = try JSONEnvelope(&scanner)
            switch envelope.content {
            case .other: return nil
            case .noData:
                throw StreamError(.value, "\(Self.name(of: envelope, scanner)) has no data")
            case .foreign:
                throw StreamError(.template, "\(Self.name(of: envelope, scanner)) is not known")
            case .data(let stream):
                switch stream {
                case .trade:
                    let trade = try JSONPayload.trade(&scanner, isAggregate: false)
                    try envelope.close(&scanner)
                    return try take(trade, scanner, origin, time, &copies, &output)
                case .aggTrade:
                    let trade = try JSONPayload.trade(&scanner, isAggregate: true)
                    try envelope.close(&scanner)
                    return try take(aggregate: trade, scanner, origin, time, &copies, &output)
                case .bookTicker:
                    let quote = try JSONPayload.quote(&scanner)
                    try envelope.close(&scanner)
                    return try take(quote, scanner, time, &copies, &output)
                case .depthUpdate:
                    let book = try JSONPayload.changes(&scanner)
                    try envelope.close(&scanner)
                    return try take(changes: book, scanner, origin, time, &copies, &output)
                case .partialDepth:
                    let book = try JSONPayload.top(&scanner)
                    try envelope.close(&scanner)
                    return try take(top: book, of: envelope, scanner, time, &copies, &output)
                case .kline:
                    let kline = try JSONPayload.kline(&scanner)
                    try envelope.close(&scanner)
                    return try take(kline, scanner, origin, time, &copies, &output)
                }
            }
        } catch let error as JSONScanner.Failure {
            let last = message.unsafeLoad(
                fromUncheckedByteOffset: max(0, message.byteCount - 1), as: UInt8.self)
            let isCut = error.offset >= message.byteCount && last != UInt8(ascii: "}")
            throw StreamError(isCut ? .truncated : .value, "\(error)")
        } catch let error as StreamError {
            throw error
        } catch { preconditionFailure("\(error)") }
    }

    private static func name(of envelope: JSONEnvelope, _ scanner: borrowing JSONScanner) -> String
    {
        guard let name = envelope.name else { return "a book without its stream's name" }
        return "stream "
            + String(decoding: name.prefix(80).map { scanner[$0] }, as: UTF8.self)
    }

    // MARK: - Kinds

    private static func take(
        _ trade: JSONPayload.Trade, _ scanner: borrowing JSONScanner, _ origin: Origin,
        _ time: Int64, _ copies: inout CopyMerge, _ output: inout MergeOutput
    ) throws -> Taken {
        let place = try place(of: trade.symbol, in: scanner, &copies, .trade)
        try copies.check(ids: trade.id, trade.id, of: place)
        var prefix = try copies.prefix(
            place, trade.time, time, trade.price.exponent, trade.quantity.exponent)
        prefix.ids = trade.id...trade.id
        copies.counts.decoded.trades += 1
        let values = TradeValues(
            price: trade.price.mantissa, quantity: trade.quantity.mantissa,
            isBuyerMaker: trade.isBuyerMaker, isBestMatch: trade.isBestMatch)
        let record = OrderedRecord(
            place: place, first: trade.id, last: trade.id, eventTime: trade.time, time: time)
        let isFresh = copies.takeContiguous(record, origin, &output) { $0.append(values, prefix) }
        return copies.taken(place, isFresh, trade.eventTime)
    }

    private static func take(
        aggregate trade: JSONPayload.Trade, _ scanner: borrowing JSONScanner, _ origin: Origin,
        _ time: Int64, _ copies: inout CopyMerge, _ output: inout MergeOutput
    ) throws -> Taken {
        let place = try place(of: trade.symbol, in: scanner, &copies, .aggTrade)
        try copies.check(ids: trade.id, trade.id, of: place)
        let row = AggTradeRow(
            id: trade.id, price: trade.price.mantissa, quantity: trade.quantity.mantissa,
            exponents: (trade.price.exponent, trade.quantity.exponent),
            firstTradeID: trade.firstTradeID, lastTradeID: trade.lastTradeID, time: trade.time,
            isBuyerMaker: trade.isBuyerMaker, isBestMatch: trade.isBestMatch)
        var prefix = try copies.prefix(
            place, trade.time, time, row.exponents.price, row.exponents.quantity)
        prefix.ids = row.id...row.id
        if row.isInvalid { prefix.flags = .invalid }
        copies.counts.decoded.aggregates += 1
        let record = OrderedRecord(
            place: place, first: row.id, last: row.id, eventTime: row.time, time: time)
        let isFresh = copies.takeContiguous(record, origin, &output) { [prefix] bytes in
            Self.write(to: &bytes) { bytes throws(SBEError) in try bytes.append(row, prefix) }
        }
        return copies.taken(place, isFresh, trade.eventTime)
    }

    private static func take(
        _ quote: JSONPayload.Quote, _ scanner: borrowing JSONScanner, _ time: Int64,
        _ copies: inout CopyMerge, _ output: inout MergeOutput
    ) throws -> Taken {
        let place = try place(of: quote.symbol, in: scanner, &copies, .bestBidAsk)
        try copies.check(ids: quote.id, quote.id, of: place)
        guard let (price, prices) = [quote.bid.0, quote.ask.0].narrowed(),
            let (quantity, quantities) = [quote.bid.1, quote.ask.1].narrowed()
        else { throw StreamError(.value, "a price or quantity over 64 bits") }
        var prefix = try copies.prefix(place, time / 1000, time, price, quantity)
        prefix.ids = quote.id...quote.id
        prefix.flags = .receiveTime
        copies.counts.decoded.quotes += 1
        let bid = BookLevel(price: prices[0], quantity: quantities[0])
        let ask = BookLevel(price: prices[1], quantity: quantities[1])
        return takeIncreasing(place, quote.id, time, &copies, &output) { [prefix] bytes in
            Self.write(to: &bytes) { bytes throws(SBEError) in
                try bytes.append(bid: bid, ask: ask, prefix)
            }
        }
    }

    private static func take(
        changes book: JSONPayload.Book, _ scanner: borrowing JSONScanner, _ origin: Origin,
        _ time: Int64, _ copies: inout CopyMerge, _ output: inout MergeOutput
    ) throws -> Taken {
        let place = try place(of: book.symbol, in: scanner, &copies, .depth)
        try copies.check(ids: book.first, book.last, of: place)
        try CopyMerge.check(levels: book.bids.count + book.asks.count)
        guard let levels = JSONLevels.shared(book.bids, book.asks) else {
            throw StreamError(.value, "levels of the book over 64 bits")
        }
        var prefix = try copies.prefix(
            place, book.eventTime, time, levels.exponents.price, levels.exponents.quantity)
        prefix.ids = book.first...book.last
        copies.counts.decoded.diffs += 1
        copies.beginBook(place, from: book.first, at: time)
        let record = OrderedRecord(
            place: place, first: book.first, last: book.last, eventTime: book.eventTime, time: time)
        let isFresh = copies.takeContiguous(record, origin, &output) { [prefix] bytes in
            Self.write(to: &bytes) { bytes throws(SBEError) in
                try bytes.append(
                    book: .depthDiff, bids: levels.bids[...], asks: levels.asks[...], prefix)
            }
        }
        return copies.taken(place, isFresh, book.eventTime)
    }

    private static func take(
        top book: JSONPayload.Book, of envelope: JSONEnvelope, _ scanner: borrowing JSONScanner,
        _ time: Int64, _ copies: inout CopyMerge, _ output: inout MergeOutput
    ) throws -> Taken {
        // Only the stream's name says whose book it is, in lower case.
        let name = envelope.name ?? 0..<0
        let end = name.first { scanner[$0] == UInt8(ascii: "@") } ?? name.lowerBound
        let text = String(
            decoding: (name.lowerBound..<end).map { scanner[$0] }, as: UTF8.self)
        guard let symbol = SymbolName(asTyped: text) else {
            throw StreamError(.symbol, SymbolName.refusal(of: text))
        }
        let bytes = scanner.bytes
        let place = try copies.place(of: symbol, bytes.extracting(name.lowerBound..<end), .depth20)
        try copies.check(ids: book.last, book.last, of: place)
        try CopyMerge.check(levels: book.bids.count + book.asks.count)
        guard let levels = JSONLevels.shared(book.bids, book.asks) else {
            throw StreamError(.value, "levels of the book over 64 bits")
        }
        var prefix = try copies.prefix(
            place, time / 1000, time, levels.exponents.price, levels.exponents.quantity)
        prefix.ids = book.last...book.last
        prefix.flags = .receiveTime
        copies.counts.decoded.books += 1
        return takeIncreasing(place, book.last, time, &copies, &output) { [prefix] bytes in
            Self.write(to: &bytes) { bytes throws(SBEError) in
                try bytes.append(
                    book: .depthSnapshot, bids: levels.bids[...], asks: levels.asks[...], prefix)
            }
        }
    }

    private static func take(
        _ kline: JSONPayload.Kline, _ scanner: borrowing JSONScanner, _ origin: Origin,
        _ time: Int64, _ copies: inout CopyMerge, _ output: inout MergeOutput
    ) throws -> Taken {
        if let reason = kline.unkept { throw StreamError(.value, reason) }
        let place = try place(of: kline.symbol, in: scanner, &copies, .kline(kline.interval))
        let row = kline.row
        var prefix = try copies.prefix(
            place, row.openTime, time, row.exponents.price, row.exponents.quantity)
        prefix.ids = row.openTime...row.openTime
        let encode: (inout Bytes) -> Void = { [prefix] bytes in
            Self.write(to: &bytes) { bytes throws(SBEError) in
                try bytes.append(row, isClosed: kline.isClosed, prefix)
            }
        }
        guard kline.isClosed else {
            return takePreview(kline, place, &copies, &output, encode)
        }
        copies.counts.decoded.klines += 1
        // It takes up its whole interval, so that the next one follows it.
        let ids = kline.interval.bucket(of: row.openTime)
        let record = OrderedRecord(
            place: place, first: ids.lowerBound, last: ids.upperBound, eventTime: row.openTime,
            time: time)
        return copies.taken(
            place, copies.takeContiguous(record, origin, &output, encode), kline.eventTime)
    }

    /// A kline that is not over: where it is wanted, the newest state of it goes on.
    private static func takePreview(
        _ kline: JSONPayload.Kline, _ place: Int, _ copies: inout CopyMerge,
        _ output: inout MergeOutput,
        _ encode: (inout Bytes) -> Void
    ) -> Taken {
        guard copies.rules.takesOpenKlines else {
            copies.counts.filtered += 1
            return copies.taken(place, false, kline.eventTime)
        }
        copies.counts.decoded.klines += 1
        let isFresh = copies.takePreview(place, eventTime: kline.eventTime)
        if isFresh, output.accept() { encode(&output.bytes) }
        return copies.taken(place, isFresh, kline.eventTime)
    }

    // MARK: - Parts

    private static func takeIncreasing(
        _ place: Int, _ id: Int64, _ time: Int64, _ copies: inout CopyMerge,
        _ output: inout MergeOutput,
        _ encode: (inout Bytes) -> Void
    ) -> Taken {
        let isFresh = copies.takeIncreasing(place, id, at: time)
        if isFresh, output.accept() { encode(&output.bytes) }
        return copies.taken(place, isFresh, 0)
    }

    /// Lengths of what is written were checked: it has room.
    private static func write(
        to bytes: inout Bytes, _ append: (inout Bytes) throws(SBEError) -> Void
    ) {
        do throws(SBEError) { try append(&bytes) } catch {
            preconditionFailure("a record has no room: \(error)")
        }
    }

    private static func place(
        of text: Range<Int>, in scanner: borrowing JSONScanner, _ copies: inout CopyMerge,
        _ kind: StreamKind
    ) throws -> Int {
        let bytes = scanner.bytes
        if text.contains(where: { scanner[$0] == UInt8(ascii: "\\") }) {
            var string = JSONScanner(bytes, from: text.lowerBound - 1)
            let symbol = Array(try string.text().utf8)
            return try copies.place(of: symbol.span.bytes, kind)
        }
        return try copies.place(of: bytes.extracting(text), kind)
    }
}
