public import Posix
import Records
public import Transport

/// Requests to the venue's REST API, under one weight budget, with the patience that it asks for.
///
/// A request is retried until it succeeds, fails for good, or ran out of attempts. `429` and `418`
/// stop every request until the venue's `Retry-After` has passed. One thread, no callbacks: the
/// caller submits, then calls ``wait(timeout:unless:)`` in its loop.
public struct VenueClient: ~Copyable {
    /// How to talk to the venue.
    public struct Options: Sendable {
        /// Base URL of the API.
        public var baseURL = "https://data-api.binance.vision"
        /// Asked encodings.
        public var encoding = Encoding.auto
        /// SBE schema id and version, such as `3:5`.
        public var schema = "3:5"
        /// The venue's key; nil for none.
        public var apiKey: String?
        /// Weight per window that may be used; nil for 95 % of the venue's limit.
        public var weightLimit: Int?
        /// Time for one request, seconds.
        public var timeout = 30.0
        /// Attempts at one request.
        public var maximumAttempts = 8
        /// Longest first and longest later pause between attempts, seconds.
        public var backoff = (initial: 1.0, longest: 60.0)
        /// Longest pause that the venue may impose before the client gives up, seconds.
        public var longestPause = 900.0
        /// A file of certificate authorities instead of the system's.
        public var authorities: String?
        /// A reply over this many bytes is refused.
        public var maximumReply = 32 << 20

        /// The defaults.
        public init() {}
    }

    /// Which form of reply is asked for.
    public enum Encoding: String, CaseIterable, Sendable {
        /// SBE, and JSON where the venue will not.
        case auto
        case sbe
        case json
    }

    /// One request: an endpoint, what is asked, and the caller's name for it.
    public struct Request: Sendable {
        /// Returned with the reply.
        public let token: Int
        /// The path.
        public let endpoint: Endpoint
        /// Path and query.
        let url: String
        let weight: Int
        var attempts = 0
        var notBefore: Int64 = 0

        /// Describes a request.
        ///
        /// - Parameters:
        ///   - rows: its `limit`, for the weight.
        ///   - query: names and values.
        public init(
            token: Int = 0, _ endpoint: Endpoint, rows: Int = 1, base: String,
            _ query: KeyValuePairs<String, String>
        ) {
            self.token = token
            self.endpoint = endpoint
            url = endpoint.url(base: base, query)
            weight = endpoint.weight(rows: rows)
        }
    }

    /// A good reply.
    public struct Reply: Sendable {
        /// Of the request.
        public let token: Int
        /// The body.
        public let body: [UInt8]
        /// True when the body is an SBE message.
        public let isSBE: Bool
        /// When it arrived, ns since the epoch.
        public let arrival: Int64
    }

    /// Something worth a log line; the caller drains ``notices``.
    public struct Notice: Sendable {
        /// True for what an operator should look at.
        public let isWarning: Bool
        /// One sentence.
        public let text: String
    }

    /// Figures since the start.
    public struct Counts: Sendable {
        /// Attempts sent.
        public var requests = 0
        /// Attempts that were repeats.
        public var retries = 0
        /// Answers 429 and 418.
        public var limited = 0
        /// Bytes of reply bodies.
        public var bytes = 0
    }

    let options: Options
    /// Shows that the caller is well while it waits here for one reply; nil shows nothing.
    public var heartbeat: Heartbeat?
    private var http: HTTPClient
    private var waiting: [Request] = []
    private var sent: [Int: (request: Request, asksSBE: Bool)] = [:]
    private var nextKey = 1
    private var budget: WeightBudget
    private var breaker: CircuitBreaker
    private var pausedUntil: Int64 = 0
    private var usesSBE: Bool
    private var warnedOfDeprecation = false
    /// The venue's clock minus ours, ns.
    public private(set) var clockOffset: Int64 = 0
    /// What happened since the caller last emptied it.
    public var notices: [Notice] = []
    /// Figures since the start.
    public private(set) var counts = Counts()

