import Encoding

/// The JSON streams of a symbol, as their payloads tell them apart.
enum JSONStream {
    case trade, aggTrade, kline, bookTicker, depthUpdate, partialDepth

    /// The stream that a name's part behind the `@` means; nil for one that is not known here.
    init?(_ scanner: borrowing JSONScanner, _ name: Range<Int>) {
        guard let at = name.first(where: { scanner[$0] == UInt8(ascii: "@") }) else { return nil }
        let rest = (at + 1)..<name.upperBound
        switch rest.count {
        case 5 where scanner.equals(rest, "trade"): self = .trade
        case 8 where scanner.equals(rest, "aggTrade"): self = .aggTrade
        case 10 where scanner.equals(rest, "bookTicker"): self = .bookTicker
        case 5 where scanner.equals(rest, "depth"),
            11 where scanner.equals(rest, "depth@100ms"):
            self = .depthUpdate
        case 7 where scanner.equals(rest, "depth20"),
            13 where scanner.equals(rest, "depth20@100ms"):
            self = .partialDepth
        case 8...9 where scanner.equals(rest.lowerBound..<(rest.lowerBound + 6), "kline_"):
            self = .kline
        default: return nil
        }
    }

    /// The stream of an event's `e`; nil for one that is not known here.
    init?(event: Range<Int>, _ scanner: borrowing JSONScanner) {
        if scanner.equals(event, "trade") {
            self = .trade
        } else if scanner.equals(event, "aggTrade") {
            self = .aggTrade
        } else if scanner.equals(event, "depthUpdate") {
            self = .depthUpdate
        } else if scanner.equals(event, "kline") {
            self = .kline
        } else {
            return nil
        }
    }
}
