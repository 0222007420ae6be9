import Glibc
import Posix
import Transport

/// Sends signed calls to one service and sends them again as its rules say.
///
/// Keeps what outlives a call: connections, credentials, the clock's offset, the retry quota and
/// the circuit breaker. One thread.
struct ServiceClient: ~Copyable {
    /// Clocks further apart than this count as skewed, seconds; the SDKs' threshold.
    private static let skewThreshold: Int64 = 240

    let service: String
    var region: String
    var policy: RetryPolicy
    private var http: HTTPClient
    private var provider: CredentialsProvider
    private var quota = RetryQuota()
    private var breaker = CircuitBreaker(failures: 5, coolDown: 10)
    /// The service's clock minus ours, seconds.
    private var clockOffset: Int64 = 0

    init(
        service: String, region: String, credentials: CredentialsProvider, policy: RetryPolicy,
        authorities: String?
    ) throws(AWSError) {
        self.service = service
        self.region = region
        self.policy = policy
        provider = credentials
        do throws(TransportError) {
            http = try HTTPClient(connections: 8, authorities: authorities)
        } catch {
            throw AWSError(
                .unavailable, service: service, operation: "start", message: error.reason)
        }
    }

    var circuit: CircuitBreaker.State { breaker.state(at: Clock.monotonicNanoseconds()) }
    var retryTokens: Int { quota.tokens }

    /// Sends a call until it has an answer that counts.
    ///
    /// - Returns: the response with a status from 200 to 299, or 304.
    mutating func send(_ call: ServiceCall) throws(AWSError) -> HTTPResponse {
        var attempt = 0
        var lastRetry: RetryQuota.Reason?
        var hasCorrectedClock = false
        var hasRenewed = false
        while true {
            try awaitCircuit(call)
            attempt += 1
            let error: AWSError
            var isSkewed = false
            do throws(AWSError) {
                let response = try exchange(call)
                isSkewed = abs(skew(response)) > Self.skewThreshold
                guard let failure = failure(response, call) else {
                    breaker.recordSuccess(at: Clock.monotonicNanoseconds())
                    quota.recordSuccess(lastRetry: lastRetry)
                    return response
                }
                if isSkewed { isSkewed = !hasCorrectedClock }
                error = failure
                note(failure)
                if isSkewed,
                    Verdict(failure, isSkewed: true, conflictIsFinal: true) == .correctClock
                {
                    clockOffset += skew(response)
                }
            } catch let failure {
                if failure.category == .stopped || failure.transport == nil {
                    breaker.recordNothing()
                    throw failure
                }
                error = failure
                note(failure)
            }
            switch Verdict(error, isSkewed: isSkewed, conflictIsFinal: call.conflictIsFinal) {
            case .final: throw error
            case .correctClock:
                guard isSkewed else { throw error }
                hasCorrectedClock = true
            case .renewCredentials:
                guard !hasRenewed, provider.invalidate() else { throw error }
                hasRenewed = true
            case .retry(let reason):
                guard attempt < policy.attempts, quota.spend(reason) else { throw error }
                lastRetry = reason
                let backoff = reason == .throttle ? policy.throttled : policy.transient
                let delay = backoff.delay(attempt: attempt)
                policy.onRetry(
                    RetryPolicy.Retry(
                        error: error, attempt: attempt, delay: delay, circuit: circuit))
                try pause(delay, call)
            }
        }
    }

    // MARK: - One attempt

    private mutating func exchange(_ call: ServiceCall) throws(AWSError) -> HTTPResponse {
        let now = Clock.realtimeNanoseconds() / 1_000_000_000
        let credentials = try provider.credentials(at: now)
        let request = call.signed(
            credentials: credentials, region: region, service: service, now: now + clockOffset)
        var watched = policy.wakeDescriptor
        do throws(TransportError) {
            try http.submit(request, token: 0)
            while true {
                let completions = try http.wait(
                    timeoutMilliseconds: 250, alsoReadable: [watched])
                if let completion = completions.first { return try completion.result.get() }
                if policy.shouldStop() { break }
                // The signal was seen and the answer is to go on: watching it further would spin.
                if Descriptor.isReadable(watched) { watched = -1 }
            }
        } catch {
            throw failure(error, call)
        }
        http.cancel(token: 0)
        throw stopped(call)
    }

    private func failure(_ error: TransportError, _ call: ServiceCall) -> AWSError {
        AWSError(error, service: service, operation: call.operation, subject: call.subject)
    }

    /// The error that a response holds; nil for a good one.
    private func failure(_ response: HTTPResponse, _ call: ServiceCall) -> AWSError? {
        AWSError(
            response, service: service, operation: call.operation, subject: call.subject,
            mayHideError: call.mayHideError)
    }

    // MARK: - Between attempts

    /// A refusal is an answer: only failures of the service count towards opening the circuit.
    private mutating func note(_ error: AWSError) {
        let now = Clock.monotonicNanoseconds()
        if error.status == 0 || error.status >= 500 && error.status != 501 {
            breaker.recordFailure(at: now)
        } else {
            breaker.recordSuccess(at: now)
        }
    }

    private mutating func awaitCircuit(_ call: ServiceCall) throws(AWSError) {
        while !breaker.allows(at: Clock.monotonicNanoseconds()) {
            let left = breaker.delay(at: Clock.monotonicNanoseconds())
            try pause(max(0.001, Double(left) / 1e9), call)
        }
    }

    private func pause(_ seconds: Double, _ call: ServiceCall) throws(AWSError) {
        let end = Clock.monotonicNanoseconds() + Int64(seconds * 1e9)
        var watched = policy.wakeDescriptor
        while true {
            if policy.shouldStop() { throw stopped(call) }
            let left = end - Clock.monotonicNanoseconds()
            if left <= 0 { return }
            Descriptor.waitUntilReadable(watched, seconds: min(0.25, Double(left) / 1e9 + 0.001))
            if Descriptor.isReadable(watched), !policy.shouldStop() { watched = -1 }
        }
    }

    private func stopped(_ call: ServiceCall) -> AWSError {
        AWSError(
            .stopped, service: service, operation: call.operation,
            message: "the program is asked to stop", subject: call.subject)
    }

    private func skew(_ response: HTTPResponse) -> Int64 {
        guard let date = response.header("date").flatMap(Timestamps.parseHTTP) else { return 0 }
        return date - Clock.realtimeNanoseconds() / 1_000_000_000 - clockOffset
    }
}
