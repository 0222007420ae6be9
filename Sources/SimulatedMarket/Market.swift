/// The deterministic market of one symbol: trade *n* and aggregate *k* are pure functions of the
/// seed, the symbol and the number, so that any program can work out what must have arrived.
/// The formulas are in docs/exchange-sim.md; Tests/ToolTests/market.py has them again in Python.
public struct Market: Sendable {
    /// What a market is made from.
    public struct Parameters: Sendable, Equatable {
        /// Any number; another one is another market.
        public var seed: UInt64 = 1
        /// Time of aggregate 1, µs since the epoch.
        public var start: Int64 = 1_704_067_200_000_000  // 2024-01-01T00:00:00Z
        /// µs between two aggregates, at least 2.
        public var spacing: Int64 = 100_000
        /// Every Nth aggregate is voided; 0 for none.
        public var invalidEvery: Int64 = 0

        /// The defaults.
        public init() {}
    }

    /// One trade.
    public struct Trade: Sendable, Equatable {
        /// From 1, without holes.
        public let id: Int64
        /// µs since the epoch.
        public let time: Int64
        /// In ticks of 0.01.
        public let ticks: Int64
        /// In steps of 0.00001.
        public let steps: Int64
        /// True when the taker sold.
        public let isBuyerMaker: Bool
    }

    /// Consecutive trades of one taker order.
    public struct Aggregate: Sendable, Equatable {
        /// From 1, without holes.
        public let id: Int64
        /// µs since the epoch.
        public let time: Int64
        /// In ticks of 0.01; 0 when voided.
        public let ticks: Int64
        /// In steps of 0.00001, the sum of its trades; 0 when voided.
        public let steps: Int64
        /// First and last trade; −1 when voided.
        public let firstTrade: Int64
        /// See ``firstTrade``.
        public let lastTrade: Int64
        /// True when the taker sold.
        public let isBuyerMaker: Bool
    }

    /// Whose market it is.
    public let symbol: String
    /// What it is made from.
    public let parameters: Parameters
    private let key: UInt64

    /// The market of a symbol.
    public init(symbol: String, _ parameters: Parameters = Parameters()) {
        self.symbol = symbol
        self.parameters = parameters
        // FNV-1a, so that symbols differ.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in symbol.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        key = hash ^ parameters.seed
    }

    // MARK: - Trades and aggregates

    /// Sizes of the eight aggregates of a block of sixteen trades; a block's hash rotates them.
    private static let sizes: [Int64] = [1, 3, 2, 2, 1, 3, 3, 1]

    /// Aggregate `id`, from 1.
    public func aggregate(_ id: Int64) -> Aggregate {
        let time = time(ofAggregate: id)
        if isVoid(id) {
            return Aggregate(
                id: id, time: time, ticks: 0, steps: 0, firstTrade: -1, lastTrade: -1,
                isBuyerMaker: false)
        }
        let trades = trades(ofAggregate: id)
        var steps: Int64 = 0
        for trade in trades { steps += self.steps(ofTrade: trade) }
        return Aggregate(
            id: id, time: time, ticks: ticks(ofAggregate: id), steps: steps,
            firstTrade: trades.lowerBound, lastTrade: trades.upperBound,
            isBuyerMaker: hash(3, id) & 1 == 1)
    }

    /// What the trades of an aggregate that is not voided share.
    public func order(
        _ id: Int64
    ) -> (time: Int64, ticks: Int64, trades: ClosedRange<Int64>, isBuyerMaker: Bool) {
        (
            time(ofAggregate: id), ticks(ofAggregate: id), trades(ofAggregate: id),
            hash(3, id) & 1 == 1
        )
    }

    /// Trade `id`, from 1.
    public func trade(_ id: Int64) -> Trade {
        let aggregate = aggregate(ofTrade: id)
        return Trade(
            id: id, time: time(ofAggregate: aggregate), ticks: ticks(ofAggregate: aggregate),
            steps: steps(ofTrade: id), isBuyerMaker: hash(3, aggregate) & 1 == 1)
    }

    /// The aggregate that a trade belongs to.
    public func aggregate(ofTrade id: Int64) -> Int64 {
        let block = (id - 1) / 16
        var rest = (id - 1) % 16
        let turn = rotation(of: block)
        var place = 0
        while rest >= size(place, turn) {
            rest -= size(place, turn)
            place += 1
        }
        let valid = block * 8 + Int64(place) + 1
        let every = parameters.invalidEvery
        return every > 1 ? valid + (valid - 1) / (every - 1) : valid
    }

    /// The trades of an aggregate that is not voided.
    public func trades(ofAggregate id: Int64) -> ClosedRange<Int64> {
        let every = parameters.invalidEvery
        let valid = every > 1 ? id - id / every : id
        let block = (valid - 1) / 8
        let turn = rotation(of: block)
        let place = Int((valid - 1) % 8)
        var first = block * 16 + 1
        for earlier in 0..<place { first += size(earlier, turn) }
        return first...(first + size(place, turn) - 1)
    }

    /// True for a voided aggregate.
    public func isVoid(_ id: Int64) -> Bool {
        parameters.invalidEvery > 1 && id % parameters.invalidEvery == 0
    }

    private func rotation(of block: Int64) -> Int { Int(hash(1, block) % 8) }
    private func size(_ place: Int, _ turn: Int) -> Int64 { Self.sizes[(place + turn) % 8] }

    // MARK: - Time, price, quantity

    /// µs since the epoch; strictly ascending with the id.
    public func time(ofAggregate id: Int64) -> Int64 {
        let spacing = parameters.spacing
        return parameters.start + (id - 1) * spacing
            + Int64(hash(2, id) % UInt64(spacing / 2))
    }

    /// The first aggregate at or after a time, µs; at least 1.
    public func firstAggregate(at time: Int64) -> Int64 {
        var id = max(1, (time - parameters.start) / parameters.spacing)
        while self.time(ofAggregate: id) < time { id += 1 }
        return id
    }

    private func ticks(ofAggregate id: Int64) -> Int64 {
        drift(ofAggregate: id) + Int64(hash(4, id) % 400)
    }

    /// The price without its noise: two triangle waves around 65000.00.
    func drift(ofAggregate id: Int64) -> Int64 {
        func triangle(_ period: Int64, _ height: Int64) -> Int64 {
            let phase = id % period
            return height * min(phase, period - phase) / (period / 2)
        }
        return 6_500_000 + triangle(20_000, 100_000) - triangle(3_000, 20_000)
    }

    /// Quantity of a trade, in steps of 0.00001.
    public func steps(ofTrade id: Int64) -> Int64 { 1 + Int64(hash(5, id) % 100_000) }

    /// SplitMix64 of a number in one of several streams.
    func hash(_ stream: UInt64, _ number: Int64) -> UInt64 {
        var value =
            key &+ stream &* 0xd1b5_4a32_d192_ed03
            &+ UInt64(bitPattern: number) &* 0x9e37_79b9_7f4a_7c15
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
