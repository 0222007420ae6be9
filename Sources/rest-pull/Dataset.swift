import ArgumentParser
import Identity

/// What a pull gets.
enum Dataset: String, CaseIterable, ExpressibleByArgument {
    case aggTrades
    case trades
    case klines
    case depth

    var kind: RecordKind {
        switch self {
        case .aggTrades: .aggTrade
        case .trades: .trade
        case .klines: .kline
        case .depth: .depthSnapshot
        }
    }
}
