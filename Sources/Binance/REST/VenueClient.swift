import Encoding
public import Posix
import Records
public import Transport

/// Requests to the venue's REST API, under one weight budget, with the patience that it asks for.
///
/// A request is retried until it succeeds, fails permanently, or ran out of attempts. `429` and `418`
/// stop every request until the venue's `Retry-After` has passed. One thread, no callbacks: the
/// caller submits, then calls ``wait(timeout:unless:)`` in its loop.
public struct VenueClient: ~Copyable {
    let options: Options
    /// Shows that the caller is well while it waits here for one reply; nil shows nothing.
    public var heartbeat: Heartbeat?
    private var waiting: [Request] = []
    private var inFlightCalls: CallsInFlight
    private var budget: WeightBudget
    private let shared: SharedWeight?
    private var breaker: CircuitBreaker
    private var pausedUntil: Int64 = 0
    private var usesSBE: Bool
    private var notices: VenueNotices
    /// Why nothing is sent, and until when, monotonic ns.
    private var hold: (reason: String, until: Int64)?

    /// The venue's bans are of 2 minutes to 3 days (Binance, REST limits, read 2026-07).
    private static let longestBan: Double = 3 * 86_400

    /// The venue's clock minus ours, ns.
    public private(set) var clockOffset: Int64 = 0

    /// Gets each notice when it arises, so that a wait is announced before it and not after it.
    public var report: (Notice) -> Void {
        get { notices.report }
        set { notices.report = newValue }
    }

    /// Figures since the start.
    public private(set) var counts = Counts()

    /// A client; nothing is sent yet.
    public init(_ options: Options) throws(TransportError) {
        self.options = options
        inFlightCalls = try CallsInFlight(options)
        usesSBE = options.encoding != .json
        notices = VenueNotices(options)
        shared = options.sharedDirectory.flatMap {
            SharedWeight(directory: $0, baseURL: options.baseURL)
        }
        budget = WeightBudget(limit: options.weightLimit ?? 5700, isSpread: !options.isLive)
        breaker = CircuitBreaker(failures: 5, coolDown: options.circuitCoolDown)
    }

    // MARK: - State

    /// Weight used in the current window, and what may be used.
    public var weight: (used: Int, limit: Int) { (budget.used, budget.limit) }

    /// The breaker's state in words: `closed`, `open`, `half-open`.
    public var breakerState: String { "\(breaker.state(at: now))" }

    /// What everything waits for, such as `waiting 14 s for the venue's window`; nil while a
    /// request is under way or may be sent.
    public var waitingFor: String? {
        guard inFlight == 0, let hold, hold.until > now else { return nil }
        return
            "waiting \(Spoken.seconds(Double((hold.until - now) / 1_000_000_000 + 1))) \(hold.reason)"
    }

    /// True while a request waits to be sent: for weight, the end of a pause, or its turn.
    public var isHeld: Bool { !waiting.isEmpty }

    /// Requests that have no reply yet.
    public var outstanding: Int { waiting.count + inFlight }

    /// Requests that are on the wire.
    public var inFlight: Int { inFlightCalls.count }

    /// The venue's clock, µs.
    public var venueTime: Int64 { (Clock.realtimeNanoseconds() + clockOffset) / 1000 }

    /// Takes over the venue's limits and clock.
    ///
    /// - Throws: ``VenueFailure`` when the venue's clock shows no time that there can be.
    public mutating func adopt(_ info: ExchangeInfo) throws(VenueFailure) {
        budget = WeightBudget(
            limit: options.weightLimit ?? info.weightLimit * options.weightShare / 100,
            window: info.weightWindow, isSpread: !options.isLive)
        guard let time = info.serverTime else { return }
        guard VenueTime.plausible.contains(time) else {
            throw VenueFailure(
                .protocolBroken, "\(options.baseURL): serverTime \(time) is not a time")
        }
        clockOffset = time * 1000 - Clock.realtimeNanoseconds()
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
        for request in inFlightCalls.cancel(where: isUnwanted) {
            budget.settle(request.weight, reported: nil, at: venueTime / 1000)
            breaker.recordNothing()
        }
    }

