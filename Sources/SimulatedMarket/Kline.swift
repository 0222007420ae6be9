extension Market {
    /// A candlestick over the aggregates of a stretch of time.
    public struct Kline: Sendable, Equatable {
        /// µs since the epoch.
        public var openTime: Int64
        /// The last µs.
        public var closeTime: Int64
        /// In ticks of 0.01.
        public var open: Int64
        /// See ``open``.
        public var high: Int64
        /// See ``open``.
        public var low: Int64
        /// See ``open``.
        public var close: Int64
        /// In steps of 0.00001.
        public var steps: Int64 = 0
        /// Ticks × steps, which is units of 0.0000001.
        public var quote: Int128 = 0
        /// Number of trades.
        public var trades: Int64 = 0
        /// Steps that takers bought.
        public var boughtSteps: Int64 = 0
        /// Ticks × steps that takers bought.
        public var boughtQuote: Int128 = 0
    }

    /// The kline of a stretch of time from its aggregates up to `newest`; nil without trades.
    public func kline(from openTime: Int64, through closeTime: Int64, newest: Int64) -> Kline? {
        var id = firstAggregate(at: openTime)
        var kline: Kline?
        while id <= newest {
            let aggregate = aggregate(id)
            guard aggregate.time <= closeTime else { break }
            id += 1
            guard aggregate.firstTrade > 0 else { continue }
            var current =
                kline
                ?? Kline(
                    openTime: openTime, closeTime: closeTime, open: aggregate.ticks,
                    high: aggregate.ticks, low: aggregate.ticks, close: aggregate.ticks)
            current.high = max(current.high, aggregate.ticks)
            current.low = min(current.low, aggregate.ticks)
            current.close = aggregate.ticks
            let quote = Int128(aggregate.ticks) * Int128(aggregate.steps)
            current.steps += aggregate.steps
            current.quote += quote
            current.trades += aggregate.lastTrade - aggregate.firstTrade + 1
            if !aggregate.isBuyerMaker {
                current.boughtSteps += aggregate.steps
                current.boughtQuote += quote
            }
            kline = current
        }
        return kline
    }
}
