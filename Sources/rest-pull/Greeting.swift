import Binance
import Encoding
import Identity
import Posix
import Records
import Stage

/// The first exchange with the venue: its limits, its clock, and whether it has the symbols.
struct Greeting {
    let options: PullOptions
    /// Requests that may be spent on finding out which symbols are unknown, 20 of weight each.
    private static let maximumProbes = 60

    /// Asks for limits, clock and symbols.
    ///
    /// - Returns: false when a signal came first.
    /// - Throws: when the venue does not know a symbol, or does not answer as documented.
    func exchange(_ client: inout VenueClient, in stage: borrowing Stage) throws -> Bool {
        let info: ExchangeInfo?
        do throws(VenueFailure) {
            info = try ask(options.symbols, &client, stage.stopDescriptor)
        } catch {
            guard error.venueError?.isUnknownSymbol == true else { throw error }
            throw try unknownSymbols(&client, stage.stopDescriptor)
        }
        guard let info else { return false }
        try client.adopt(info)
        for (symbol, status) in info.statuses.sorted(by: { $0.key < $1.key })
        where status != "TRADING" {
            stage.log.warning("\(symbol) has status \(status): nothing new may come")
        }
        return true
    }

    /// - Returns: nil when a signal came first.
    private func ask(
        _ symbols: [SymbolName], _ client: inout VenueClient, _ stop: Int32
    ) throws(VenueFailure) -> ExchangeInfo? {
        let names = symbols.map { "\"\($0)\"" }.joined(separator: ",")
        let request = VenueClient.Request(
            .exchangeInfo, base: options.venue.baseURL, ["symbols": "[\(names)]"])
        return try client.fetch(request, unless: stop) { reply throws(PageError) in
            do throws(JSONScanner.Failure) {
                return try ExchangeInfo(json: reply.body.span.bytes)
            } catch { throw PageError("exchangeInfo: \(error)") }
        }
    }

    /// The venue says that a symbol is unknown, and not which one: halves of the list are asked
    /// for until the names are found, as far as the weight allows.
    private func unknownSymbols(
        _ client: inout VenueClient, _ stop: Int32
    ) throws(VenueFailure) -> StageFailure {
        var unknown: [SymbolName] = []
        var suspects = [options.symbols]
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
                    if try ask(half, &client, stop) == nil {
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
