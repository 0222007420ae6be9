import ArgumentParser
import Identity

/// What a pull gets.
enum Dataset: String, CaseIterable, ExpressibleByArgument {
    case aggTrades
    case trades
    case klines
    case depth

    /// In either case, and also by the name of the record's kind: `aggTrade`.
    init?(argument: String) {
        let word = argument.lowercased()
        let found = Self.allCases.first {
            let name = $0.rawValue.lowercased()
            return word == name || word + "s" == name
        }
        guard let found else { return nil }
        self = found
    }

    var kind: RecordKind {
        switch self {
        case .aggTrades: .aggTrade
        case .trades: .trade
        case .klines: .kline
        case .depth: .depthSnapshot
        }
    }
}
