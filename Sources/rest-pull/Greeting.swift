import Binance
import Encoding
import Identity
import Posix
import Records
import Stage

/// The first exchange with the venue: its limits, its clock, and whether it has the symbols.
struct Greeting {
    /// Whose; none of them asks for all.
    let symbols: [SymbolName]
    /// Requests that may be spent on finding out which symbols are unknown, 20 of weight each.
    private static let maximumProbes = 60

    /// Asks for limits, clock and symbols.
    ///
    /// - Returns: what the venue says; nil when a signal came first.
    /// - Throws: when the venue does not know a symbol, or does not answer as documented.
    func exchange(_ client: inout VenueClient, in stage: borrowing Stage) throws -> ExchangeInfo? {
        let info: ExchangeInfo?
        do throws(VenueFailure) {
            info = try client.exchangeInfo(of: symbols, unless: stage.stopDescriptor)
        } catch {
            guard error.venueError?.isUnknownSymbol == true else { throw error }
            throw try unknownSymbols(&client, stage.stopDescriptor)
        }
        guard let info else { return nil }
        try client.adopt(info)
        for facts in info.symbols.sorted(by: { $0.symbol < $1.symbol })
        where facts.status != "TRADING" && !symbols.isEmpty {
            stage.log.warning(
                "\(facts.symbol) has status \(facts.status): there may be no new records")
        }
        return info
    }

    /// The venue says that a symbol is unknown, and not which one: halves of the list are asked
    /// for until the names are found, as far as the weight allows.
    private func unknownSymbols(
        _ client: inout VenueClient, _ stop: Int32
    ) throws(VenueFailure) -> StageFailure {
        var unknown: [SymbolName] = []
        var suspects = [symbols]
        var probes = 0
        while let group = suspects.popLast() {
            guard group.count > 1 else {
                unknown += group
                continue
            }
            guard probes + 2 <= Self.maximumProbes else {
                suspects.append(group)
                break
            }
            let halves = [
                Array(group[..<(group.count / 2)]), Array(group[(group.count / 2)...]),
            ]
            for half in halves.reversed() {
                probes += 1
                do throws(VenueFailure) {
                    if try client.exchangeInfo(of: half, unless: stop) == nil {
                        return StageFailure(
                            .gaveUp, "stopped while unknown symbols were looked for")
                    }
                } catch {
                    guard error.venueError?.isUnknownSymbol == true else { throw error }
                    suspects.append(half)
                }
            }
        }
        func listed(_ symbols: [SymbolName]) -> String {
            symbols.map(\.description).joined(separator: ", ")
        }
        var words = "the venue does not know "
        if !unknown.isEmpty {
            words += (unknown.count == 1 ? "the symbol " : "the symbols ") + listed(unknown)
        }
        if !suspects.isEmpty {
            words += (unknown.isEmpty ? "" : ", nor ") + "at least one of: "
            words += listed(suspects.flatMap { $0 })
        }
        return StageFailure(.usage, "\(words); was it renamed or delisted?")
    }
}