    /// A client; nothing is sent yet.
    public init(_ options: Options) throws(TransportError) {
        self.options = options
        http = try HTTPClient(authorities: options.authorities)
        usesSBE = options.encoding != .json
        budget = WeightBudget(limit: options.weightLimit ?? 5700)
        breaker = CircuitBreaker(failures: 5, coolDown: 15)
    }

    // MARK: - State

    /// Weight used in the current window, and what may be used.
    public var weight: (used: Int, limit: Int) { (budget.used, budget.limit) }
    /// The breaker's state in words: `closed`, `open`, `half-open`.
    public var breakerState: String { "\(breaker.state(at: now))" }
    /// Requests that have no reply yet.
    public var outstanding: Int { waiting.count + sent.count }
    /// Requests that are on the wire.
    public var inFlight: Int { sent.count }
    /// The venue's clock, µs.
    public var venueTime: Int64 { (Clock.realtimeNanoseconds() + clockOffset) / 1000 }

    /// Takes over the venue's limits and clock.
    public mutating func adopt(_ info: ExchangeInfo) {
        budget = WeightBudget(
            limit: options.weightLimit ?? info.weightLimit * 95 / 100, window: info.weightWindow)
        if let time = info.serverTime { clockOffset = time * 1000 - Clock.realtimeNanoseconds() }
    }

    // MARK: - Asking

    /// Queues a request; it is sent from ``wait(timeout:unless:sends:)``.
    ///
    /// - Parameter pause: seconds before which it is not sent.
    public mutating func submit(_ request: Request, after pause: Double = 0) {
        var request = request
        if pause > 0 { request.notBefore = now + Int64(pause * 1e9) }
        waiting.append(request)
    }

    /// Forgets a queued request or the reply to one under way.
    public mutating func cancel(where isUnwanted: (Int) -> Bool) {
        waiting.removeAll { isUnwanted($0.token) }
        for (key, entry) in sent where isUnwanted(entry.request.token) {
            http.cancel(token: key)
            budget.settle(entry.request.weight, reported: nil, at: venueTime / 1000)
            sent[key] = nil
        }
    }

    /// Sends what may be sent, and waits until replies are there.
    ///
    /// - Parameters:
    ///   - timeout: longest wait, seconds.
    ///   - stop: a descriptor that ends the wait when readable.
    ///   - sends: false only collects replies of what is under way.
    /// - Returns: the replies; may be empty.
    /// - Throws: ``VenueFailure`` when a request failed for good.
    public mutating func wait(
        timeout: Double, unless stop: Int32, sends: Bool = true
    ) throws(VenueFailure) -> [Reply] {
        var milliseconds = Int64(timeout * 1000)
        if sends, let delay = try sendWhatMayBeSent() { milliseconds = min(milliseconds, delay) }
        let completions: [HTTPClient.Completion]
        do throws(TransportError) {
            completions = try http.wait(
                timeoutMilliseconds: Int32(clamping: max(0, milliseconds)), alsoReadable: [stop])
        } catch { throw VenueFailure(.bug, "waiting for \(options.baseURL): \(error)") }
        var replies: [Reply] = []
        for completion in completions {
            guard let entry = sent.removeValue(forKey: completion.token) else { continue }
            if let reply = try settle(entry.request, entry.asksSBE, completion.result) {
                replies.append(reply)
            }
        }
        return replies
    }

    /// Asks and waits for the reply; nothing else may be outstanding.
    ///
    /// - Returns: nil when `stop` became readable first.
    public mutating func fetch(
        _ request: Request, unless stop: Int32
    ) throws(VenueFailure) -> Reply? {
        submit(request)
        while true {
            heartbeat?.beat()
            if let reply = try wait(timeout: 2, unless: stop).first { return reply }
            if Descriptor.isReadable(stop) { return nil }
        }
    }

    // MARK: - Sending

    private var now: Int64 { Clock.monotonicNanoseconds() }

