import Encoding
import Identity
import Posix
import SBE

extension RecordRow {
    /// Appends the record as a frame.
    ///
    /// - Parameters:
    ///   - kind: what its fields are of; nil is a record of a newer schema, whose whole frame is one
    ///     of its fields.
    ///   - record: the bytes that the fields came in.
    /// - Throws: ``FieldFailure``; nothing was appended then.
    mutating func appendFrame(
        _ kind: RecordKind?, _ record: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        switch kind {
        case .trade: try appendTrade(record, to: &bytes)
        case .aggTrade: try appendAggTrade(record, to: &bytes)
        case .kline: try appendKline(record, to: &bytes)
        case .bestBidAsk: try appendBestBidAsk(record, to: &bytes)
        case .depthDiff: try appendBook(.depthDiff, record, to: &bytes)
        case .depthSnapshot: try appendBook(.depthSnapshot, record, to: &bytes)
        case .gap: try appendGap(record, to: &bytes)
        case .raw: try appendRaw(record, to: &bytes)
        case nil: try appendForeign(record, to: &bytes)
        }
    }

    // MARK: - Kinds

    private func appendTrade(
        _ record: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        let id = try integer(.tradeID, record)
        let exponents = try exponents(record)
        let price = try mantissa(.price, exponents.price, record)
        let quantity = try mantissa(.quantity, exponents.quantity, record)
        let isMaker = try boolean(.isBuyerMaker, record)
        let isBest = try optionalBoolean(.isBestMatch, record)
        let prefix = try prefix(
            .trade, ids: ids(from: id, record), series: series(record), exponents, record)
        try Self.append(upTo: 8 + TradeEncoder.blockLength, prefix, to: &bytes) {
            room throws(SBEError) in
            var trade = try TradeEncoder(room)
            trade.price = price
            trade.quantity = quantity
            trade.isBuyerMaker = isMaker
            trade.isBestMatch = isBest
            return trade.encodedLength
        }
    }

    private func appendAggTrade(
        _ record: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        let id = try integer(.aggTradeID, record)
        let exponents = try exponents(record)
        let price = try mantissa(.price, exponents.price, record)
        let quantity = try mantissa(.quantity, exponents.quantity, record)
        let first = try integer(.firstTradeID, record)
        let last = try integer(.lastTradeID, record)
        let isMaker = try boolean(.isBuyerMaker, record)
        let isBest = try optionalBoolean(.isBestMatch, record)
        let prefix = try prefix(
            .aggTrade, ids: ids(from: id, record), series: series(record), exponents, record)
        try Self.append(upTo: 8 + AggTradeEncoder.blockLength, prefix, to: &bytes) {
            room throws(SBEError) in
            var trade = try AggTradeEncoder(room)
            trade.price = price
            trade.quantity = quantity
            trade.firstTradeId = first
            trade.lastTradeId = last
            trade.isBuyerMaker = isMaker
            trade.isBestMatch = isBest
            return trade.encodedLength
        }
    }

    private func appendKline(
        _ record: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        let series = try klineSeries(record)
        let open = try integer(.openTime, record)
        let close = try integer(.closeTime, record)
        let exponents = try exponents(record)
        let (price, quantity) = exponents
        let openPrice = try mantissa(.openPrice, price, record)
        let highPrice = try mantissa(.highPrice, price, record)
        let lowPrice = try mantissa(.lowPrice, price, record)
        let closePrice = try mantissa(.closePrice, price, record)
        let volume = try wideMantissa(.volume, quantity, record)
        let quoteVolume = try wideMantissa(.quoteVolume, price, record)
        let baseBought = try wideMantissa(.takerBuyBaseVolume, quantity, record)
        let quoteBought = try wideMantissa(.takerBuyQuoteVolume, price, record)
        let count = try integer(.tradeCount, record)
        let isClosed = try boolean(.isClosed, record)
        let prefix = try prefix(
            .kline, ids: ids(from: open, record), series: series, exponents, record)
        try Self.append(upTo: 8 + KlineEncoder.blockLength, prefix, to: &bytes) {
            room throws(SBEError) in
            var kline = try KlineEncoder(room)
            kline.closeTime = close
            kline.openPrice = openPrice
            kline.highPrice = highPrice
            kline.lowPrice = lowPrice
            kline.closePrice = closePrice
            kline.volume = volume
            kline.quoteVolume = quoteVolume
            kline.takerBuyBaseVolume = baseBought
            kline.takerBuyQuoteVolume = quoteBought
            kline.tradeCount = count
            kline.isClosed = isClosed
            return kline.encodedLength
        }
    }

