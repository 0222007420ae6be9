import Binance
import Identity
import Ledger
import Posix
import Records
import Stage

/// Turns what was asked for, times mostly, into the ids that must be fetched.
struct RangeFinder {
    let plan: PullPlan
    let resume: Resume?

    /// The feed of one sequence.
    ///
    /// - Returns: nil when a signal came first.
    func feed(
        _ symbol: SymbolName, _ interval: KlineInterval?, _ client: inout VenueClient,
        in stage: borrowing Stage
    ) throws -> FeedBox? {
        let sequence = SequenceID(
            template: plan.dataset.kind.rawValue, series: interval?.code ?? 0, symbol: symbol)
        var search = Search(
            plan: plan, symbol: symbol, interval: interval, stop: stage.stopDescriptor)
        let held = resume?.coverage(of: sequence) ?? Coverage()
        let range: ClosedRange<Int64>?
        do {
            range =
                try interval == nil
                ? search.ids(heldFrom: held.held.first, &client)
                : search.openTimes(heldFrom: held.held.first, &client)
        } catch is Stopped { return nil }
        for notice in search.notices { stage.log.warning(notice) }

        var wanted: [ClosedRange<Int64>] = []
        if let range {
            var settled = held.held
            settled.formUnion(held.declared)
            wanted = settled.missing(in: range)
        }
        if let limit = plan.limit { wanted = Self.first(limit, of: wanted, interval) }
        let next = (range?.upperBound ?? search.newest) + 1
        let box = FeedBox(
            Feed(
                symbol: symbol, sequence: sequence, endpoint: search.endpoint, interval: interval,
                wanted: wanted, next: next, end: search.end ?? .max - 1,
                endTime: search.endTime))
        // Ids that an earlier run declared lost are still lost; klines that never were are not.
        if let range, interval == nil {
            for lost in held.declared.covered(in: range) {
                for ids in held.held.missing(in: lost) { box.feed.missing.insert(ids) }
            }
        }
        if let future = search.future { box.feed.missing.insert(future) }
        return box
    }

    /// The first ids, or intervals, of some ranges.
    private static func first(
        _ limit: Int, of ranges: [ClosedRange<Int64>], _ interval: KlineInterval?
    ) -> [ClosedRange<Int64>] {
        var left = limit
        var first: [ClosedRange<Int64>] = []
        for range in ranges where left > 0 {
            let end =
                interval?.end(of: left, from: range.lowerBound)
                ?? range.lowerBound + Int64(left - 1)
            let taken = range.lowerBound...min(end, range.upperBound)
            first.append(taken)
            let length = interval.map {
                ($0.length, taken.upperBound - taken.lowerBound + $0.length)
            }
            left -= length.map { Int($0.1 / $0.0) } ?? taken.count
        }
        return first
    }
}

/// A signal came while something was asked.
struct Stopped: Error {}

/// The requests that find one sequence's range.
private struct Search {
    let plan: PullPlan
    let symbol: SymbolName
    let interval: KlineInterval?
    let stop: Int32
    /// The endpoint that serves the ids.
    var endpoint = Endpoint.aggTrades
    /// The newest id that exists.
    var newest: Int64 = 0
    /// The last id that `--follow` may ask for; nil for no end.
    var end: Int64?
    /// The time that ends it, µs, where no id is known to be at or after it yet.
    var endTime: Int64?
    /// Asked ids that do not exist yet.
    var future: ClosedRange<Int64>?
    var notices: [String] = []

    init(plan: PullPlan, symbol: SymbolName, interval: KlineInterval?, stop: Int32) {
        self.plan = plan
        self.symbol = symbol
        self.interval = interval
        self.stop = stop
    }

    // MARK: - Ids

    /// The asked ids that exist; nil when there are none.
    mutating func ids(
        heldFrom: Int64?, _ client: inout VenueClient
    ) throws -> ClosedRange<Int64>? {
        endpoint = plan.dataset == .trades ? try tradesEndpoint(&client) : .aggTrades
        newest = try page(endpoint, ["symbol": "\(symbol)", "limit": "1"], &client).ids.last ?? 0
        guard newest > 0 else { return nil }
        var first: Int64
        switch plan.from {
        case .id(let id): first = id
        case .time(let time): first = try firstID(at: time, &client) ?? newest + 1
        case nil: first = heldFrom ?? max(1, newest - Int64(plan.limit ?? 1000) + 1)
        }
        var last = newest
        switch plan.to {
        case .id(let id):
            end = id
            last = min(id, newest)
            if id > newest && !plan.rules.follows {
                future = max(first, newest + 1)...max(id, max(first, newest + 1))
                notices.append("\(symbol): ids above \(newest) do not exist yet")
            }
        case .time(let time):
            if let after = try firstID(at: time, &client) {
                last = after - 1
                end = last
            } else {
                endTime = time
            }
        case nil: break
        }
        first = max(first, 0)
        return first <= last ? first...last : nil
    }

