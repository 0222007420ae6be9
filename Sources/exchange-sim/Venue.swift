import Binance
import Encoding
import Identity
import Posix
import Records
import SBE
import SimulatedMarket

/// The venue's REST API over simulated markets: one value behind a lock.
struct Venue {
    /// What it offers.
    struct Options {
        var symbols: [String] = ["BTCUSDT"]
        var market = Market.Parameters()
        /// Ids below are not served any more.
        var oldestID: Int64 = 1
        var weightLimit = 6000
        /// Length of a weight window, seconds.
        var window = 60
        /// historicalTrades wants this key; nil for none.
        var apiKey: String?
        /// `on`, or `off` for a venue without SBE.
        var servesSBE = true
        /// Every Nth interval has no kline; 0 for none.
        var absentKlines: Int64 = 0
        /// Aggregates by which the database lags behind the newest.
        var lag: Int64 = 0
    }

    var options: Options
    var faults: FaultPlan
    /// The public archive, which needs no weight.
    var archive = Archive()
    private var meter: WeightMeter
    private let markets: [String: Market]
    private let clock: MarketClock
    /// Requests by path and status.
    private(set) var requests: [String: Int] = [:]

    init(_ options: Options, clock: MarketClock, faults: FaultPlan) {
        self.options = options
        self.clock = clock
        self.faults = faults
        meter = WeightMeter(limit: options.weightLimit, window: Int64(options.window) * 1000)
        markets = Dictionary(
            uniqueKeysWithValues: options.symbols.map { ($0, Market(symbol: $0, options.market)) })
    }

    /// Forgets counts and weights, keeps the faults.
    mutating func reset() {
        requests = [:]
        meter = WeightMeter(limit: options.weightLimit, window: Int64(options.window) * 1000)
    }

    // MARK: - Answering

    /// Answers a request.
    ///
    /// - Parameter header: looks a request header up, by lower-case name.
    mutating func answer(_ uri: String, header: (String) -> String?) -> Reply {
        let query = Query(uri: uri)
        if query.path.hasPrefix("/data/spot/") {
            let clock = clock
            let reply = archive.answer(
                String(query.decodedPath.dropFirst()), range: header("range"), markets
            ) { clock.newest($0, at: Clock.realtimeNanoseconds() / 1000) }
            requests["archive \(reply.status)", default: 0] += 1
            return reply
        }
        let name = query.path.split(separator: "/").last.map(String.init) ?? ""
        var reply = weigh(Endpoint(rawValue: name), query) { endpoint, venue in
            venue.serve(endpoint, query, header)
        }
        if query.path == "/api/v3/ping" { reply = .json("{}") }
        requests["\(name) \(reply.status)", default: 0] += 1
        return reply
    }

    private mutating func weigh(
        _ endpoint: Endpoint?, _ query: Query, _ serve: (Endpoint, inout Venue) -> Reply
    ) -> Reply {
        guard let endpoint, query.path == endpoint.path else { return .html(404) }
        let rows = query["limit"].flatMap { Int($0) } ?? 100
        switch meter.weigh(endpoint.weight(rows: rows), at: Clock.realtimeNanoseconds() / 1_000_000)
        {
        case .limited(let seconds): return refusal(429, seconds)
        case .banned(let seconds): return refusal(418, seconds)
        case .passes(let used):
            var reply = serve(endpoint, &self)
            let unit = options.window % 60 == 0 ? "\(options.window / 60)M" : "\(options.window)S"
            reply.headers += [
                ("X-MBX-USED-WEIGHT", "\(used)"), ("X-MBX-USED-WEIGHT-\(unit)", "\(used)"),
            ]
            return reply
        }
    }

    private func refusal(_ status: Int, _ seconds: Int) -> Reply {
        var reply = Reply.error(
            -1003, "Too much request weight used; please use WebSocket Streams.", status: status)
        reply.headers = [("Retry-After", "\(seconds)")]
        return reply
    }

