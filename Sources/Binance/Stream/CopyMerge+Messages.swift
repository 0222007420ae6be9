import Identity
import Posix
import Records

/// What every form of message needs: whose it is, what its records begin with, what became of it.
extension CopyMerge {
    /// Counts a record that was taken, and says so.
    mutating func taken(_ place: Int, _ isFresh: Bool, _ eventTime: Int64) -> StreamMerge.Taken {
        if isFresh { note(fresh: 1, place) }
        return StreamMerge.Taken(place: place, fresh: isFresh ? 1 : 0, eventTime: eventTime)
    }

    /// Refuses a book that no record can hold.
    static func check(levels: Int) throws(StreamError) {
        guard Frame.headerLength + Bytes.bookLength(levels: levels) <= Frame.maximumLength else {
            throw StreamError(.length, "\(levels) levels are over the frame limit")
        }
    }

    /// The prefix of a record; its ids are the caller's.
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

    /// The place of the stream of a symbol.
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
        if let place = place(of: kind.sequence(of: symbol)) { return place }
        let isText = text.withUnsafeBytes { String(validating: $0, as: UTF8.self) != nil }
        guard isText else { throw StreamError(.symbol, "a symbol that is not UTF-8") }
        guard
            let place = addForeign(StreamPlan.Subscription(symbol: symbol, kind: kind))
        else { throw StreamError(.symbol, "\(symbol)@\(kind.name) was not subscribed to") }
        return place
    }
}
