import NIOConcurrencyHelpers
import SimulatedMarket

/// How far the market has come, the same for REST and streams.
final class MarketClock: Sendable {
    private struct State {
        var pinned: Int64?
        var flooded: [String: Int64] = [:]
    }

    private let state: NIOLockedValueBox<State>

    /// A market that follows the clock, or one that stands at an aggregate until it is moved.
    init(pinned: Int64?) { state = NIOLockedValueBox(State(pinned: pinned)) }

    /// The newest aggregate at a time, µs since the epoch; 0 before the first.
    func newest(_ market: Market, at now: Int64) -> Int64 {
        let (pinned, flooded) = state.withLockedValue { ($0.pinned, $0.flooded[market.symbol]) }
        let newest = pinned ?? market.firstAggregate(at: now + 1) - 1
        return max(0, newest, flooded ?? 0)
    }

    /// True when it stands until it is moved.
    var isPinned: Bool { state.withLockedValue { $0.pinned != nil } }

    /// Lets it stand at an aggregate.
    func pin(_ newest: Int64) { state.withLockedValue { $0.pinned = newest } }

    /// A flood has sent aggregates up to this one.
    func flooded(_ symbol: String, through aggregate: Int64) {
        state.withLockedValue { $0.flooded[symbol] = max($0.flooded[symbol] ?? 0, aggregate) }
    }
}
