import Encoding

/// The paths of the venue's REST API that a backfill needs, with what each costs.
///
/// Source: Binance Spot API, REST, market data endpoints; docs/venue.md.
public enum Endpoint: String, Sendable, CaseIterable {
    case time
    case exchangeInfo
    case aggTrades
    /// The most recent trades only.
    case trades
    /// Trades from an id on; not served by every host.
    case historicalTrades
    case klines
    case depth

    /// The path below the base URL.
    public var path: String { "/api/v3/\(rawValue)" }

    /// Request weight.
    ///
    /// - Parameter rows: the `limit` of the request; only depth's weight depends on it.
    public func weight(rows: Int) -> Int {
        switch self {
        case .time: 1
        case .exchangeInfo: 20
        case .aggTrades: 4
        case .trades, .historicalTrades: 25
        case .klines: 2
        case .depth:
            switch rows {
            case ...100: 5
            case ...500: 25
            case ...1000: 50
            default: 250
            }
        }
    }

    /// A request's URL.
    ///
    /// - Parameters:
    ///   - base: such as `https://data-api.binance.vision`, with or without a slash at its end.
    ///   - query: names and values; values are percent-encoded here.
    public func url(base: String, _ query: KeyValuePairs<String, String>) -> String {
        let root = base.hasSuffix("/") ? String(base.dropLast()) : base
        let terms = query.map { "\($0.key)=\($0.value.percentEncoded())" }
        return root + path + (terms.isEmpty ? "" : "?" + terms.joined(separator: "&"))
    }
}
