import Identity

/// The streams that a symbol has, in both of the venue's forms.
enum StreamKind: Hashable {
    case trade, bestBidAsk, depth20, depth
    case json(JSONStreamKind)

    /// Those in SBE.
    static let inSBE: [StreamKind] = [.trade, .bestBidAsk, .depth20, .depth]

    /// Of a stream's name behind the `@`; nil for one that the venue does not have in that form.
    init?(_ name: String, isJSON: Bool) {
        if isJSON {
            guard let kind = JSONStreamKind(name) else { return nil }
            self = .json(kind)
        } else {
            guard let kind = Self.inSBE.first(where: { $0.family == name }) else { return nil }
            self = kind
        }
    }

    /// The name in reports, such as `trade` and `json/trade`.
    var label: String {
        if case .json(let kind) = self { return "json/\(kind.name)" }
        return family
    }

    /// What it is about, whatever its form; faults are ordered by it.
    var family: String {
        switch self {
        case .trade: "trade"
        case .bestBidAsk: "bestBidAsk"
        case .depth20: "depth20"
        case .depth: "depth"
        case .json(let kind): kind.family
        }
    }

    /// All families.
    static let families: Set<String> = [
        "trade", "bestBidAsk", "depth20", "depth", "aggTrade", "kline",
    ]
}

/// The JSON streams of a symbol.
enum JSONStreamKind: Hashable {
    case trade, aggTrade, bookTicker
    case depth(milliseconds: Int)
    case partialDepth(levels: Int, milliseconds: Int)
    case kline(KlineInterval)

    /// The venue's steps of time for books, ms.
    static let steps = [100, 1000]

    init?(_ name: String) {
        let books = Self.steps.flatMap { step in
            [Self.depth(milliseconds: step)]
                + [5, 10, 20].map { Self.partialDepth(levels: $0, milliseconds: step) }
        }
        let plain: [Self] = [.trade, .aggTrade, .bookTicker] + books
        if let kind = plain.first(where: { $0.name == name }) {
            self = kind
        } else if name.hasPrefix("kline_"),
            let interval = KlineInterval(rawValue: String(name.dropFirst(6)))
        {
            self = .kline(interval)
        } else {
            return nil
        }
    }

    /// As in a stream's name.
    var name: String {
        func speed(_ step: Int) -> String { step == 1000 ? "" : "@\(step)ms" }
        return switch self {
        case .trade: "trade"
        case .aggTrade: "aggTrade"
        case .bookTicker: "bookTicker"
        case .depth(let step): "depth\(speed(step))"
        case .partialDepth(let levels, let step): "depth\(levels)\(speed(step))"
        case .kline(let interval): "kline_\(interval.rawValue)"
        }
    }

    var family: String {
        switch self {
        case .trade: "trade"
        case .aggTrade: "aggTrade"
        case .bookTicker: "bestBidAsk"
        case .depth: "depth"
        case .partialDepth: "depth20"
        case .kline: "kline"
        }
    }
}

/// What a client asks for: `<symbol>@<kind>`, the symbol in lower case.
struct StreamName: Hashable {
    /// As the client wrote it.
    let text: String

    /// Symbol, lower case, and kind; nil for a stream that the venue does not have in that form.
    func parts(isJSON: Bool) -> (symbol: String, kind: StreamKind)? {
        guard let at = text.firstIndex(of: "@"),
            let kind = StreamKind(String(text[text.index(after: at)...]), isJSON: isJSON)
        else { return nil }
        return (String(text[..<at]), kind)
    }
}

/// How a connection wants its messages.
struct MessageShape: Hashable {
    /// True for the JSON streams.
    var isJSON = false
    /// True for messages that name their stream.
    var isCombined = false
    /// Of times: 1 for µs, 1000 for ms.
    var unit: Int64 = 1000
}
