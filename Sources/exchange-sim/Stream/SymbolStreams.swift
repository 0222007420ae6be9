import Identity
import NIOCore
import SimulatedMarket

/// The streams of one symbol: what is produced, and who gets it.
final class SymbolStreams {
    /// What a stream has sent to at least one client.
    struct Tally {
        var first: Int64?
        var last: Int64 = 0
        var messages = 0
    }

    let index: Int
    let market: Market
    private let messages: Messages
    private let clock: MarketClock
    /// The newest aggregate that was produced.
    private(set) var newest: Int64
    private var diffed: Int64
    private var pictured: Int64
    /// The last update that JSON streams of books have told of, by their steps in ms.
    private var told: [JSONStreamKind: Int64] = [:]
    /// The interval that a kline stream is in.
    private var buckets: [KlineInterval: ClosedRange<Int64>] = [:]
    private(set) var tallies: [StreamKind: Tally] = [:]
    private var subscribers: [StreamKind: [StreamConnection]] = [:]

    /// Aggregates that one call produces at most, so that a jump does not fill the memory.
    private static let batch: Int64 = 4096

    init(
        index: Int, _ market: Market, _ clock: MarketClock, _ options: StreamOptions, now: Int64
    ) {
        self.index = index
        self.market = market
        self.clock = clock
        messages = Messages(market, options.layout)
        newest = clock.newest(market, at: now)
        diffed = newest * Market.updatesPerAggregate
        pictured = diffed
    }

    /// Adds a client to a stream.
    func add(_ connection: StreamConnection, to kind: StreamKind) {
        subscribers[kind, default: []].append(connection)
    }

    /// Takes a client off a stream.
    func remove(_ connection: StreamConnection, from kind: StreamKind) {
        subscribers[kind]?.removeAll { $0 === connection }
        if subscribers[kind]?.isEmpty == true { subscribers[kind] = nil }
        if case .json(let stream) = kind, subscribers[kind] == nil {
            told[stream] = nil
            if case .kline(let interval) = stream { buckets[interval] = nil }
        }
    }

    /// When the next aggregate is due, µs since the epoch.
    var nextDue: Int64 { market.time(ofAggregate: newest + 1) }

    /// The newest trade; 0 before the first.
    var newestTrade: Int64 {
        var aggregate = newest
        while aggregate > 0, market.isVoid(aggregate) { aggregate -= 1 }
        return aggregate > 0 ? market.trades(ofAggregate: aggregate).upperBound : 0
    }

    /// Produces the aggregates up to a time.
    ///
    /// - Returns: false when more are due than one call produces.
    func advance(to now: Int64, _ run: inout MessageRun) -> Bool {
        let target = clock.newest(market, at: now)
        guard target > newest else { return true }
        let end = min(target, newest + Self.batch)
        let new = newest + 1...end
        newest = end
        send(.trade, &run) { run in
            for id in new { messages.trades(ofAggregate: id, eventTime: now, to: &run) }
        }
        send(.bestBidAsk, &run) { run in
            for id in new {
                let update = id * Market.updatesPerAggregate
                messages.bestBidAsk(update: update, eventTime: now, to: &run)
            }
        }
        for kind in [JSONStreamKind.trade, .aggTrade, .bookTicker] {
            send(json: kind, &run) { shape, run in
                for id in new { write(.json(kind), shape, aggregate: id, now, to: &run) }
            }
        }
        return end == target
    }

    /// Writes the messages that an aggregate makes in a stream; voided aggregates make no trade.
    func write(
        _ kind: StreamKind, _ shape: MessageShape = MessageShape(), aggregate id: Int64,
        _ eventTime: Int64, to run: inout MessageRun
    ) {
        let update = id * Market.updatesPerAggregate
        switch kind {
        case .trade: messages.trades(ofAggregate: id, eventTime: eventTime, to: &run)
        case .bestBidAsk: messages.bestBidAsk(update: update, eventTime: eventTime, to: &run)
        case .depth20: messages.snapshot(update: update, eventTime: eventTime, to: &run)
        case .depth:
            let updates = update - Market.updatesPerAggregate + 1...update
            messages.diff(updates, eventTime: eventTime, to: &run)
        case .json(.trade):
            messages.jsonTrades(ofAggregate: id, eventTime: eventTime, shape, to: &run)
        case .json(.aggTrade):
            messages.jsonAggregate(id, eventTime: eventTime, shape, to: &run)
        case .json(.bookTicker): messages.jsonQuote(update: update, shape, to: &run)
        case .json(.partialDepth(let levels, let step)):
            messages.jsonTop(
                .partialDepth(levels: levels, milliseconds: step), levels: levels, update: update,
                shape, to: &run)
        case .json(.depth(let step)):
            let updates = update - Market.updatesPerAggregate + 1...update
            messages.jsonDiff(
                .depth(milliseconds: step), updates, eventTime: eventTime, shape, to: &run)
        case .json(.kline): return
        }
    }