    /// - Returns: ms until something more may be sent; nil when nothing waits.
    private mutating func sendWhatMayBeSent() throws(VenueFailure) -> Int64? {
        var delay: Int64?
        var index = 0
        while index < waiting.count {
            let request = waiting[index]
            let pause = max(pausedUntil, request.notBefore) - now
            if pause > 0 {
                delay = min(delay ?? .max, pause / 1_000_000 + 1)
                index += 1
                continue
            }
            guard breaker.allows(at: now) else {
                delay = min(delay ?? .max, 250)
                break
            }
            let budgetDelay = budget.take(request.weight, at: venueTime / 1000)
            if budgetDelay > 0 {
                delay = min(delay ?? .max, budgetDelay)
                break
            }
            waiting.remove(at: index)
            try send(request)
        }
        return delay
    }

    private mutating func send(_ request: Request) throws(VenueFailure) {
        var request = request
        request.attempts += 1
        let asksSBE = usesSBE && request.endpoint != .exchangeInfo
        var headers = [("User-Agent", "bitcoin-ingestor")]
        if asksSBE {
            let accept =
                options.encoding == .sbe ? "application/sbe" : "application/sbe, application/json"
            headers += [("Accept", accept), ("X-MBX-SBE", options.schema)]
        } else {
            headers += [("Accept", "application/json")]
        }
        headers += [("X-MBX-TIME-UNIT", "MICROSECOND")]
        if request.endpoint == .historicalTrades, let key = options.apiKey {
            headers += [("X-MBX-APIKEY", key)]
        }
        let key = nextKey
        nextKey += 1
        counts.requests += 1
        if request.attempts > 1 { counts.retries += 1 }
        do throws(TransportError) {
            try http.submit(
                HTTPRequest(
                    method: "GET", url: request.url, headers: headers, timeout: options.timeout,
                    maximumResponse: options.maximumReply),
                token: key)
            sent[key] = (request, asksSBE)
        } catch { throw VenueFailure(.configuration, "\(error)") }
    }

    // MARK: - Answers

    private mutating func settle(
        _ request: Request, _ asksSBE: Bool, _ result: Result<HTTPResponse, TransportError>
    ) throws(VenueFailure) -> Reply? {
        let arrival = Clock.realtimeNanoseconds()
        let response: HTTPResponse
        switch result {
        case .failure(let error):
            budget.settle(request.weight, reported: nil, at: venueTime / 1000)
            // A URL that is none, or a certificate that nobody vouches for, stays so.
            guard error.isRetryable else { throw VenueFailure(.configuration, "\(error)") }
            try retry(request, because: "\(error)")
            return nil
        case .success(let success): response = success
        }
        counts.bytes += response.body.count
        budget.settle(
            request.weight, reported: Self.usedWeight(response), at: venueTime / 1000)
        if response.header("x-mbx-sbe-deprecated") != nil, !warnedOfDeprecation {
            warnedOfDeprecation = true
            warn(
                "the venue calls SBE schema \(options.schema) deprecated: set binance.rest_sbe_schema"
            )
        }
        guard response.status != 200 else {
            breaker.recordSuccess(at: now)
            return Reply(
                token: request.token, body: response.body, isSBE: Self.isSBE(response),
                arrival: arrival)
        }
        try refuse(request, asksSBE, response)
        return nil
    }

