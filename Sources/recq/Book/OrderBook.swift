import Encoding
import Identity
import Records

/// A symbol's book as of one update id.
struct OrderBook {
    private(set) var bids = BookSide(isBids: true)
    private(set) var asks = BookSide(isBids: false)
    /// The id of the last update in it.
    private(set) var lastID: Int64
    /// The worst prices of the snapshot that it began with: beyond them only what changed is known.
    private(set) var worstBid: Int64
    private(set) var worstAsk: Int64
    /// How prices and quantities are to be read.
    let exponents: BookExponents

    /// The book of a snapshot.
    init?(_ snapshot: BookUpdate) {
        lastID = snapshot.ids.upperBound
        exponents = snapshot.exponents
        for level in snapshot.bids where level.quantity != 0 {
            bids.set(level.price, level.quantity)
        }
        for level in snapshot.asks where level.quantity != 0 {
            asks.set(level.price, level.quantity)
        }
        guard let bid = bids.levels.first, let ask = asks.levels.first else { return nil }
        worstBid = bid.price
        worstAsk = ask.price
    }

    /// Applies the changes of an update.
    mutating func apply(_ update: BookUpdate) {
        for level in update.bids { bids.set(level.price, level.quantity) }
        for level in update.asks { asks.set(level.price, level.quantity) }
        lastID = update.ids.upperBound
    }

    /// True when the best bid is at or above the best ask, which no market allows.
    var isCrossed: Bool {
        guard let bid = bids.best, let ask = asks.best else { return false }
        return bid.price >= ask.price
    }

    /// Compares with another book of the same id, where both know all levels.
    ///
    /// - Returns: the first level that differs, in words; nil when none does.
    func difference(from other: OrderBook) -> String? {
        let bid = max(worstBid, other.worstBid)
        let ask = min(worstAsk, other.worstAsk)
        return difference(bids.levels(downTo: bid), other.bids.levels(downTo: bid), "bid")
            ?? difference(asks.levels(downTo: ask), other.asks.levels(downTo: ask), "ask")
    }

    private func difference(
        _ own: ArraySlice<BookSide.Level>, _ other: ArraySlice<BookSide.Level>, _ side: String
    ) -> String? {
        if own.elementsEqual(other) { return nil }
        let quantities = Dictionary(other.map { ($0.price, $0.quantity) }) { first, _ in first }
        for level in own.reversed() where quantities[level.price] != level.quantity {
            let theirs = quantities[level.price].map(exponents.quantity) ?? "nothing"
            return "\(side) \(exponents.price(level.price)): \(exponents.quantity(level.quantity)) "
                + "by the changes, \(theirs) in the snapshot"
        }
        let prices = Set(own.map(\.price))
        let missing = other.last { !prices.contains($0.price) }
        return missing.map {
            "\(side) \(exponents.price($0.price)): nothing by the changes, "
                + "\(exponents.quantity($0.quantity)) in the snapshot"
        }
    }

    /// True when the other one knows at least as much of both sides.
    func isWithin(_ other: OrderBook) -> Bool {
        other.worstBid <= worstBid && other.worstAsk >= worstAsk
    }
}

/// How digits of a book are read.
struct BookExponents: Equatable {
    let priceExponent: Int8
    let quantityExponent: Int8

    func price(_ digits: Int64) -> String { Self.text(digits, priceExponent) }
    func quantity(_ digits: Int64) -> String { Self.text(digits, quantityExponent) }

    private static func text(_ digits: Int64, _ exponent: Int8) -> String {
        ExactDecimal(mantissa: Int128(digits), exponent: exponent).trimmed.plainText
    }
}

/// A snapshot, or changes, as values.
struct BookUpdate {
    let ids: ClosedRange<Int64>
    let time: Int64
    let bids: [BookSide.Level]
    let asks: [BookSide.Level]
    let exponents: BookExponents

    /// - Returns: nil for records of other kinds.
    init?(_ frame: borrowing FrameView) throws(FrameError) {
        try frame.validate()
        guard let levels = try frame.bookLevels() else { return nil }
        func side(_ side: [BookLevel]) -> [BookSide.Level] {
            side.map { BookSide.Level(price: $0.price, quantity: $0.quantity) }
        }
        bids = side(levels.bids)
        asks = side(levels.asks)
        ids =
            frame.firstID <= frame.lastID
            ? frame.firstID...frame.lastID : frame.lastID...frame.lastID
        time = frame.eventTime
        exponents = BookExponents(
            priceExponent: frame.priceExponent, quantityExponent: frame.quantityExponent)
    }
}
