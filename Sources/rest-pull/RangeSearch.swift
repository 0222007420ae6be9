import Binance
import Encoding
import Identity
import Posix
import Records
import Stage

/// The requests that find one sequence's range.
struct RangeSearch {
    let options: PullOptions
    let symbol: SymbolName
    let interval: KlineInterval?
    let stop: Int32
    /// The endpoint that serves the ids.
    private(set) var endpoint = Endpoint.aggTrades
    /// The newest id that the venue has; nil where it has none, and for klines.
    private(set) var newest: Int64?
    /// Where `--follow` begins when nothing of the range exists yet.
    private(set) var next: Int64 = 0
    /// The last id that `--follow` may ask for; nil for no end.
    private(set) var end: Int64?
    /// The time that ends it, µs, where no id is known to be at or after it yet.
    private(set) var endTime: Int64?
    /// Asked ids that do not exist yet.
    private(set) var future: ClosedRange<Int64>?
    /// The part of the range that has not happened yet, in words; nil when all of it has.
    private(set) var notYet: String?
    /// Why nothing of the range can come; nil when something may.
    private(set) var impossible: String?
    /// What an operator should look at, and what one may like to know.
    private(set) var notices: [String] = []
    /// How far an asked time may be ahead of the venue's clock and still count as now, µs.
    static let clockTolerance: Int64 = 60_000_000

    private(set) var remarks: [String] = []

    init(options: PullOptions, symbol: SymbolName, interval: KlineInterval?, stop: Int32) {
        self.options = options
        self.symbol = symbol
        self.interval = interval
        self.stop = stop
    }

    // MARK: - Ids

    /// The asked ids that exist; nil when there are none.
    mutating func ids(
        heldFrom: Int64?, _ client: inout VenueClient
    ) throws -> ClosedRange<Int64>? {
        endpoint = options.dataset == .trades ? try tradesEndpoint(&client) : .aggTrades
        let follows = options.rules.follows
        guard let newest = try page(endpoint, ["symbol": "\(symbol)", "limit": "1"], &client).last
        else {
            if !follows { impossible = "the venue has no records" }
            return nil
        }
        self.newest = newest
        next = newest + 1
        var first: Int64
        switch options.from {
        case .id(let id):
            first = id
            try judge(first: id, newest: newest)
        case .time(let time):
            if let id = try firstID(at: time, &client) {
                first = id
            } else {
                first = newest + 1
                let asked = Timestamp.text(microseconds: time)
                if !follows {
                    impossible = "no records at or after \(asked): the newest is id \(newest)"
                }
            }
        case nil: first = heldFrom ?? 0
        }
        first = max(first, 0)
        let last = try lastID(first: first, newest: newest, &client)
        if options.from == nil, heldFrom == nil {
            // The last ones before the end.
            let oldest = options.to == nil ? 0 : try firstID(at: 0, &client) ?? 0
            first = max(oldest, last.addingClamped(1 - Int64(options.limit ?? 1000)))
        }
        if first <= last { return first...last }
        next = max(next, first)
        if impossible == nil, future == nil { try judgeEmpty(first, last, &client) }
        return nil
    }

    /// Looks at an id that the range begins with.
    private mutating func judge(first id: Int64, newest: Int64) throws {
        let epoch = EpochNumber(id)
        guard id > newest else {
            if let epoch {
                remarks.append(
                    "\(id) is read as an id; as \(epoch.unit.rawValue) since the epoch it would "
                        + "be \(epoch.time)")
            }
            return
        }
        let words = "id \(id) does not exist yet: the newest is \(newest)"
        if let epoch, options.rules.follows {
            throw StageFailure(.usage, "\(symbol): \(words); \(epoch.hint)")
        }
        if options.rules.follows {
            notices.append("\(words); waiting for it")
        } else {
            impossible = words + (epoch.map { "; \($0.hint)" } ?? "")
        }
    }

    /// The last id that was asked for and exists; below the first one when there is none.
    private mutating func lastID(
        first: Int64, newest: Int64, _ client: inout VenueClient
    ) throws -> Int64 {
        switch options.to {
        case .id(let id):
            end = id
            if id > newest && !options.rules.follows {
                let begin = max(first, newest + 1)
                future = begin...max(id, begin)
                notices.append(
                    "ids above \(newest) do not exist yet"
                        + (EpochNumber(id).map { "; \($0.hint)" } ?? ""))
                if let epoch = EpochNumber(id), impossible == nil {
                    impossible = "id \(id) does not exist yet; \(epoch.hint)"
                }
            }
            return min(id, newest)
        case .time(let time):
            guard let after = try firstID(at: time, &client) else {
                endTime = time
                judge(end: time, client)
                return newest
            }
            end = after - 1
            return min(after - 1, newest)
        case nil: return newest
        }
    }

    /// Looks at a time that the range ends with and that nothing has reached.
    ///
    /// A range that is not over is not whole: whoever stores a day and counts it as done would not
    /// come back for its rest.
    private mutating func judge(end time: Int64, _ client: borrowing VenueClient) {
        guard !options.rules.follows, time > client.venueTime + Self.clockTolerance else { return }
        let now = Timestamp.text(microseconds: client.venueTime)
        notYet = "\(now) to \(Timestamp.text(microseconds: time)) (has not happened yet)"
    }