    private func klineSeries(_ record: RawSpan) throws(FieldFailure) -> UInt16 {
        let name = try text(.interval, record)
        if let interval = KlineInterval(rawValue: name) { return interval.code }
        guard name == "unknown", has(.series) else {
            throw FieldFailure("interval: \"\(name)\" is not a valid interval")
        }
        return try small(.series, record)
    }

    private func appendBestBidAsk(
        _ record: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        let id = try integer(.updateID, record)
        let exponents = try exponents(record)
        let (price, quantity) = exponents
        let bid = try mantissa(.bidPrice, price, record)
        let bidQuantity = try mantissa(.bidQuantity, quantity, record)
        let ask = try mantissa(.askPrice, price, record)
        let askQuantity = try mantissa(.askQuantity, quantity, record)
        let prefix = try prefix(
            .bestBidAsk, ids: ids(from: id, record), series: series(record), exponents, record)
        try Self.append(upTo: 8 + BestBidAskEncoder.blockLength, prefix, to: &bytes) {
            room throws(SBEError) in
            var quote = try BestBidAskEncoder(room)
            (quote.bidPrice, quote.bidQuantity) = (bid, bidQuantity)
            (quote.askPrice, quote.askQuantity) = (ask, askQuantity)
            return quote.encodedLength
        }
    }

    private mutating func appendBook(
        _ kind: RecordKind, _ record: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        let last = try integer(.lastUpdateID, record)
        let first =
            kind == .depthDiff
            ? try integer(.firstUpdateID, record) : try optionalInteger(.firstID, record) ?? last
        guard first <= last else { throw FieldFailure("first_update_id: above last_update_id") }
        let exponents = try exponents(record)
        let bids = try side(.bids, price: exponents.price, quantity: exponents.quantity, record)
        let asks = try side(.asks, price: exponents.price, quantity: exponents.quantity, record)
        let length = Bytes.bookLength(levels: bids.count + asks.count)
        guard length + Frame.headerLength <= Frame.maximumLength else {
            throw FieldFailure(
                "bids, asks: \(bids.count + asks.count) levels are over the frame limit")
        }
        let prefix = try prefix(kind, ids: first...last, series: series(record), exponents, record)
        do throws(SBEError) {
            try bytes.append(book: kind, bids: levels[bids], asks: levels[asks], prefix)
        } catch { throw FieldFailure("\(error)") }
    }

    private func appendGap(
        _ record: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        let first = try integer(.firstID, record)
        let last = try integer(.lastID, record)
        guard first <= last else { throw FieldFailure("first_id: above last_id") }
        let missing: UInt16 = try small(.missingTemplate, record)
        let code = try code(.reason, number: .reasonCode, record) {
            GapReason(word: $0)?.rawValue
        }
        let prefix = try prefix(
            .gap, ids: first...last, series: small(.series, record), exponents(record), record)
        let evidence = has(.evidence) ? Array(try text(.evidence, record).utf8) : []
        let length = 8 + GapEncoder.blockLength + 4 + evidence.count
        try Self.append(upTo: length, prefix, to: &bytes) { room throws(SBEError) in
            var gap = try GapEncoder(room)
            gap.missingTemplate = missing
            gap.reason = GapReason(rawValue: code)
            if !evidence.isEmpty { try gap.evidence(unsafe evidence.span.bytes) }
            return gap.encodedLength
        }
    }

    private func appendRaw(
        _ record: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        let id = try integer(.arrival, record)
        let message = try base64(.message, record)
        let length = 8 + RawEncoder.blockLength + 4 + message.count
        guard length + Frame.headerLength <= Frame.maximumLength else {
            throw FieldFailure("message: \(message.count) bytes are over the frame limit")
        }
        let prefix = try prefix(
            .raw, ids: ids(from: id, record), series: series(record), exponents(record), record)
        try Self.append(upTo: length, prefix, to: &bytes) { room throws(SBEError) in
            var raw = try RawEncoder(room)
            try raw.message(unsafe message.span.bytes)
            return raw.encodedLength
        }
    }

    /// A record of a newer schema: its frame as a whole, checked like any frame from a pipe.
    private func appendForeign(
        _ record: RawSpan, to bytes: inout Bytes
    ) throws(FieldFailure) {
        let frame = try base64(.frame, record)
        do throws(FrameError) { _ = try FrameView(unsafe frame.span.bytes) } catch {
            throw FieldFailure("frame: \(error)")
        }
        bytes.append(unsafe frame.span.bytes)
    }

    // MARK: - The prefix

