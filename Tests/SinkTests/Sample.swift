import Identity
import Posix
import Records

/// Records for tests of what sinks share.
enum Sample {
    /// 2024-01-01T00:00:00Z, µs.
    static let start: Int64 = 1_704_067_200_000_000

    /// A sequence of a kind.
    static func sequence(
        _ kind: RecordKind, symbol: String = "BTCUSDT", series: UInt16 = 0
    ) -> SequenceID {
        guard let name = SymbolName(symbol) else { preconditionFailure("no symbol: \(symbol)") }
        return SequenceID(template: kind.rawValue, series: series, symbol: name)
    }

    /// A record of a kind, with ids and an event time.
    ///
    /// - Parameters:
    ///   - price: of a trade; nil makes a message that breaks its template.
    ///   - missing: what a gap record misses.
    static func frame(
        _ kind: RecordKind, _ ids: ClosedRange<Int64>, at time: Int64 = start, series: UInt16 = 0,
        symbol: String = "BTCUSDT", price: Int64? = 100, isClosed: Bool = true,
        missing: RecordKind = .trade, reason: GapReason = .missed
    ) throws -> [UInt8] {
        try frame(
            of: sequence(kind, symbol: symbol, series: series), ids, at: time, price: price,
            isClosed: isClosed, missing: missing, reason: reason)
    }

    static func frame(
        of sequence: SequenceID, _ ids: ClosedRange<Int64>, at time: Int64 = start,
        price: Int64? = 100, isClosed: Bool = true, missing: RecordKind = .trade,
        reason: GapReason = .missed
    ) throws -> [UInt8] {
        let prefix = RecordPrefix(
            sequence: sequence, eventTime: time, ingestTime: time &* 1000, ids: ids, source: .rest,
            exponents: sequence.kind == .gap ? (0, 0) : (price: -2, quantity: -2))
        var bytes = Bytes()
        try bytes.appendFrame(upTo: 1024, prefix: prefix) { room in
            switch sequence.kind {
            case .trade:
                var trade = try TradeEncoder(room)
                trade.price = price ?? 0
                return trade.encodedLength
            case .aggTrade: return try AggTradeEncoder(room).encodedLength
            case .kline:
                var kline = try KlineEncoder(room)
                kline.isClosed = isClosed
                return kline.encodedLength
            case .bestBidAsk:
                var quote = try BestBidAskEncoder(room)
                quote.bidPrice = price ?? 0
                return quote.encodedLength
            case .depthDiff: return try DepthDiffEncoder(room).encodedLength
            case .depthSnapshot: return try DepthSnapshotEncoder(room).encodedLength
            case .gap:
                var gap = try GapEncoder(room)
                gap.missingTemplate = missing.rawValue
                gap.reason = reason
                return gap.encodedLength
            case .raw, nil: return try RawEncoder(room).encodedLength
            }
        }
        var frame = bytes.array
        if price == nil {
            // The root block of another template, and too short for this one.
            frame[8] = UInt8(RecordKind.aggTrade.rawValue)
        }
        return frame
    }

    /// Trades with consecutive ids, a millisecond apart.
    static func trades(
        _ ids: ClosedRange<Int64>, symbol: String = "BTCUSDT", price: Int64 = 100,
        from time: Int64 = start
    ) throws -> [UInt8] {
        try ids.flatMap { id in
            try frame(
                .trade, id...id, at: time + (id - ids.lowerBound) * 1000, symbol: symbol,
                price: price)
        }
    }
}