    /// Sends what may be sent, and waits until replies are there.
    ///
    /// - Parameters:
    ///   - timeout: longest wait, seconds.
    ///   - stop: a descriptor that ends the wait when readable.
    ///   - sends: false only collects replies of what is under way.
    /// - Returns: the replies; may be empty.
    /// - Throws: ``VenueFailure`` when a request failed permanently.
    public mutating func wait(
        timeout: Double, unless stop: Int32, sends: Bool = true
    ) throws(VenueFailure) -> [Reply] {
        var milliseconds = Int64(timeout * 1000)
        if sends, let delay = try sendWhatMayBeSent() { milliseconds = min(milliseconds, delay) }
        let ended: [CallsInFlight.Ended]
        do throws(TransportError) {
            ended = try inFlightCalls.wait(milliseconds: milliseconds, unless: stop)
        } catch { throw VenueFailure(.bug, "waiting for \(options.baseURL): \(error)") }
        var replies: [Reply] = []
        for call in ended {
            if let reply = try settle(call.request, call.asksSBE, call.result) {
                replies.append(reply)
            }
        }
        return replies
    }

    /// Asks and waits for the reply; nothing else may be outstanding.
    ///
    /// - Returns: nil when `stop` became readable first.
    public mutating func fetch(
        _ request: Request, unless stop: Int32, after pause: Double = 0
    ) throws(VenueFailure) -> Reply? {
        submit(request, after: pause)
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
        hold = nil
        while index < waiting.count {
            let request = waiting[index]
            let pause = max(pausedUntil, request.notBefore) - now
            if pause > 0 {
                delay = min(delay ?? .max, pause / 1_000_000 + 1)
                if pausedUntil > now {
                    hold = ("as the venue asked", pausedUntil)
                } else if request.attempts > 0 {
                    hold = ("before the next attempt", request.notBefore)
                }
                index += 1
                continue
            }
            guard breaker.allows(at: now) else {
                delay = min(delay ?? .max, 250)
                hold = ("until the venue answers again", breaker.opening(at: now) ?? now)
                break
            }
            let budgetDelay = budget.take(request.weight, at: venueTime / 1000)
            if budgetDelay > 0 {
                breaker.recordNothing()
                delay = min(delay ?? .max, budgetDelay)
                hold = ("for the venue's weight window", now + budgetDelay * 1_000_000)
                break
            }
            // One that fails here must not be sent later: its reply would be taken for another's.
            waiting.remove(at: index)
            if let wait = try sharedDelay(request.weight) {
                waiting.insert(request, at: index)
                delay = min(delay ?? .max, wait)
                break
            }
            try send(request)
        }
        return delay
    }

    /// Counts a request among those of the other programs on this host.
    ///
    /// - Returns: ms for which it has to wait; nil when it may be sent.
    private mutating func sharedDelay(_ weight: Int) throws(VenueFailure) -> Int64? {
        let decision = shared?.take(
            weight, limit: budget.limit, window: budget.window, venueTime: venueTime / 1000,
            isLive: options.isLive)
        if let decision, decision != .passes {
            budget.giveBack(weight)
            breaker.recordNothing()
        }
        switch decision {
        case .passes, nil: return nil
        case .waits(let milliseconds):
            hold = ("for the venue's weight window", now + milliseconds * 1_000_000)
            // The window may have room earlier than its end: other programs' counts are guesses.
            return min(milliseconds, 1000)
        case .barred(let milliseconds):
            guard Double(milliseconds) <= options.longestPause * 1000 else {
                throw VenueFailure(
                    .gaveUp,
                    "\(options.baseURL) bars this address for "
                        + Spoken.seconds(Double(milliseconds) / 1000)
                        + ", as another program on this host has learnt")
            }
            let until = now + milliseconds * 1_000_000
            if until > pausedUntil + 1_000_000_000 {
                let wait = Spoken.seconds(Double(milliseconds / 1000 + 1))
                warn("another program on this host was barred: all requests wait \(wait)", .barred)
            }
            pausedUntil = max(pausedUntil, until)
            hold = ("as the venue asked", pausedUntil)
            return milliseconds + 1
        }
    }