    /// Decides what to do after a status other than 200.
    private mutating func refuse(
        _ request: Request, _ asksSBE: Bool, _ response: HTTPResponse
    ) throws(VenueFailure) {
        let error = VenueError(body: response.body.span.bytes)
        let words = "HTTP \(response.status)" + (error.map { ", \($0)" } ?? "")
        switch response.status {
        case 429, 418:
            counts.limited += 1
            let seconds = response.header("retry-after").flatMap { Double($0) } ?? 60
            guard (0...options.longestPause).contains(seconds) else {
                throw VenueFailure(
                    .gaveUp, "\(words): the venue bars this address for \(seconds) s")
            }
            // A little late rather than a little early: early would count as ignoring it.
            breaker.recordNothing()
            pausedUntil = max(pausedUntil, now + Int64((seconds + 0.25) * 1e9))
            warn("\(words): all requests wait \(Int(seconds)) s")
            // The venue's own pause is not one of the request's attempts.
            var request = request
            request.attempts -= 1
            waiting.insert(request, at: 0)
        case 403:
            try retry(
                request, because: "\(words): a firewall in front of the venue refused it", after: 30
            )
        case 500...599:
            try retry(request, because: words)
        case 406 where asksSBE, 400 where asksSBE && (error == nil || error?.remedy == .json):
            guard options.encoding == .auto else {
                throw VenueFailure(
                    .unavailable, "\(words): no SBE \(options.schema) here; try --encoding json")
            }
            if usesSBE {
                warn("\(words): no SBE \(options.schema) here, asking for JSON from now on")
            }
            usesSBE = false
            waiting.insert(request, at: 0)
        default:
            breaker.recordNothing()
            if error?.remedy == .retry { return try retry(request, because: words) }
            throw VenueFailure(request, status: response.status, error: error)
        }
    }

    private mutating func retry(
        _ request: Request, because reason: String, after least: Double = 0
    ) throws(VenueFailure) {
        breaker.recordFailure(at: now)
        guard request.attempts < options.maximumAttempts else {
            throw VenueFailure(
                .gaveUp, "\(request.url): \(reason), after \(request.attempts) attempts")
        }
        var request = request
        var pause = Backoff(base: options.backoff.initial, cap: options.backoff.longest)
            .delay(attempt: request.attempts)
        pause = max(pause, min(least, options.backoff.longest))
        request.notBefore = now + Int64(pause * 1e9)
        notices.append(
            Notice(
                isWarning: request.attempts > 2,
                text: "\(reason); attempt \(request.attempts + 1) follows"))
        // Ahead of later pages: these are what the output waits for.
        waiting.insert(request, at: 0)
    }

    private mutating func warn(_ text: String) {
        notices.append(Notice(isWarning: true, text: text))
    }

    // MARK: - Headers

    /// The venue's count of the current window. The name ends in the window's length: `-1M`.
    private static func usedWeight(_ response: HTTPResponse) -> Int? {
        for (name, value) in response.headers
        where name.lowercased().hasPrefix("x-mbx-used-weight-") {
            if let used = Int(value), used >= 0 { return used }
        }
        return nil
    }

    /// By Content-Type, else by the first byte: JSON starts with a bracket, and no SBE message of
    /// the venue does, since root blocks are shorter than 91 bytes.
    private static func isSBE(_ response: HTTPResponse) -> Bool {
        let type = response.header("content-type")?.lowercased() ?? ""
        if type.hasPrefix("application/sbe") { return true }
        if type.hasPrefix("application/json") { return false }
        guard let first = response.body.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) })
        else { return false }
        return first != UInt8(ascii: "{") && first != UInt8(ascii: "[")
    }
}

/// A request that failed for good.
public struct VenueFailure: Error, Sendable, CustomStringConvertible {
    /// What kind of failure.
    public enum Cause: Sendable {
        /// The venue does not serve this.
        case unavailable
        /// Attempts ran out; later it may work.
        case gaveUp
        /// A key is missing or wrong.
        case notPermitted
        /// The request itself is wrong, such as an unknown symbol.
        case refused
        /// Wrong settings, such as a base URL that is none.
        case configuration
        /// A bug of ours.
        case bug
    }

    /// What kind.
    public let cause: Cause
    /// What failed, where, and why.
    public let description: String
    /// The venue's own error.
    public let venueError: VenueError?
    /// HTTP status; 0 when there was none.
    public let status: Int

    init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
        venueError = nil
        status = 0
    }

    init(_ request: VenueClient.Request, status: Int, error: VenueError?) {
        self.status = status
        venueError = error
        cause =
            error?.remedy == .key || status == 401
            ? .notPermitted : status == 404 ? .unavailable : .refused
        description = "\(request.url): HTTP \(status)" + (error.map { ", \($0)" } ?? "")
    }
}