    /// Tells an empty range in which nothing happened from one that cannot hold anything.
    private mutating func judgeEmpty(
        _ first: Int64, _ last: Int64, _ client: inout VenueClient
    ) throws {
        // Followed, it may still come, unless its end is known already.
        if options.rules.follows && (end ?? .max) >= next { return }
        let oldest = try firstID(at: 0, &client)
        if let oldest, last < oldest {
            impossible = "no records in the range: the venue's history begins with id \(oldest)"
        } else if case .time = options.from, case .time = options.to {
            notices.append("no records in that time: there is no id between \(last) and \(first)")
        } else {
            impossible = "no id from \(first) to \(last)"
        }
    }

    /// `historicalTrades` where the venue lets us, else the recent `trades`.
    private mutating func tradesEndpoint(_ client: inout VenueClient) throws -> Endpoint {
        do {
            _ = try page(.historicalTrades, ["symbol": "\(symbol)", "limit": "1"], &client)
            return .historicalTrades
        } catch let failure as VenueFailure {
            guard [.notPermitted, .unavailable].contains(failure.cause), failure.status != 451
            else { throw failure }
            notices.append(
                "\(failure); only the most recent 1000 trades are served without it "
                    + "(set BINANCE_API_KEY, or another --base-url)")
            return .trades
        }
    }

    /// The first id of the dataset at or after a time; nil when there is none yet.
    private func firstID(at time: Int64, _ client: inout VenueClient) throws -> Int64? {
        // Aggregates can be asked for by time, trades only by id: an aggregate names its first
        // trade. Voided aggregates name none.
        let isTrades = options.dataset == .trades
        var found = try page(
            .aggTrades,
            ["symbol": "\(symbol)", "startTime": "\(time)", "limit": isTrades ? "100" : "1"],
            &client)
        guard isTrades else { return found.first }
        while true {
            if let id = found.firstTradeIDs.first(where: { $0 >= 0 && $0 < .max }) { return id }
            guard let last = found.last else { return nil }
            // A run of voided aggregates may be of any length.
            found = try page(
                .aggTrades, ["symbol": "\(symbol)", "fromId": "\(last + 1)", "limit": "1000"],
                &client)
            guard found.first ?? .max > last else {
                throw StageFailure(
                    .protocolBroken, "\(symbol): aggregates from id \(last + 1) on begin below it")
            }
        }
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
        let newest = options.rules.includesOpen ? current.upperBound : current.lowerBound - 1
        next = newest + 1
        var last = newest
        if case .time(let time) = options.to {
            // Intervals that open before the end.
            let asked = interval.bucket(of: time - 1).upperBound
            end = asked
            judge(end: time, asked: asked, newest: newest, client)
            last = min(last, asked)
        }
        let mayCome = options.rules.follows && (end ?? .max) >= next
        let first: Int64
        switch options.from {
        case .time(let time): first = time
        case .id(let id): first = id
        case nil:
            let (span, overflow) = interval.length.multipliedReportingOverflow(
                by: Int64(options.limit ?? 1000))
            first = heldFrom ?? max(0, last.addingClamped(overflow ? .min : 1 - span))
        }
        // The first kline that there is: before it the symbol was not listed.
        let listed = try page(
            .klines,
            [
                "symbol": "\(symbol)", "interval": interval.rawValue,
                "startTime": "\(max(0, first))", "limit": "1",
            ], &client
        ).first
        guard let listed else {
            if !mayCome {
                impossible = "no records at or after \(Timestamp.text(microseconds: first))"
            }
            return nil
        }
        var start = interval.bucket(of: max(first, listed)).lowerBound
        // `--from` in the middle of an interval begins with the next one.
        if start < first { start = interval.bucket(of: start).upperBound + 1 }
        if let heldFrom { start = min(start, max(heldFrom, first)) }
        if start <= last { return start...last }
        if !mayCome { impossible = emptyReason(interval, start: start, newest: newest) }
        return nil
    }

    /// Looks at intervals that were asked for and are not over.
    private mutating func judge(
        end time: Int64, asked: Int64, newest: Int64, _ client: borrowing VenueClient
    ) {
        guard !options.rules.follows, asked > newest else { return }
        let opens = Timestamp.text(microseconds: newest + 1)
        if time > client.venueTime + Self.clockTolerance {
            notYet =
                "\(opens) to \(Timestamp.text(microseconds: time)) (not over yet"
                + (options.rules.includesOpen ? ")" : "; --open writes the kline that is open)")
        } else {
            remarks.append(
                "the kline that opens at \(opens) is not over yet and is left out; --open writes it"
            )
        }
    }

    private func emptyReason(
        _ interval: KlineInterval, start: Int64, newest: Int64
    ) -> String {
        let opens = Timestamp.text(microseconds: start)
        if start > newest { return "the kline that opens at \(opens) has not closed yet" }
        return
            "no kline opens in that time: the next \(interval.rawValue) kline opens at \(opens)"
    }

    // MARK: - Asking

    private func page(
        _ endpoint: Endpoint, _ query: KeyValuePairs<String, String>, _ client: inout VenueClient
    ) throws -> PageIDs {
        let request = VenueClient.Request(endpoint, rows: 1, base: options.venue.baseURL, query)
        let subject = PageSubject(symbol: symbol, interval: interval, ingestTime: 0)
        let found = try client.fetch(request, unless: stop) { reply throws(PageError) in
            let page = try Page.read(
                reply.body.span.bytes, isSBE: reply.isSBE, of: endpoint, about: subject)
            return PageIDs(
                first: page.ids.first ?? page.lastServed, last: page.lastServed,
                firstTradeIDs: page.firstTradeIDs)
        }
        guard let found else { throw Stopped() }
        return found
    }

    private struct PageIDs {
        let first: Int64?
        let last: Int64?
        let firstTradeIDs: [Int64]
    }
}
