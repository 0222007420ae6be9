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
    let service: String
    var region: String
    var policy: RetryPolicy
    var http: HTTPClient
    let provider: CredentialsProvider
    var quota = RetryQuota()
    var breaker: CircuitBreaker
    var clock = ServiceClock()
    /// Answers so far that asked for fewer requests.
    var throttles = 0
    /// Calls that were submitted and have not ended, by token.
    var pending: [Int: PendingCall] = [:]
    /// Calls that ended before anything was sent, for the next wait.
    var ended: [Completion] = []

    /// - Parameter connections: most connections to one host; as many calls as this make sense at
    ///   once.
    init(
        service: String, region: String, credentials: CredentialsProvider, policy: RetryPolicy,
        authorities: String?, connections: Int = 8
    ) throws(AWSError) {
        self.service = service
        self.region = region
        self.policy = policy
        breaker = CircuitBreaker(failures: policy.circuitFailures, coolDown: policy.circuitCoolDown)
        provider = credentials
        do throws(TransportError) {
            http = try HTTPClient(connections: connections, authorities: authorities)
        } catch {
            throw AWSError(
                .unavailable, service: service, operation: "start", message: error.reason)
        }
    }

    var circuit: CircuitBreaker.State { breaker.state(at: Clock.monotonicNanoseconds()) }
    var retryTokens: Int { quota.tokens }

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

    // MARK: - Errors

    func failure(_ error: TransportError, _ call: ServiceCall) -> AWSError {
        AWSError(error, service: service, operation: call.operation, subject: call.subject)
    }

    /// The error that a response holds; nil for a good one.
    func failure(_ response: HTTPResponse, _ call: ServiceCall) -> AWSError? {
        AWSError(
            response, service: service, operation: call.operation, subject: call.subject,
            mayHideError: call.mayHideError)
    }

    func stopped(_ call: ServiceCall) -> AWSError {
        AWSError(
            .stopped, service: service, operation: call.operation,
            message: "the program is asked to stop", subject: call.subject)
    }
}