    private mutating func send(_ request: Request) throws(VenueFailure) {
        var request = request
        request.attempts += 1
        let asksSBE = usesSBE && request.endpoint != .exchangeInfo
        counts.requests += 1
        if request.attempts > 1 { counts.retries += 1 }
        do throws(TransportError) {
            try inFlightCalls.send(request, asksSBE: asksSBE)
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
            // A malformed URL, or an untrusted certificate, stays so.
            guard error.isRetryable else {
                breaker.recordNothing()
                let hint = error.kind == .tls ? "; \(TransportError.authorityHint)" : ""
                throw VenueFailure(
                    error.kind == .proxy ? .notPermitted : .configuration, "\(error)\(hint)")
            }
            let isAbsent = error.kind == .connect || error.kind == .resolve
            let hint = isAbsent ? "; is it up, and is a proxy needed?" : ""
            try retry(request, because: error.reason, hint: hint)
            return nil
        case .success(let success): response = success
        }
        counts.bytes += response.body.count
        budget.settle(request.weight, reported: response.usedWeight, at: venueTime / 1000)
        if let used = response.usedWeight {
            shared?.note(used: used, window: budget.window, venueTime: venueTime / 1000)
        }
        notices.noteSchema(of: response)
        guard response.status != 200 else {
            breaker.recordSuccess(at: now)
            return Reply(
                token: request.token, body: response.body, isSBE: response.isSBE,
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
        let row = VenueStatus.of(response.status)
        switch row.rest {
        case .pause:
            counts.limited += 1
            breaker.recordNothing()
            let seconds = response.retryAfter
            // A little late: early would count as ignoring it. Nothing else is asked meanwhile.
            let barred = min(seconds, Self.longestBan)
            pausedUntil = max(pausedUntil, now + Int64((barred + 0.25) * 1e9))
            shared?.note(barredFor: barred)
            guard seconds <= options.longestPause else {
                throw VenueFailure(
                    .gaveUp, "\(words): the venue bars this address for \(Spoken.seconds(barred))")
            }
            warn("\(words): all requests wait \(Spoken.seconds(barred))", .barred)
            // The venue's own pause is not one of the request's attempts.
            var request = request
            request.attempts -= 1
            waiting.insert(request, at: 0)
        case .later:
            try retry(request, because: "\(words): \(row.hint)", after: 30)
        case .again:
            try retry(request, because: words, cause: row.restCause)
        case .asJSON
        where asksSBE
            && (response.status == 406 || error == nil || error?.remedy == .json):
            guard options.encoding == .auto else {
                throw VenueFailure(
                    .unavailable, "\(words): no SBE \(options.schema) here; try --encoding json")
            }
            if usesSBE {
                warn("\(words): no SBE \(options.schema) here, asking for JSON from now on")
            }
            usesSBE = false
            waiting.insert(request, at: 0)
        case .asJSON, .final:
            breaker.recordNothing()
            if error?.remedy == .retry { return try retry(request, because: words) }
            throw VenueFailure(
                request, status: response.status, error: error,
                location: response.header("location").map { String($0.prefix(200)) })
        }
    }

    private mutating func retry(
        _ request: Request, because reason: String, hint: String = "", after least: Double = 0,
        cause: VenueFailure.Cause = .gaveUp
    ) throws(VenueFailure) {
        breaker.recordFailure(at: now)
        guard request.attempts < options.maximumAttempts else {
            let words = "\(reason), after \(Spoken.count(request.attempts, "attempt"))\(hint)"
            throw VenueFailure(cause, "\(request.url): \(words)")
        }
        var request = request
        var pause = Backoff(base: options.backoff.initial, cap: options.backoff.longest)
            .delay(attempt: request.attempts)
        pause = max(pause, min(least, options.backoff.longest))
        request.notBefore = now + Int64(pause * 1e9)
        notices.noteRetry(of: request, because: reason, after: pause)
        // Ahead of later pages: these are what the output waits for.
        waiting.insert(request, at: 0)
    }

    func warn(_ text: String, _ cause: Cause = .once) { notices.warn(text, cause) }
}
