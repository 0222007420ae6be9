extension Market {
    /// Updates of the book that each aggregate makes, voided ones too.
    public static let updatesPerAggregate: Int64 = 4

    /// The order book of a symbol after one of its updates, a pure function of the number.
    ///
    /// Levels are on a grid of 50 ticks, 250 grid steps to either side of a middle that follows
    /// the trades' price. Update u renews the one level of the window whose grid number g has
    /// 73·g ≡ u (mod 512); its quantity comes from a hash of u, and one level in eight is empty.
    public struct Book: Sendable {
        /// One price.
        public struct Level: Sendable, Equatable {
            /// In ticks of 0.01.
            public let ticks: Int64
            /// In steps of 0.00001; 0 in a diff removes the level.
            public let steps: Int64
        }

        /// A grid step, in ticks.
        public static let grid: Int64 = 50
        /// Grid steps from the middle to either edge.
        public static let reach: Int64 = 250

        /// The last update in it.
        public let update: Int64
        /// The grid number between the sides, which has no level itself.
        public let middle: Int64
        private let market: Market

        fileprivate init(_ market: Market, update: Int64) {
            self.market = market
            self.update = update
            middle = market.middle(ofUpdate: update)
        }

        /// Quantity at a grid number in the window, in steps; 0 for no level.
        private func steps(_ number: Int64) -> Int64 {
            let age = (update - 73 * number) & 511
            let value = market.hash(6, update - age)
            return value % 8 == 0 ? 0 : 1 + Int64(value / 8 % 100_000)
        }

        /// The first levels of a side, best first.
        private func levels(_ side: Int64, _ limit: Int) -> [Level] {
            var levels: [Level] = []
            var distance: Int64 = 1
            while distance <= Self.reach, levels.count < limit {
                let number = middle + side * distance
                let steps = steps(number)
                if steps > 0 { levels.append(Level(ticks: number * Self.grid, steps: steps)) }
                distance += 1
            }
            return levels
        }

        /// The first bids, best first.
        public func bids(limit: Int = .max) -> [Level] { levels(-1, limit) }

        /// The first asks, best first.
        public func asks(limit: Int = .max) -> [Level] { levels(1, limit) }

        /// The best level of each side.
        public var best: (bid: Level, ask: Level) { (best(-1), best(1)) }

        private func best(_ side: Int64) -> Level {
            for distance in 1...Self.reach {
                let number = middle + side * distance
                let steps = steps(number)
                if steps > 0 { return Level(ticks: number * Self.grid, steps: steps) }
            }
            return Level(ticks: 0, steps: 0)
        }

        /// What makes an earlier book into this one: levels with their new quantities, 0 for those
        /// that went, each side by descending price.
        public func changes(since earlier: Book) -> (bids: [Level], asks: [Level]) {
            var bids: [Level] = []
            var asks: [Level] = []
            let top = max(middle, earlier.middle) + Self.reach
            let bottom = min(middle, earlier.middle) - Self.reach
            for number in (bottom...top).reversed() {
                let (old, new) = (earlier.sides(number), sides(number))
                let ticks = number * Self.grid
                if old.bid != new.bid { bids.append(Level(ticks: ticks, steps: new.bid)) }
                if old.ask != new.ask { asks.append(Level(ticks: ticks, steps: new.ask)) }
            }
            return (bids, asks)
        }

        private func sides(_ number: Int64) -> (bid: Int64, ask: Int64) {
            let distance = number - middle
            guard distance != 0, abs(distance) <= Self.reach else { return (0, 0) }
            return distance < 0 ? (steps(number), 0) : (0, steps(number))
        }
    }

    /// The book after an update, from 0.
    public func book(_ update: Int64) -> Book { Book(self, update: update) }

    private func middle(ofUpdate update: Int64) -> Int64 {
        let aggregate = (update + Self.updatesPerAggregate - 1) / Self.updatesPerAggregate
        return (drift(ofAggregate: aggregate) + 200) / Book.grid
    }
}