    private mutating func serve(
        _ endpoint: Endpoint, _ query: Query, _ header: (String) -> String?
    ) -> Reply {
        let ordered = faults.next(of: endpoint.rawValue)
        if let ordered, let reply = spoiled(ordered) { return reply }
        if endpoint == .exchangeInfo { return exchangeInfo(query) }
        if endpoint == .time {
            return .json("{\"serverTime\":\(Clock.realtimeNanoseconds() / 1_000_000)}")
        }
        let fault = ordered ?? faults.next()
        if let fault, let reply = spoiled(fault) { return reply }
        let delay = fault == .delay ? faults.delay : 0
        do throws(Refusal) {
            return try served(endpoint, query, header, spoiledBy: fault, after: delay)
        } catch { return error.reply }
    }

    /// A request that is answered with an error.
    private struct Refusal: Error {
        let reply: Reply

        init(_ code: Int, _ message: String, status: Int = 400) {
            reply = .error(code, message, status: status)
        }
    }

    private func served(
        _ endpoint: Endpoint, _ query: Query, _ header: (String) -> String?,
        spoiledBy fault: Fault?, after delay: Double
    ) throws(Refusal) -> Reply {
        let version = try sbeVersion(header)
        guard let symbol = query["symbol"] else {
            throw Refusal(
                -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        }
        guard let market = markets[symbol] else { throw Refusal(-1121, "Invalid symbol.") }
        let unit: Int64 = header("x-mbx-time-unit")?.uppercased() == "MICROSECOND" ? 1 : 1000
        let limit = query["limit"].map { Int($0) } ?? (endpoint == .depth ? 100 : 500)
        guard let limit, limit >= 1 else {
            throw Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
        }
        if endpoint == .depth { return depth(market, limit: limit, usesSBE: version != nil) }
        var rows = try rows(endpoint, market, query, min(limit, 1000), header)
        if let fault { rows.spoil(fault) }
        var reply = Reply()
        do throws(SBEError) {
            reply.body = version != nil ? try rows.sbe() : rows.json(unit: unit)
        } catch { throw Refusal(-1000, "\(error)", status: 500) }
        if let version {
            reply.contentType = "application/sbe"
            if version < 5 { reply.headers.append(("X-MBX-SBE-DEPRECATED", "true")) }
        }
        reply.delay = delay
        if fault == .close { reply.closesAfter = reply.body.count / 2 }
        if fault == .truncate { reply.body.removeLast(reply.body.count / 3) }
        return reply
    }

    /// The version of the SBE schema that the caller gets; nil for JSON. By the table of the venue's SBE
    /// page.
    private func sbeVersion(_ header: (String) -> String?) throws(Refusal) -> Int? {
        let accept = header("accept") ?? ""
        guard accept.contains("application/sbe") else { return nil }
        let takesJSON = accept.contains("application/json") || accept.contains("*/*")
        guard options.servesSBE else {
            guard takesJSON else { throw Refusal(-1155, "SBE is not enabled.", status: 406) }
            return nil
        }
        let schema = (header("x-mbx-sbe") ?? "").split(separator: ":").compactMap { Int($0) }
        guard schema.count == 2, schema[0] == 3 else {
            guard takesJSON else {
                throw Refusal(
                    -1152, "Invalid X-MBX-SBE header; expected <SCHEMA_ID>:<VERSION>.")
            }
            return nil
        }
        guard schema[1] >= 2 else {
            throw Refusal(
                -1153, "Unsupported SBE schema ID or version specified in the X-MBX-SBE header.")
        }
        return schema[1]
    }

    private func rows(
        _ endpoint: Endpoint, _ market: Market, _ query: Query, _ limit: Int,
        _ header: (String) -> String?
    ) throws(Refusal) -> Rows {
        switch endpoint {
        case .aggTrades:
            if query["fromId"] != nil && (query["startTime"] != nil || query["endTime"] != nil) {
                throw Refusal(-1128, "Combination of optional parameters invalid.")
            }
            return .aggTrades(aggregates(market, query, limit))
        case .trades: return .trades(trades(market, from: nil, limit))
        case .historicalTrades:
            if let key = options.apiKey, header("x-mbx-apikey") != key {
                throw header("x-mbx-apikey") == nil
                    ? Refusal(-2014, "API-key format invalid.", status: 401)
                    : Refusal(
                        -2015, "Invalid API-key, IP, or permissions for action.", status: 401)
            }
            return .trades(trades(market, from: query["fromId"].flatMap { Int64($0) }, limit))
        default:
            guard let interval = query["interval"].flatMap({ KlineInterval(rawValue: $0) }) else {
                throw Refusal(-1120, "Invalid interval.")
            }
            return .klines(klines(market, interval, query, limit))
        }
    }

    /// What a fault answers in the place of a reply; nil for those that spoil one.
    private func spoiled(_ fault: Fault) -> Reply? {
        switch fault {
        case .error:
            return .error(-1001, "Internal error; unable to process your request.", status: 500)
        case .html: return .html(503)
        case .firewall: return .html(403)
        case .absent: return .html(404)
        case .limit: return refusal(429, faults.retryAfter)
        case .ban: return refusal(418, faults.retryAfter)
        case .garbage: return Reply(body: Array("\u{1}\u{2}not a reply".utf8))
        case .restricted:
            return .error(
                0, "Service unavailable from a restricted location according to 'b. Eligibility'.",
                status: 451)
        case .redirect:
            var reply = Reply.html(302)
            reply.headers = [("Location", "https://www.example.org/")]
            return reply
        case .close, .delay, .truncate, .duplicate, .missing, .unordered: return nil
        }
    }

    // MARK: - Rows

    /// The newest aggregate that the database has.
    private func newest(_ market: Market) -> Int64 {
        max(0, clock.newest(market, at: Clock.realtimeNanoseconds() / 1000) - options.lag)
    }

    private func aggregates(_ market: Market, _ query: Query, _ limit: Int) -> [Market.Aggregate] {
        let newest = newest(market)
        var first = max(1, newest - Int64(limit) + 1)
        var last = newest
        if let id = query["fromId"].flatMap({ Int64($0) }) {
            first = id
        } else {
            let end = query["endTime"].flatMap { Int64($0) }.map(VenueTime.microseconds)
            if let end { last = min(last, market.firstAggregate(at: end + 1) - 1) }
            if let start = query["startTime"].flatMap({ Int64($0) }) {
                first = market.firstAggregate(at: VenueTime.microseconds(start))
            } else if end != nil {
                first = last - Int64(limit) + 1
            }
        }
        first = max(first, options.oldestID, 1)
        last = min(last, first + Int64(limit) - 1)
        return first <= last ? (first...last).map(market.aggregate) : []
    }

    private func trades(_ market: Market, from id: Int64?, _ limit: Int) -> [Market.Trade] {
        var aggregate = newest(market)
        while aggregate > 0 && market.isVoid(aggregate) { aggregate -= 1 }
        guard aggregate > 0 else { return [] }
        let newest = market.trades(ofAggregate: aggregate).upperBound
        let first = max(id ?? newest - Int64(limit) + 1, options.oldestID, 1)
        let last = min(newest, first + Int64(limit) - 1)
        return first <= last ? (first...last).map(market.trade) : []
    }

    private func klines(
        _ market: Market, _ interval: KlineInterval, _ query: Query, _ limit: Int
    ) -> [Market.Kline] {
        let newest = newest(market)
        guard newest > 0 else { return [] }
        let now = market.time(ofAggregate: newest)
        let start = query["startTime"].flatMap { Int64($0) }.map(VenueTime.microseconds)
        let end = min(
            now, query["endTime"].flatMap { Int64($0) }.map(VenueTime.microseconds) ?? now)
        var open = interval.bucket(of: market.parameters.start)
        if let start {
            while open.upperBound < start, open.lowerBound <= now {
                open = interval.bucket(of: max(open.upperBound + 1, min(start, now)))
            }
            if open.lowerBound < start { open = interval.bucket(of: open.upperBound + 1) }
        } else {
            open = interval.bucket(
                of: max(open.lowerBound, end - interval.length * Int64(limit - 1)))
        }
        var rows: [Market.Kline] = []
        while open.lowerBound <= end, rows.count < limit {
            let number = open.lowerBound / interval.length
            let isAbsent = options.absentKlines > 0 && number % options.absentKlines == 0
            if !isAbsent,
                let row = market.kline(
                    from: open.lowerBound, through: open.upperBound, newest: newest)
            {
                rows.append(row)
            }
            open = interval.bucket(of: open.upperBound + 1)
        }
        return rows
    }

    private func depth(_ market: Market, limit: Int, usesSBE: Bool) -> Reply {
        let book = market.book(Market.updatesPerAggregate * newest(market))
        let (bids, asks) = (
            book.bids(limit: min(limit, 5000)), book.asks(limit: min(limit, 5000))
        )
        let count = bids.count + asks.count
        var bytes = Bytes(capacity: 64 + 64 * count)
        guard usesSBE else {
            bytes.append(utf8: "{\"lastUpdateId\":\(book.update)")
            for (name, levels) in [("bids", bids), ("asks", asks)] {
                bytes.append(utf8: ",\"\(name)\":[")
                for (index, level) in levels.enumerated() {
                    bytes.append(index == 0 ? "[\"" : ",[\"")
                    bytes.append(decimal: level.ticks * 1_000_000, exponent: -8)
                    bytes.append("\",\"")
                    bytes.append(decimal: level.steps * 1000, exponent: -8)
                    bytes.append("\"]")
                }
                bytes.append("]")
            }
            bytes.append("}")
            return Reply(body: bytes.array)
        }
        do throws(SBEError) {
            try bytes.append(room: 64 + 32 * count) { (room) throws(SBEError) in
                var message = try REST.DepthResponseEncoder(room.mutableBytes)
                message.lastUpdateId = book.update
                message.priceExponent = -8
                message.qtyExponent = -8
                try message.bids(count: bids.count)
                for (index, level) in bids.enumerated() {
                    message.setBids(index, price: level.ticks * 1_000_000, qty: level.steps * 1000)
                }
                try message.asks(count: asks.count)
                for (index, level) in asks.enumerated() {
                    message.setAsks(index, price: level.ticks * 1_000_000, qty: level.steps * 1000)
                }
                return message.encodedLength
            }
        } catch { return .error(-1000, "\(error)", status: 500) }
        return Reply(contentType: "application/sbe", body: bytes.array)
    }

    private func exchangeInfo(_ query: Query) -> Reply {
        var names = options.symbols
        if let symbol = query["symbol"] { names = [symbol] }
        if let list = query["symbols"] {
            names = list.split { "[]\", ".contains($0) }.map(String.init)
        }
        guard names.allSatisfy({ markets[$0] != nil }) else {
            return .error(-1121, "Invalid symbol.")
        }
        let symbols = names.map {
            """
            {"symbol":"\($0)","status":"TRADING","baseAsset":"\($0.dropLast(4))",\
            "baseAssetPrecision":8,"quoteAsset":"\($0.suffix(4))","quotePrecision":8,"filters":[\
            {"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000",\
            "tickSize":"0.01000000"},{"filterType":"LOT_SIZE","minQty":"0.00001000",\
            "maxQty":"9000.00000000","stepSize":"0.00001000"}]}
            """
        }.joined(separator: ",")
        let (interval, count) =
            options.window % 60 == 0 ? ("MINUTE", options.window / 60) : ("SECOND", options.window)
        return .json(
            """
            {"timezone":"UTC","serverTime":\(Clock.realtimeNanoseconds() / 1_000_000),"rateLimits":[\
            {"rateLimitType":"REQUEST_WEIGHT","interval":"\(interval)","intervalNum":\(count),\
            "limit":\(options.weightLimit)}],"exchangeFilters":[],"symbols":[\(symbols)]}
            """)
    }
}
