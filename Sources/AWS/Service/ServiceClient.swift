import Posix
import Transport

/// Sends signed calls to one service, many at once, and sends them again as its rules say.
///
/// Keeps what outlives a call: connections, credentials, the clock's offset, the retry quota and
/// the circuit breaker. One thread.
///
/// ```swift
/// client.submit(call, token: 7)
/// for completion in try client.wait(timeoutMilliseconds: 50) { … completion.result … }
/// ```
struct ServiceClient: ~Copyable {
    /// The end of one call.
    struct Completion {
        /// Of ``submit(_:token:)``.
        let token: Int
        /// The response with a status from 200 to 299, or why there is none.
        let result: Result<HTTPResponse, AWSError>
    }

    /// What requests are signed for.
    var region: String
    /// What becomes of calls that failed.
    var rules: RetryRules
    private var http: HTTPClient
    private let provider: CredentialsProvider
    /// Calls that were submitted and have not ended, by token.
    private var pending: [Int: PendingCall] = [:]
    /// Calls that ended before anything was sent, for the next wait.
    private var ended: [Completion] = []

    /// - Parameter connections: most connections to one host; as many calls as this make sense at
    ///   once.
    init(
        service: String, region: String, credentials: CredentialsProvider, policy: RetryPolicy,
        authorities: String?, connections: Int = 8
    ) throws(AWSError) {
        self.region = region
        rules = RetryRules(service: service, policy: policy)
        provider = credentials
        do throws(TransportError) {
            http = try HTTPClient(connections: connections, authorities: authorities)
        } catch {
            throw AWSError(
                .unavailable, service: service, operation: "start", message: error.reason)
        }
    }

    var circuit: CircuitBreaker.State { rules.circuit(at: Clock.monotonicNanoseconds()) }
    var retryTokens: Int { rules.retryTokens }

    // MARK: - Calls

    /// Sends a call until it has an answer that counts; other calls must not be under way.
    ///
    /// - Returns: the response with a status from 200 to 299.
    mutating func send(_ call: ServiceCall) throws(AWSError) -> HTTPResponse {
        precondition(pending.isEmpty, "send while calls are under way")
        submit(call, token: 0)
        while true {
            let completions: [Completion]
            do throws(AWSError) { completions = try wait(timeoutMilliseconds: 60_000) } catch {
                cancelAll()
                throw error
            }
            if let completion = completions.first { return try completion.result.get() }
        }
    }

    /// Calls under way, those that wait for their next attempt included.
    var inFlight: Int { pending.count + ended.count }

    /// Starts a call; its end comes from ``wait(timeoutMilliseconds:alsoReadable:)``.
    ///
    /// - Parameter token: names it; must not be in use.
    mutating func submit(_ call: ServiceCall, token: Int) {
        precondition(pending[token] == nil, "token \(token) is in use")
        pending[token] = PendingCall(call: call)
        startWhatIsDue()
    }

    /// Ends a call without a result.
    mutating func cancel(token: Int) {
        ended.removeAll { $0.token == token }
        guard let cancelled = pending.removeValue(forKey: token), cancelled.isSent else { return }
        http.cancel(token: token)
        rules.recordNothing()
    }

    /// Ends every call without a result.
    mutating func cancelAll() {
        for token in pending.keys { cancel(token: token) }
        ended = []
    }

    /// Works on every call until one ends, a descriptor is readable, or time is up.
    ///
    /// - Parameters:
    ///   - timeout: longest wait, ms.
    ///   - descriptors: end the wait when readable; negative ones are ignored.
    /// - Throws: ``AWSError/Category/stopped`` once the policy says so; the calls are under way
    ///   still.
    mutating func wait(
        timeoutMilliseconds timeout: Int32, alsoReadable descriptors: [Int32] = []
    ) throws(AWSError) -> [Completion] {
        let deadline = Clock.monotonicNanoseconds() + Int64(timeout) * 1_000_000
        while true {
            startWhatIsDue()
            if !ended.isEmpty { return takeEnded() }
            let now = Clock.monotonicNanoseconds()
            let next = rules.start(of: pending.values.lazy.filter { !$0.isSent }, now: now)
            let pause = min(deadline, next) - now
            let done: [HTTPClient.Completion]
            do throws(TransportError) {
                // The policy's question is asked four times a second.
                done = try http.wait(
                    timeoutMilliseconds: Int32(min(250, max(0, (pause + 999_999) / 1_000_000))),
                    alsoReadable: descriptors)
            } catch {
                throw AWSError(
                    .unavailable, service: rules.service, operation: "wait", message: "\(error)")
            }
            for completion in done { settle(completion) }
            if !ended.isEmpty { return takeEnded() }
            if rules.policy.shouldStop(), let stopped = pending.values.first?.call {
                throw AWSError(
                    .stopped, service: rules.service, operation: stopped.operation,
                    message: "the program is asked to stop", subject: stopped.subject)
            }
            if descriptors.contains(where: { $0 >= 0 && Descriptor.isReadable($0) }) { return [] }
            if Clock.monotonicNanoseconds() >= deadline { return [] }
        }
    }

    private mutating func takeEnded() -> [Completion] {
        defer { ended = [] }
        return ended
    }

    // MARK: - Starting attempts

    private mutating func startWhatIsDue() {
        let now = Clock.monotonicNanoseconds()
        for token in pending.keys.sorted() {
            guard var next = pending[token], !next.isSent, next.due <= now else { continue }
            guard rules.allows(at: now) else { return }
            do throws(AWSError) {
                try start(&next, token)
                pending[token] = next
            } catch {
                rules.recordNothing()
                end(token, .failure(error))
            }
        }
    }

    private mutating func start(_ next: inout PendingCall, _ token: Int) throws(AWSError) {
        let now = Clock.realtimeNanoseconds() / 1_000_000_000
        let request: HTTPRequest
        if next.call.isSigned {
            let credentials = try provider.credentials(at: now)
            next.credentials = credentials
            next.clockOffset = rules.clock.offset
            request = next.call.signed(
                credentials: credentials, region: region, service: rules.service,
                now: now + rules.clock.offset)
        } else {
            request = next.call.unsigned()
        }
        next.attempt += 1
        next.isSent = true
        do throws(TransportError) { try http.submit(request, token: token) } catch {
            throw rules.error(error, next.call)
        }
    }

    // MARK: - Ending

    private mutating func settle(_ completion: HTTPClient.Completion) {
        let token = completion.token
        guard var call = pending[token] else { return }
        call.isSent = false
        let result = rules.judge(
            completion.result, of: &call, at: Clock.monotonicNanoseconds(),
            renew: provider.invalidate)
        if let result { return end(token, result) }
        pending[token] = call
    }

    private mutating func end(_ token: Int, _ result: Result<HTTPResponse, AWSError>) {
        pending[token] = nil
        ended.append(Completion(token: token, result: result))
    }
}