    /// A flood has sent aggregates up to this one, so REST has them too.
    func flooded(through aggregate: Int64) {
        clock.flooded(market.symbol, through: aggregate)
    }

    /// Sends what changed in the book since the last call.
    func sendDiff(at now: Int64, _ run: inout MessageRun) {
        let update = newest * Market.updatesPerAggregate
        guard update > diffed else { return }
        let updates = diffed + 1...update
        diffed = update
        send(.depth, &run) { messages.diff(updates, eventTime: now, to: &$0) }
    }

    /// Sends the top of the book when it has changed since the last call.
    func sendSnapshot(at now: Int64, _ run: inout MessageRun) {
        let update = newest * Market.updatesPerAggregate
        guard update > pictured else { return }
        pictured = update
        send(.depth20, &run) { messages.snapshot(update: update, eventTime: now, to: &$0) }
    }

    /// Sends what the JSON streams of a book, and of klines, have to tell.
    ///
    /// - Parameter step: of the streams, ms.
    func sendJSON(every step: Int, at now: Int64, _ run: inout MessageRun) {
        let update = newest * Market.updatesPerAggregate
        for case .json(let kind) in subscribers.keys {
            switch kind {
            case .depth(step):
                let last = told[kind] ?? update
                told[kind] = update
                guard update > last else { continue }
                send(json: kind, &run) { shape, run in
                    messages.jsonDiff(kind, last + 1...update, eventTime: now, shape, to: &run)
                }
            case .partialDepth(let levels, step):
                guard update > told[kind] ?? -1 else { continue }
                told[kind] = update
                send(json: kind, &run) { shape, run in
                    messages.jsonTop(kind, levels: levels, update: update, shape, to: &run)
                }
            case .kline(let interval): sendKline(interval, at: now, isPreview: step > 100, &run)
            default: continue
            }
        }
    }

    /// Sends each kline that is over, once, and now and then the one that is not.
    private func sendKline(
        _ interval: KlineInterval, at now: Int64, isPreview: Bool, _ run: inout MessageRun
    ) {
        let current = interval.bucket(of: min(now, nextDue))
        var bucket = buckets[interval] ?? current
        while bucket.upperBound < current.lowerBound {
            sendKline(interval, bucket, isClosed: true, at: now, &run)
            bucket = interval.bucket(of: bucket.upperBound + 1)
        }
        buckets[interval] = current
        if isPreview { sendKline(interval, current, isClosed: false, at: now, &run) }
    }

    private func sendKline(
        _ interval: KlineInterval, _ bucket: ClosedRange<Int64>, isClosed: Bool, at now: Int64,
        _ run: inout MessageRun
    ) {
        send(json: .kline(interval), &run) { shape, run in
            messages.jsonKline(
                interval, bucket, newest: newest, isClosed: isClosed, eventTime: now, shape,
                to: &run)
        }
    }

    private func send(
        json kind: JSONStreamKind, _ run: inout MessageRun,
        _ write: (MessageShape, inout MessageRun) -> Void
    ) {
        guard let connections = subscribers[.json(kind)], !connections.isEmpty else { return }
        let shapes = Set(connections.map(\.shape))
        for (index, shape) in shapes.enumerated() {
            let wanted = connections.filter { $0.shape == shape }
            send(.json(kind), to: wanted, isCounted: index == 0, &run) { write(shape, &$0) }
        }
    }

    private func send(
        _ kind: StreamKind, _ run: inout MessageRun, _ write: (inout MessageRun) -> Void
    ) {
        send(kind, to: subscribers[kind] ?? [], isCounted: true, &run, write)
    }

    private func send(
        _ kind: StreamKind, to connections: [StreamConnection], isCounted: Bool,
        _ run: inout MessageRun, _ write: (inout MessageRun) -> Void
    ) {
        guard !connections.isEmpty else { return }
        run.removeAll()
        write(&run)
        guard let first = run.marks.first, let last = run.marks.last else { return }
        for connection in connections { connection.take(run, of: kind, source: index) }
        guard isCounted else { return }
        var tally = tallies[kind] ?? Tally()
        tally.first = tally.first ?? first.ids.lowerBound
        tally.last = last.ids.upperBound
        tally.messages += run.marks.count
        tallies[kind] = tally
    }
}