    private typealias Exponents = (price: Int8, quantity: Int8)

    private func exponents(_ record: RawSpan) throws(FieldFailure) -> Exponents {
        (try small(.priceExponent, record), try small(.quantityExponent, record))
    }

    /// The ids of a record that begins with one: most have no other.
    private func ids(from first: Int64, _ record: RawSpan) throws(FieldFailure) -> ClosedRange<
        Int64
    > {
        guard let last = try optionalInteger(.lastID, record) else { return first...first }
        guard first <= last else { throw FieldFailure("last_id: is below the first id") }
        return first...last
    }

    /// The series of kinds that have none; nothing is 0.
    private func series(_ record: RawSpan) throws(FieldFailure) -> UInt16 {
        has(.series) ? try small(.series, record) : 0
    }

    /// A code that has a name, or is given as a number beside or behind the word "unknown".
    private func code(
        _ field: FormField, number: FormField, _ record: RawSpan, _ known: (String) -> UInt8?
    ) throws(FieldFailure) -> UInt8 {
        let word = try text(field, record)
        if word == "unknown", has(number) { return try small(number, record) }
        guard let code = known(word) ?? UnnamedCode.code(word) else {
            throw FieldFailure("\(field.name): \"\(word)\" is not a valid \(field.name)")
        }
        return code
    }

    private func source(_ record: RawSpan) throws(FieldFailure) -> UInt8 {
        // Without a string for what nearly every record says.
        if equals(.source, "sbe", record) { return 1 }
        if equals(.source, "rest", record) { return 2 }
        return try code(.source, number: .sourceCode, record, SourceWord.code)
    }

    private func symbol(_ record: RawSpan) throws(FieldFailure) -> SymbolName {
        if let ownSymbol { return ownSymbol }
        let slot = try slot(.symbol)
        if slot.form == .content || slot.form == .text, !has(.symbolBytes) {
            let bytes = record.extracting(Int(slot.value)..<Int(slot.end))
            // Forms with content have the bytes as they are, a NUL among them and all.
            if slot.form == .content, bytes.byteCount <= SymbolName.capacity {
                return SymbolName(padded: bytes)
            }
            if slot.form == .text, let symbol = SymbolName(bytes), symbol.isUTF8 { return symbol }
        }
        let name = try text(.symbol, record)
        guard has(.symbolBytes) else {
            guard let symbol = SymbolName(name) else {
                throw FieldFailure("symbol: \"\(name)\" is not valid: \(SymbolName.rule)")
            }
            return symbol
        }
        let bytes = try base64(.symbolBytes, record)
        guard bytes.count == SymbolName.capacity else {
            throw FieldFailure("symbol_bytes: are not \(SymbolName.capacity) bytes")
        }
        let symbol = SymbolName(padded: unsafe bytes.span.bytes)
        guard symbol.description == name else {
            throw FieldFailure("symbol: differs from symbol_bytes; remove that to change it")
        }
        return symbol
    }

    private func prefix(
        _ kind: RecordKind, ids: ClosedRange<Int64>, series: UInt16, _ exponents: Exponents,
        _ record: RawSpan
    ) throws(FieldFailure) -> RecordPrefix {
        RecordPrefix(
            sequence: SequenceID(
                venue: try small(.venue, record), template: kind.rawValue, series: series,
                symbol: try symbol(record)),
            eventTime: try integer(.eventTime, record),
            ingestTime: try integer(.ingestTime, record),
            ids: ids, source: SourceCode(rawValue: try source(record)),
            exponents: exponents,
            flags: RecordFlags(rawValue: try small(.flags, record)))
    }

    private static func append(
        upTo limit: Int, _ prefix: RecordPrefix, to bytes: inout Bytes,
        _ encode: (consuming MutableRawSpan) throws(SBEError) -> Int
    ) throws(FieldFailure) {
        do throws(SBEError) {
            try bytes.appendFrame(upTo: limit, prefix: prefix, encode)
        } catch { throw FieldFailure("\(error)") }
    }
}

extension SymbolName {
    /// At most 32 bytes, as a record has them; what is missing is NUL.
    init(padded bytes: RawSpan) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        unsafe withUnsafeMutableBytes(of: &words) { room in
            unsafe bytes.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
        }
        self.init(words: words)
    }

    /// True when the bytes are UTF-8, for which plain ASCII is enough of a reason.
    var isUTF8: Bool {
        let words = self.words
        if (words.0 | words.1 | words.2 | words.3) & 0x8080_8080_8080_8080 == 0 { return true }
        return String(validating: bytes, as: UTF8.self) != nil
    }
}