    /// `historicalTrades` where the venue lets us, else the recent `trades`.
    private mutating func tradesEndpoint(_ client: inout VenueClient) throws -> Endpoint {
        do {
            _ = try page(.historicalTrades, ["symbol": "\(symbol)", "limit": "1"], &client)
            return .historicalTrades
        } catch let failure as VenueFailure {
            guard [.notPermitted, .unavailable].contains(failure.cause) else { throw failure }
            notices.append(
                "\(failure); only the most recent 1000 trades are served without it "
                    + "(set BINANCE_API_KEY, or another --base-url)")
            return .trades
        }
    }

    /// The first id of the dataset at or after a time; nil when there is none yet.
    private func firstID(at time: Int64, _ client: inout VenueClient) throws -> Int64? {
        // Aggregates can be asked for by time, trades only by id: an aggregate names its first
        // trade. Voided aggregates name none, so a few are asked for.
        let rows = plan.dataset == .trades ? 100 : 1
        let page = try page(
            .aggTrades, ["symbol": "\(symbol)", "startTime": "\(time)", "limit": "\(rows)"], &client
        )
        return plan.dataset == .trades ? page.firstTradeIDs.first { $0 >= 0 } : page.ids.first
    }

    // MARK: - Klines

    /// From the first to the last interval that was asked for and exists; nil when there is none.
    mutating func openTimes(
        heldFrom: Int64?, _ client: inout VenueClient
    ) throws -> ClosedRange<Int64>? {
        guard let interval else { return nil }
        endpoint = .klines
        let now = client.venueTime - Puller.closingMargin
        let current = interval.bucket(of: now)
        newest = plan.rules.includesOpen ? current.upperBound : current.lowerBound - 1
        let first: Int64
        switch plan.from {
        case .time(let time): first = time
        case .id(let id): first = id
        case nil:
            first = heldFrom ?? newest - interval.length * Int64((plan.limit ?? 1000)) + 1
        }
        // The first kline that there is: before it the symbol was not listed.
        guard
            let listed = try page(
                .klines,
                [
                    "symbol": "\(symbol)", "interval": interval.rawValue,
                    "startTime": "\(max(0, first))",
                    "limit": "1",
                ], &client
            ).ids.first
        else { return nil }
        var start = interval.bucket(of: max(first, listed)).lowerBound
        // `--from` in the middle of an interval begins with the next one.
        if start < first { start = interval.bucket(of: start).upperBound + 1 }
        if let heldFrom { start = min(start, max(heldFrom, first)) }
        var last = newest
        if case .time(let time) = plan.to {
            // Intervals that open before the end.
            let asked = interval.bucket(of: time - 1).upperBound
            end = asked
            last = min(last, asked)
        }
        return start <= last ? start...last : nil
    }

    // MARK: - Asking

    private func page(
        _ endpoint: Endpoint, _ query: KeyValuePairs<String, String>, _ client: inout VenueClient
    ) throws -> PageIDs {
        let request = VenueClient.Request(endpoint, rows: 1, base: plan.options.baseURL, query)
        let subject = PageSubject(symbol: symbol, interval: interval, ingestTime: 0)
        for attempt in 1... {
            guard let reply = try client.fetch(request, unless: stop) else { throw Stopped() }
            do throws(PageError) {
                let page = try Page.read(
                    reply.body.span.bytes, isSBE: reply.isSBE, of: endpoint, about: subject)
                return PageIDs(ids: page.ids, firstTradeIDs: page.firstTradeIDs)
            } catch {
                guard attempt < plan.rules.badReplies else {
                    throw StageFailure(.protocolBroken, "\(symbol) \(endpoint.rawValue): \(error)")
                }
            }
        }
        throw Stopped()
    }

    private struct PageIDs {
        let ids: [Int64]
        let firstTradeIDs: [Int64]
    }
}
