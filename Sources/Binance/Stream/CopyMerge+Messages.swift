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
    ///
    /// Inlined, as is all that a prefix goes through: in memory its words would be stored one by one and
    /// loaded again two at a time, for which the processor waits until the stores have reached the cache.
    @inline(__always)
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
    ///
    /// Inlined for the same reason as ``prefix(_:_:_:_:_:)``.
    @inline(__always)
    mutating func place(
        of text: RawSpan, _ kind: StreamKind
    ) throws(StreamError) -> Int {
        guard let symbol = SymbolName(text) else {
            throw StreamError(.symbol, "a symbol of \(text.byteCount) bytes, or with NUL in it")
        }
        if recent.isOf(symbol, kind) { return recent.place }
        return try place(of: symbol, text, kind)
    }

    /// - Parameter text: of the symbol, for a look at a new one.
    mutating func place(
        of symbol: SymbolName, _ text: RawSpan, _ kind: StreamKind
    ) throws(StreamError) -> Int {
        let sequence = kind.sequence(of: symbol)
        if let place = place(of: sequence) {
            recent = RecentStream(sequence: sequence, place: place)
            return place
        }
        let isText = text.withUnsafeBytes { String(validating: $0, as: UTF8.self) != nil }
        guard isText else { throw StreamError(.symbol, "a symbol that is not UTF-8") }
        guard
            let place = addForeign(StreamPlan.Subscription(symbol: symbol, kind: kind))
        else { throw StreamError(.symbol, "\(symbol)@\(kind.name) was not subscribed to") }
        return place
    }
}

/// The stream of the message before, which the next one often has, too: a few compares instead of a
/// look-up.
struct RecentStream {
    let sequence: SequenceID
    let place: Int

    /// Of a kind that no message has.
    static let none = RecentStream(
        sequence: SequenceID(template: .max, symbol: SymbolName(words: (0, 0, 0, 0))), place: 0)

    /// True for its symbol and kind.
    @inline(__always)
    func isOf(_ symbol: SymbolName, _ kind: StreamKind) -> Bool {
        let (own, other) = (symbol.words, sequence.symbol.words)
        let differences =
            (own.0 ^ other.0) | (own.1 ^ other.1) | (own.2 ^ other.2) | (own.3 ^ other.3)
        return differences == 0 && kind.record.rawValue == sequence.template
            && kind.series == sequence.series
    }
}
