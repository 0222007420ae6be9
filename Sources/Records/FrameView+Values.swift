public import Encoding
import Identity
public import Posix
import SBE

/// Values of fields, looked up one at a time. A message that breaks its template has none.
extension FrameView {
    /// A number or time; nil when the record's kind has no such field.
    ///
    /// Times are µs, whatever the record has.
    public func number(_ field: RecordField) -> ExactDecimal? {
        switch field {
        case .time: whole(eventTime)
        case .ingest: whole(Timestamp.floor(ingestTime, by: 1000))
        case .id: whole(firstID)
        case .lastID: whole(lastID)
        case .venue: whole(Int64(venue))
        case .series: whole(Int64(series))
        case .flags: whole(Int64(flags))
        case .price, .quantity, .quoteQuantity, .firstTradeID, .lastTradeID: tradeNumber(field)
        case .bidPrice, .bidQuantity, .askPrice, .askQuantity: quoteNumber(field)
        case .bidLevels, .askLevels: levels(field)
        default: klineNumber(field)
        }
    }

    private func whole(_ value: Int64) -> ExactDecimal {
        ExactDecimal(mantissa: Int128(value), exponent: 0)
    }

    private func price(_ mantissa: Int64) -> ExactDecimal {
        ExactDecimal(mantissa: Int128(mantissa), exponent: priceExponent)
    }

    private func quantity(_ mantissa: Int64) -> ExactDecimal {
        ExactDecimal(mantissa: Int128(mantissa), exponent: quantityExponent)
    }

    private func tradeNumber(_ field: RecordField) -> ExactDecimal? {
        let (price, quantity): (Int64, Int64)
        switch kind {
        case .trade:
            guard let trade = try? TradeDecoder(message) else { return nil }
            (price, quantity) = (trade.price, trade.quantity)
        case .aggTrade:
            guard let trade = try? AggTradeDecoder(message) else { return nil }
            if field == .firstTradeID { return whole(trade.firstTradeId) }
            if field == .lastTradeID { return whole(trade.lastTradeId) }
            (price, quantity) = (trade.price, trade.quantity)
        default: return nil
        }
        switch field {
        case .price: return self.price(price)
        case .quantity: return self.quantity(quantity)
        case .quoteQuantity:
            // Two factors of 64 bits fit 128; the exponents may not fit eight.
            guard let exponent = Int8(exactly: Int(priceExponent) + Int(quantityExponent)) else {
                return nil
            }
            return ExactDecimal(mantissa: Int128(price) * Int128(quantity), exponent: exponent)
        default: return nil
        }
    }

    private func quoteNumber(_ field: RecordField) -> ExactDecimal? {
        guard kind == .bestBidAsk, let quote = try? BestBidAskDecoder(message) else { return nil }
        return switch field {
        case .bidPrice: price(quote.bidPrice)
        case .bidQuantity: quantity(quote.bidQuantity)
        case .askPrice: price(quote.askPrice)
        default: quantity(quote.askQuantity)
        }
    }

    private func levels(_ field: RecordField) -> ExactDecimal? {
        switch kind {
        case .depthDiff:
            guard let book = try? DepthDiffDecoder(message) else { return nil }
            return whole(Int64(field == .bidLevels ? book.bids.count : book.asks.count))
        case .depthSnapshot:
            guard let book = try? DepthSnapshotDecoder(message) else { return nil }
            return whole(Int64(field == .bidLevels ? book.bids.count : book.asks.count))
        default: return nil
        }
    }

    private func klineNumber(_ field: RecordField) -> ExactDecimal? {
        guard kind == .kline, let kline = try? KlineDecoder(message) else { return nil }
        func wide(_ mantissa: Int128, _ exponent: Int8) -> ExactDecimal {
            ExactDecimal(mantissa: mantissa, exponent: exponent)
        }
        return switch field {
        case .openTime: whole(firstID)
        case .closeTime: whole(kline.closeTime)
        case .open: price(kline.openPrice)
        case .high: price(kline.highPrice)
        case .low: price(kline.lowPrice)
        case .close: price(kline.closePrice)
        case .volume: wide(kline.volume, quantityExponent)
        case .quoteVolume: wide(kline.quoteVolume, priceExponent)
        case .tradeCount: whole(kline.tradeCount)
        case .takerBuyBaseVolume: wide(kline.takerBuyBaseVolume, quantityExponent)
        case .takerBuyQuoteVolume: wide(kline.takerBuyQuoteVolume, priceExponent)
        default: nil
        }
    }

    /// True or false; nil when the record's kind has no such field, or it is not known.
    public func boolean(_ field: RecordField) -> Bool? {
        switch (field, kind) {
        case (.isBuyerMaker, .trade): (try? TradeDecoder(message))?.isBuyerMaker
        case (.isBuyerMaker, .aggTrade): (try? AggTradeDecoder(message))?.isBuyerMaker
        case (.isBestMatch, .trade): (try? TradeDecoder(message))?.isBestMatch
        case (.isBestMatch, .aggTrade): (try? AggTradeDecoder(message))?.isBestMatch
        case (.isClosed, .kline): (try? KlineDecoder(message))?.isClosed
        default: nil
        }
    }

    /// The number that a word stands for; nil when the record's kind has no such field.
    public func code(_ field: RecordField) -> Int? {
        switch field {
        case .kind: Int(template)
        case .source: Int(source)
        case .side: boolean(.isBuyerMaker).map { $0 ? 1 : 0 }
        case .interval: kind == .kline ? Int(series) : nil
        case .missingKind:
            missingSequence.map { Int($0.template) }
        case .reason: kind == .gap ? Int(gapReason.rawValue) : nil
        default: nil
        }
    }

    /// Appends a field's value as text: exact decimals without zeros at their ends, UTC times, words.
    ///
    /// - Returns: false, and nothing appended, when the record has no value for it.
    public func append(_ field: RecordField, to bytes: inout Bytes) -> Bool {
        switch field.type {
        case .number:
            guard let number = number(field)?.trimmed else { return false }
            if let narrow = Int64(exactly: number.mantissa) {
                bytes.append(decimal: narrow, exponent: number.exponent)
            } else {
                bytes.append(decimal: number.mantissa, exponent: number.exponent)
            }
        case .time:
            guard let time = number(field), let time = Int64(exactly: time.mantissa) else {
                return false
            }
            bytes.append(utf8: Timestamp.text(microseconds: time))
        case .symbol: bytes.append(utf8: symbol.description)
        case .boolean:
            guard let value = boolean(field) else { return false }
            bytes.append(value ? "true" : "false")
        case .word:
            guard let code = code(field) else { return false }
            bytes.append(word(field, code))
        }
        return true
    }

    private func word(_ field: RecordField, _ code: Int) -> StaticString {
        switch field {
        case .kind, .missingKind:
            UInt16(exactly: code).flatMap { RecordKind(rawValue: $0) }?.word ?? "unknown"
        case .source: SourceWord.text(source)
        case .side: code == 1 ? "sell" : "buy"
        case .interval:
            UInt16(exactly: code).flatMap { KlineInterval(code: $0) }?.word ?? "unknown"
        default: GapReason(rawValue: UInt8(truncatingIfNeeded: code)).word
        }
    }
}
