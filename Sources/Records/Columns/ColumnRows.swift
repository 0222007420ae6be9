import Encoding
import Identity
import Parquet
import Posix
import SBE

/// The values of one row group, by the names of their columns.
struct ColumnRows {
    /// Rows.
    let count: Int
    private let values: RowValues
    private let symbol: ColumnValues
    private let source: ColumnValues
    private let extra: ColumnValues?
    private let eventTime: [Int64]
    private let ingestTime: [Int64]
    private let venue: [Int64]
    private let flags: [Int64]
    private let priceExponent: [Int64]
    private let quantityExponent: [Int64]

    init(
        _ reader: ParquetReader, group: Int, _ table: ColumnTable
    ) throws(ParquetError) {
        var values: [String: ColumnValues] = [:]
        for column in table.columns {
            guard let index = reader.column(named: column.name) else {
                // Another program may leave out a column of nothing; an earlier version knew fewer.
                if column.name == ColumnTable.extra || ColumnTable.later.contains(column.name) {
                    continue
                }
                throw .unsupported("it has no column \(column.name)")
            }
            guard reader.columns[index].type == column.type else {
                throw .unsupported("its column \(column.name) is not of type \(column.type)")
            }
            values[column.name] = try reader.read(group: group, column: index)
        }
        func numbers(_ name: String) throws(ParquetError) -> [Int64] {
            guard let own = values[name] else { throw .unsupported("it has no column \(name)") }
            return own.int64s
        }
        func texts(_ name: String) throws(ParquetError) -> ColumnValues {
            guard let own = values[name] else { throw .unsupported("it has no column \(name)") }
            return own
        }
        symbol = try texts("symbol")
        source = try texts("source")
        eventTime = try numbers("event_time")
        ingestTime = try numbers("ingest_time_ns")
        venue = try numbers("venue")
        flags = try numbers("flags")
        priceExponent = try numbers("price_exponent")
        quantityExponent = try numbers("qty_exponent")
        extra = values[ColumnTable.extra]
        count = symbol.count
        self.values = RowValues(values)
    }

    /// The row behind the last of some rows, at the end of a message.
    func end(after start: Int, atLeast rows: Int) -> Int {
        var end = min(start + rows, count)
        if let messages = values[ColumnTable.message]?.int64s {
            while end > start, end < count, messages[end] == messages[end - 1] { end += 1 }
        }
        return end
    }

    // MARK: - Frames

    /// Appends the frame of a row, or of the rows of one message.
    ///
    /// - Parameter first: row of the file that the group begins with, for messages.
    /// - Returns: the row behind.
    func appendFrame(
        at row: Int, of template: UInt16, first: Int64, to frames: inout Bytes
    ) throws(ParquetError) -> Int {
        let start = frames.count
        do {
            var end = row + 1
            switch RecordKind(rawValue: template) {
            case .trade: try appendTrade(row, to: &frames)
            case .aggTrade: try appendAggTrade(row, to: &frames)
            case .kline: try appendKline(row, to: &frames)
            case .bestBidAsk: try appendBestBidAsk(row, to: &frames)
            case .depthDiff: end = try appendBook(row, .depthDiff, to: &frames)
            case .depthSnapshot: end = try appendBook(row, .depthSnapshot, to: &frames)
            case .gap: try appendGap(row, to: &frames)
            case .raw: try appendRaw(row, to: &frames)
            case nil: try appendUnknown(row, to: &frames)
            }
            return end
        } catch {
            frames.truncate(to: start)
            throw .row(first + Int64(row), "\(error)")
        }
    }

    private func exponents(_ row: Int) throws -> (price: Int8, quantity: Int8) {
        (
            try RowValues.small("price_exponent", priceExponent[row]),
            try RowValues.small("qty_exponent", quantityExponent[row])
        )
    }

    private func prefix(
        _ template: UInt16, _ row: Int, first: Int64, last: Int64? = nil, series: UInt16? = nil
    ) throws -> RecordPrefix {
        let oddities = try oddities(row)
        let start = oddities["first_id"] ?? first
        let end = oddities["last_id"] ?? last ?? first
        guard start <= end else { throw RowFault("ids from \(start) to \(end)") }
        let name = try symbolName(row, oddities)
        let own = try series ?? RowValues.small("series", oddities["series"] ?? 0)
        return RecordPrefix(
            sequence: SequenceID(
                venue: try RowValues.small("venue", venue[row]), template: template, series: own,
                symbol: name),
            eventTime: eventTime[row], ingestTime: ingestTime[row], ids: start...end,
            source: SourceCode(rawValue: try sourceCode(row, oddities)),
            exponents: try exponents(row),
            flags: RecordFlags(rawValue: try RowValues.small("flags", flags[row])))
    }

