import Encoding
public import Identity

extension VenueClient {
    /// Asks for the venue's limits, its clock, and what it says of symbols.
    ///
    /// - Parameters:
    ///   - symbols: which; none of them asks for all.
    ///   - stop: a descriptor that ends the wait when readable.
    /// - Returns: nil when `stop` became readable first.
    public mutating func exchangeInfo(
        of symbols: [SymbolName], unless stop: Int32
    ) throws(VenueFailure) -> ExchangeInfo? {
        let names = symbols.map { "\"\($0)\"" }.joined(separator: ",")
        let base = options.baseURL
        let request =
            symbols.isEmpty
            ? Request(.exchangeInfo, base: base, [:])
            : Request(.exchangeInfo, base: base, ["symbols": "[\(names)]"])
        return try fetch(request, unless: stop) { reply throws(PageError) in
            do throws(JSONScanner.Failure) {
                return try ExchangeInfo(json: reply.body.span.bytes)
            } catch { throw PageError("exchangeInfo: \(error)") }
        }
    }
}

/// What the venue says of its symbols, as a table for people and for `awk`: one line a symbol,
/// words with spaces between them, by name.
public enum SymbolTable {
    /// The table with its titles.
    ///
    /// - Parameter shard: the part of the symbols that is shown; nil for all.
    public static func text(_ symbols: [SymbolFacts], in shard: SymbolShard? = nil) -> String {
        let titles = ["SYMBOL", "STATUS", "BASE", "QUOTE", "TICK", "LOT", "LEAST"]
        let shown = symbols.filter { facts in
            guard let shard else { return true }
            return SymbolName(facts.symbol).map(shard.contains) ?? false
        }
        let rows = shown.sorted { $0.symbol < $1.symbol }.map { facts in
            [
                facts.symbol, facts.status, facts.baseAsset, facts.quoteAsset,
                trimmed(facts.tickSize), trimmed(facts.lotSize), trimmed(facts.leastQuantity),
            ].map { $0.isEmpty ? "-" : $0.printable }
        }
        let all = [titles] + rows
        let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - cell.count + 2)
                }
            }
            return line + "\n"
        }.joined()
    }

    /// `0.01000000` as `0.01`.
    private static func trimmed(_ number: String) -> String {
        guard number.contains(".") else { return number }
        var digits = number[...]
        while digits.hasSuffix("0") { digits = digits.dropLast() }
        return String(digits.hasSuffix(".") ? digits.dropLast() : digits)
    }
}

extension String {
    /// Without spaces, and without what could move a terminal's cursor.
    fileprivate var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { $0.value > 0x20 && $0 != "\u{7F}" ? $0 : "?" }))
    }
}
