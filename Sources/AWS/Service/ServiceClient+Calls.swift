import Posix
import Transport

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

extension ServiceClient {
    /// The end of one call.
    struct Completion {
        /// Of ``submit(_:token:)``.
        let token: Int
        /// The response with a status from 200 to 299, or why there is none.
        let result: Result<HTTPResponse, AWSError>
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
        breaker.recordNothing()
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
            let pause = min(deadline, nextDue(now: now)) - now
            let done: [HTTPClient.Completion]
            do throws(TransportError) {
                // The policy's question is asked four times a second.
                done = try http.wait(
                    timeoutMilliseconds: Int32(min(250, max(0, (pause + 999_999) / 1_000_000))),
                    alsoReadable: descriptors)
            } catch {
                throw AWSError(
                    .unavailable, service: service, operation: "wait", message: "\(error)")
            }
            for completion in done { settle(completion) }
            if !ended.isEmpty { return takeEnded() }
            if policy.shouldStop(), let stopped = pending.values.first {
                throw self.stopped(stopped.call)
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
            guard breaker.allows(at: now) else { return }
            do throws(AWSError) {
                try start(&next, token)
                pending[token] = next
            } catch {
                breaker.recordNothing()
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
            next.clockOffset = clock.offset
            request = next.call.signed(
                credentials: credentials, region: region, service: service,
                now: now + clock.offset)
        } else {
            request = next.call.unsigned()
        }
        next.attempt += 1
        next.isSent = true
        do throws(TransportError) { try http.submit(request, token: token) } catch {
            throw failure(error, next.call)
        }
    }

    /// When there will be something to start, ns; far off when only answers can change that.
    private func nextDue(now: Int64) -> Int64 {
        var next = Int64.max
        for call in pending.values where !call.isSent { next = min(next, call.due) }
        if next == .max { return next }
        // With a probe under way its answer decides.
        return breaker.opening(at: now).map { max(next, $0) } ?? .max
    }

    // MARK: - Judging answers

    private mutating func settle(_ completion: HTTPClient.Completion) {
        let token = completion.token
        guard var call = pending[token] else { return }
        call.isSent = false
        let now = Clock.monotonicNanoseconds()
        var isSkewed = false
        var asked: Double?
        let error: AWSError
        switch completion.result {
        case .success(let response):
            guard let failure = failure(response, call.call) else {
                breaker.recordSuccess(at: now)
                quota.recordSuccess(lastRetry: call.lastRetry)
                return end(token, .success(response))
            }
            error = failure
            asked = response.header("x-amz-retry-after").flatMap { Double($0) }.map { $0 / 1000 }
            isSkewed =
                !call.hasCorrectedClock
                && clock.corrects(error, response, signedWith: call.clockOffset)
        case .failure(let failure): error = self.failure(failure, call.call)
        }
        note(error, at: now)
        switch RetryDecision(error, isSkewed: isSkewed, conflictIsFinal: call.call.conflictIsFinal)
        {
        case .final: return end(token, .failure(error))
        case .correctClock:
            guard isSkewed else { return end(token, .failure(error)) }
            call.hasCorrectedClock = true
        case .renewCredentials:
            guard !call.hasRenewed, let used = call.credentials, provider.invalidate(used) else {
                return end(token, .failure(error))
            }
            call.hasRenewed = true
        case .retry(let reason):
            if reason == .throttle { throttles += 1 }
            guard call.attempt < policy.attempts, quota.spend(reason) else {
                return end(token, .failure(error))
            }
            call.lastRetry = reason
            let delay = policy.delay(reason, attempt: call.attempt, asked: asked)
            policy.onRetry(
                RetryPolicy.Retry(
                    error: error, attempt: call.attempt, delay: delay, circuit: circuit))
            call.due = now + Int64(delay * 1e9)
        }
        pending[token] = call
    }

    private mutating func end(_ token: Int, _ result: Result<HTTPResponse, AWSError>) {
        pending[token] = nil
        ended.append(Completion(token: token, result: result))
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
