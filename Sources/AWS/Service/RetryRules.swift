import Transport

/// Decides what becomes of a call after an attempt, and when the next attempt may begin. Keeps what
/// the calls of one service share: the retry quota, the circuit breaker and the clock's offset.
struct RetryRules {
    let service: String
    let policy: RetryPolicy
    /// Answers so far that asked for fewer requests.
    private(set) var throttles = 0
    /// How far the service's clock is from ours.
    var clock = ServiceClock()
    private var quota = RetryQuota()
    private var breaker: CircuitBreaker

    init(service: String, policy: RetryPolicy) {
        self.service = service
        self.policy = policy
        breaker = CircuitBreaker(failures: policy.circuitFailures, coolDown: policy.circuitCoolDown)
    }

    /// Retries that may still be spent, in tokens.
    var retryTokens: Int { quota.tokens }

    /// The circuit breaker's state at a time, ns of the monotonic clock.
    func circuit(at now: Int64) -> CircuitBreaker.State { breaker.state(at: now) }

    // MARK: - Before an attempt

    /// True when an attempt may begin; its end has to be reported.
    mutating func allows(at now: Int64) -> Bool { breaker.allows(at: now) }

    /// Notes an attempt that ended without showing anything of the service.
    mutating func recordNothing() { breaker.recordNothing() }

    /// When the first of some waiting calls may begin, ns; `Int64.max` when none waits, or when the
    /// answer to a probe decides.
    func start(of waiting: some Sequence<PendingCall>, now: Int64) -> Int64 {
        guard let due = waiting.lazy.map(\.due).min() else { return .max }
        return breaker.opening(at: now).map { max(due, $0) } ?? .max
    }

    // MARK: - After an attempt

    /// Judges an attempt.
    ///
    /// - Parameters:
    ///   - call: gets the time of its next attempt.
    ///   - now: ns of the monotonic clock.
    ///   - renew: asks for credentials other than these; false when there will be none.
    /// - Returns: how the call ended; nil when it is to be sent again.
    mutating func judge(
        _ result: Result<HTTPResponse, TransportError>, of call: inout PendingCall, at now: Int64,
        renew: (Credentials) -> Bool
    ) -> Result<HTTPResponse, AWSError>? {
        var isSkewed = false
        var asked: Double?
        let error: AWSError
        switch result {
        case .success(let response):
            guard
                let refusal = AWSError(
                    response, service: service, operation: call.call.operation,
                    subject: call.call.subject, mayHideError: call.call.mayHideError)
            else {
                breaker.recordSuccess(at: now)
                quota.recordSuccess(lastRetry: call.lastRetry)
                return .success(response)
            }
            error = refusal
            asked = response.header("x-amz-retry-after").flatMap { Double($0) }.map { $0 / 1000 }
            isSkewed =
                !call.hasCorrectedClock
                && clock.corrects(error, response, signedWith: call.clockOffset)
        case .failure(let failure): error = self.error(failure, call.call)
        }
        note(error, at: now)
        switch RetryDecision(error, isSkewed: isSkewed, conflictIsFinal: call.call.conflictIsFinal)
        {
        case .final: return .failure(error)
        case .correctClock:
            guard isSkewed else { return .failure(error) }
            call.hasCorrectedClock = true
        case .renewCredentials:
            guard !call.hasRenewed, let used = call.credentials, renew(used) else {
                return .failure(error)
            }
            call.hasRenewed = true
        case .retry(let reason):
            if reason == .throttle { throttles += 1 }
            guard call.attempt < policy.attempts, quota.spend(reason) else {
                return .failure(error)
            }
            call.lastRetry = reason
            let delay = policy.delay(reason, attempt: call.attempt, asked: asked)
            policy.onRetry(
                RetryPolicy.Retry(
                    error: error, attempt: call.attempt, delay: delay, circuit: circuit(at: now)))
            call.due = now + Int64(delay * 1e9)
        }
        return nil
    }

    /// A failure of the connection in terms of the call.
    func error(_ failure: TransportError, _ call: ServiceCall) -> AWSError {
        AWSError(failure, service: service, operation: call.operation, subject: call.subject)
    }

    /// A refusal is an answer: only failures of the service count towards opening the circuit.
    private mutating func note(_ error: AWSError, at now: Int64) {
        if error.transport == .unreadable || error.transport == .badRequest {
            breaker.recordNothing()
        } else if error.status == 0 || error.status >= 500 && error.status != 501 {
            breaker.recordFailure(at: now)
        } else {
            breaker.recordSuccess(at: now)
        }
    }
}

/// A call that was submitted and has not ended.
struct PendingCall {
    let call: ServiceCall
    /// Attempts so far.
    var attempt = 0
    var lastRetry: RetryQuota.Reason?
    var hasCorrectedClock = false
    var hasRenewed = false
    /// True while an exchange is under way.
    var isSent = false
    /// When the next attempt may begin, ns of the monotonic clock.
    var due: Int64 = 0
    /// What the attempt under way was signed with.
    var credentials: Credentials?
    /// And the clock's offset then, seconds: several calls may find the clock wrong at once.
    var clockOffset: Int64 = 0
}
