/// The streams that a symbol has.
enum StreamKind: String, CaseIterable {
    case trade, bestBidAsk, depth20, depth
}

/// What a client asks for: `<symbol>@<kind>`, the symbol in lower case.
struct StreamName: Hashable {
    /// As the client wrote it.
    let text: String

    /// Symbol, lower case, and kind; nil for a stream that the venue does not have.
    var parts: (symbol: String, kind: StreamKind)? {
        guard let at = text.lastIndex(of: "@"),
            let kind = StreamKind(rawValue: String(text[text.index(after: at)...]))
        else { return nil }
        return (String(text[..<at]), kind)
    }
}