    private func symbolName(_ row: Int, _ oddities: [String: Int64]) throws -> SymbolName {
        if let first = oddities["symbol_0"], let second = oddities["symbol_1"],
            let third = oddities["symbol_2"], let fourth = oddities["symbol_3"]
        {
            return SymbolName(
                words: (
                    UInt64(bitPattern: first), UInt64(bitPattern: second),
                    UInt64(bitPattern: third), UInt64(bitPattern: fourth)
                ))
        }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let length = symbol.ranges[row].count
        guard length <= 32 else { throw RowFault("symbol has \(length) bytes, more than 32") }
        unsafe symbol.withBytes(row) { bytes in
            unsafe withUnsafeMutableBytes(of: &words) { room in
                unsafe room.copyBytes(from: bytes)
            }
        }
        return SymbolName(words: words)
    }

    private func sourceCode(_ row: Int, _ oddities: [String: Int64]) throws -> UInt8 {
        if let code = oddities["source_code"] { return try RowValues.small("source_code", code) }
        let word = source.text(row)
        guard let code = SourceWord.code(word) else { throw RowFault("source is \(word)") }
        return code
    }

    /// What the column of oddities says; nothing for nearly every row.
    private func oddities(_ row: Int) throws -> [String: Int64] {
        guard let extra, !extra.isNull(row) else { return [:] }
        var found: [String: Int64] = [:]
        let bytes = unsafe extra.withBytes(row) { unsafe Array($0) }
        var scanner = JSONScanner(unsafe bytes.span.bytes)
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            found[String(decoding: bytes[key], as: UTF8.self)] = try scanner.integer()
        }
        return found
    }

    // MARK: - Kinds

    private func appendTrade(_ row: Int, to frames: inout Bytes) throws {
        let exponents = try exponents(row)
        let price = try values.mantissa("price", row, exponents.price)
        let quantity = try values.mantissa("qty", row, exponents.quantity)
        let isMaker = try values.boolean("is_buyer_maker", row)
        let isBest = try values.optionalBoolean("is_best_match", row)
        let prefix = try prefix(1, row, first: try values.number("trade_id", row))
        try frames.appendFrame(upTo: 8 + TradeEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try TradeEncoder(room)
            record.price = price
            record.quantity = quantity
            record.isBuyerMaker = isMaker
            record.isBestMatch = isBest
            return record.encodedLength
        }
    }

    private func appendAggTrade(_ row: Int, to frames: inout Bytes) throws {
        let exponents = try exponents(row)
        let price = try values.mantissa("price", row, exponents.price)
        let quantity = try values.mantissa("qty", row, exponents.quantity)
        let (first, last) = (
            try values.number("first_trade_id", row), try values.number("last_trade_id", row)
        )
        let isMaker = try values.boolean("is_buyer_maker", row)
        let isBest = try values.optionalBoolean("is_best_match", row)
        let prefix = try prefix(2, row, first: try values.number("agg_trade_id", row))
        try frames.appendFrame(upTo: 8 + AggTradeEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try AggTradeEncoder(room)
            record.price = price
            record.quantity = quantity
            record.firstTradeId = first
            record.lastTradeId = last
            record.isBuyerMaker = isMaker
            record.isBestMatch = isBest
            return record.encodedLength
        }
    }

    private func appendKline(_ row: Int, to frames: inout Bytes) throws {
        let exponents = try exponents(row)
        let name = try values.text("kline_interval", row)
        let series: UInt16? = KlineInterval(rawValue: name)?.code
        let close = try values.number("close_time", row)
        let prices = try ["open_price", "high_price", "low_price", "close_price"].map {
            try values.mantissa($0, row, exponents.price)
        }
        let volumes = [
            try values.wide("volume", row, exponents.quantity),
            try values.wide("quote_volume", row, exponents.price),
            try values.wide("taker_buy_base_volume", row, exponents.quantity),
            try values.wide("taker_buy_quote_volume", row, exponents.price),
        ]
        let count = try values.number("trade_count", row)
        let isClosed = try values.boolean("is_closed", row)
        let prefix = try prefix(3, row, first: try values.number("open_time", row), series: series)
        try frames.appendFrame(upTo: 8 + KlineEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try KlineEncoder(room)
            record.closeTime = close
            record.openPrice = prices[0]
            record.highPrice = prices[1]
            record.lowPrice = prices[2]
            record.closePrice = prices[3]
            record.volume = volumes[0]
            record.quoteVolume = volumes[1]
            record.takerBuyBaseVolume = volumes[2]
            record.takerBuyQuoteVolume = volumes[3]
            record.tradeCount = count
            record.isClosed = isClosed
            return record.encodedLength
        }
    }

    private func appendBestBidAsk(_ row: Int, to frames: inout Bytes) throws {
        let exponents = try exponents(row)
        let bid = (
            try values.mantissa("bid_px", row, exponents.price),
            try values.mantissa("bid_sz", row, exponents.quantity)
        )
        let ask = (
            try values.mantissa("ask_px", row, exponents.price),
            try values.mantissa("ask_sz", row, exponents.quantity)
        )
        let prefix = try prefix(4, row, first: try values.number("update_id", row))
        try frames.appendFrame(upTo: 8 + BestBidAskEncoder.blockLength, prefix: prefix) {
            room throws(SBEError) in
            var record = try BestBidAskEncoder(room)
            (record.bidPrice, record.bidQuantity) = bid
            (record.askPrice, record.askQuantity) = ask
            return record.encodedLength
        }
    }

    private func appendBook(
        _ row: Int, _ kind: RecordKind, to frames: inout Bytes
    ) throws -> Int {
        let exponents = try exponents(row)
        let message = try values.number(ColumnTable.message, row)
        var (bids, asks): ([BookLevel], [BookLevel]) = ([], [])
        var end = row
        while end < count, try values.number(ColumnTable.message, end) == message {
            defer { end += 1 }
            guard let side = values["side"], !side.isNull(end) else { continue }
            let level = BookLevel(
                price: try values.mantissa("price", end, exponents.price),
                quantity: try values.mantissa("qty", end, exponents.quantity))
            switch side.text(end) {
            case "bid": bids.append(level)
            case "ask": asks.append(level)
            case let word: throw RowFault("side is \(word)")
            }
        }
        let length = Bytes.bookLength(levels: bids.count + asks.count)
        guard length + Frame.headerLength <= Frame.maximumLength else {
            throw RowFault("\(bids.count + asks.count) levels are over the limit of a frame")
        }
        let last = try values.number("last_update_id", row)
        let prefix =
            if kind == .depthDiff {
                try prefix(5, row, first: try values.number("first_update_id", row), last: last)
            } else {
                try prefix(
                    6, row, first: last, last: last,
                    series: try RowValues.small("series", try values.number("series", row)))
            }
        try frames.append(book: kind, bids: bids[...], asks: asks[...], prefix)
        return end
    }

    private func appendGap(_ row: Int, to frames: inout Bytes) throws {
        let word = try values.text("reason", row)
        let missing: UInt16 = try RowValues.small(
            "missing_template", try values.number("missing_template", row))
        let reason: GapReason
        if let code = try oddities(row)["reason_code"] {
            reason = GapReason(rawValue: try RowValues.small("reason_code", code))
        } else if let known = GapReason(word: word) {
            reason = known
        } else {
            throw RowFault("reason is \(word)")
        }
        let prefix = try prefix(
            7, row, first: try values.number("first_id", row),
            last: try values.number("last_id", row),
            series: try RowValues.small("series", try values.number("series", row)))
        // Files of before gap records had evidence do not have the column.
        let evidence = values["evidence"] == nil ? [] : Array(try values.text("evidence", row).utf8)
        let length = 8 + GapEncoder.blockLength + 4 + evidence.count
        try frames.appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
            var record = try GapEncoder(room)
            record.missingTemplate = missing
            record.reason = reason
            if !evidence.isEmpty { try record.evidence(unsafe evidence.span.bytes) }
            return record.encodedLength
        }
    }

    private func appendRaw(_ row: Int, to frames: inout Bytes) throws {
        guard let own = values["message"] else { throw RowFault("message is missing") }
        let message = unsafe own.withBytes(row) { unsafe Array($0) }
        let length = 8 + RawEncoder.blockLength + 4 + message.count
        guard length + Frame.headerLength <= Frame.maximumLength else {
            throw RowFault("a message of \(message.count) bytes is over the limit of a frame")
        }
        let prefix = try prefix(8, row, first: try values.number("arrival", row))
        try frames.appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
            var record = try RawEncoder(room)
            try record.message(unsafe message.span.bytes)
            return record.encodedLength
        }
    }

    /// A record of a template that is not known here: its frame as a whole, checked like any other.
    private func appendUnknown(_ row: Int, to frames: inout Bytes) throws {
        guard let own = values["frame"] else { throw RowFault("frame is missing") }
        let frame = unsafe own.withBytes(row) { unsafe Array($0) }
        _ = try FrameView(unsafe frame.span.bytes)
        frames.append(unsafe frame.span.bytes)
    }
}
