import ArgumentParser
import Encoding
import Identity
import Posix

/// How a book is written.
enum BookFormat: String, CaseIterable, ExpressibleByArgument {
    /// For people.
    case text
    /// An object to a line.
    case json
    /// A level to a row.
    case csv
}

/// Writes the best levels of books.
struct BookOutput: ~Copyable {
    private let format: BookFormat
    private let levels: Int
    var text = TextOutput()

    init(_ format: BookFormat, levels: Int) {
        self.format = format
        self.levels = levels
        if format == .csv { text.bytes.append("time,symbol,update_id,side,level,price,qty\n") }
    }

    /// Writes a book as of a time, µs.
    mutating func write(_ book: OrderBook, _ symbol: SymbolName, at time: Int64) throws {
        let stamp = Timestamp.text(microseconds: time)
        let bids = book.bids.levels.suffix(levels).reversed()
        let asks = book.asks.levels.suffix(levels).reversed()
        switch format {
        case .text: writeText(book, symbol.shown, stamp, Array(bids), Array(asks))
        case .json:
            text.bytes.append("{\"time\":\"")
            text.bytes.append(utf8: stamp)
            text.bytes.append("\",\"symbol\":\"")
            text.bytes.append(jsonEscaping: "\(symbol)")
            text.bytes.append("\",\"update_id\":")
            text.bytes.append(decimal: book.lastID)
            text.bytes.append(",\"bids\":")
            writeJSON(book, Array(bids))
            text.bytes.append(",\"asks\":")
            writeJSON(book, Array(asks))
            text.bytes.append("}\n")
        case .csv:
            for (side, levels) in [("bid", Array(bids)), ("ask", Array(asks))] {
                for (index, level) in levels.enumerated() {
                    text.bytes.append(
                        utf8: "\(stamp),\(symbol),\(book.lastID),\(side),\(index + 1),"
                            + "\(book.exponents.price(level.price)),"
                            + "\(book.exponents.quantity(level.quantity))\n")
                }
            }
        }
        try text.flushIfFull()
    }

    private mutating func writeText(
        _ book: OrderBook, _ symbol: String, _ stamp: String, _ bids: [BookSide.Level],
        _ asks: [BookSide.Level]
    ) {
        func columns(_ levels: [BookSide.Level]) -> [(price: String, quantity: String)] {
            levels.map { (book.exponents.price($0.price), book.exponents.quantity($0.quantity)) }
        }
        func padded(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.utf8.count)) + text
        }
        let (bids, asks) = (columns(bids), columns(asks))
        let all = bids + asks
        let quantity = all.map(\.quantity.utf8.count).max() ?? 0
        let price = all.map(\.price.utf8.count).max() ?? 0
        text.bytes.append(utf8: "\(stamp)  \(symbol)  update \(book.lastID)\n")
        for index in 0..<max(bids.count, asks.count) {
            let bid = index < bids.count ? bids[index] : ("", "")
            let ask = index < asks.count ? asks[index] : ("", "")
            text.bytes.append(
                utf8: "  \(padded(bid.1, quantity))  \(padded(bid.0, price))  |  "
                    + "\(padded(ask.0, price))  \(padded(ask.1, quantity))\n")
        }
        text.bytes.append("\n")
    }

    private mutating func writeJSON(_ book: OrderBook, _ levels: [BookSide.Level]) {
        text.bytes.append("[")
        for (index, level) in levels.enumerated() {
            text.bytes.append(index == 0 ? "[\"" : ",[\"")
            text.bytes.append(decimal: level.price, exponent: book.exponents.priceExponent)
            text.bytes.append("\",\"")
            text.bytes.append(decimal: level.quantity, exponent: book.exponents.quantityExponent)
            text.bytes.append("\"]")
        }
        text.bytes.append("]")
    }
}
