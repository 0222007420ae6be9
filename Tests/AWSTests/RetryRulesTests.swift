import Testing

@testable import AWS
@testable import Transport

/// What becomes of a call after an attempt, without a connection.
struct RetryRulesTests {
    /// An answer, what it means for the call, and for the circuit breaker.
    struct Sample: CustomTestStringConvertible, Sendable {
        let name: String
        let result: @Sendable () -> Result<HTTPResponse, TransportError>
        let ends: Bool
        /// Longest pause before the next attempt, seconds.
        var pause = 0.0
        var isThrottle = false

        var testDescription: String { name }

        init(
            _ name: String, ends: Bool, pause: Double = 0, isThrottle: Bool = false,
            _ result: @escaping @Sendable () -> Result<HTTPResponse, TransportError>
        ) {
            (self.name, self.ends, self.pause, self.isThrottle) = (name, ends, pause, isThrottle)
            self.result = result
        }
    }

    private static func answer(_ status: Int, _ code: String = "") -> HTTPResponse {
        let body = code.isEmpty ? "" : "<Error><Code>\(code)</Code><Message>m</Message></Error>"
        return HTTPResponse(status: status, headers: [], body: Array(body.utf8))
    }

    private static func failure(_ kind: TransportError.Kind) -> TransportError {
        TransportError(kind: kind, url: "https://bucket.invalid", reason: "because")
    }

    private static let samples = [
        Sample("200", ends: true) { .success(answer(200)) },
        Sample("access denied", ends: true) { .success(answer(403, "AccessDenied")) },
        Sample("no such bucket", ends: true) { .success(answer(404, "NoSuchBucket")) },
        Sample("an internal error", ends: false, pause: 0.1) {
            .success(answer(500, "InternalError"))
        },
        Sample("502 without a code", ends: false, pause: 0.1) { .success(answer(502)) },
        Sample("a throttle", ends: false, pause: 2, isThrottle: true) {
            .success(answer(503, "SlowDown"))
        },
        Sample("429 without a code", ends: false, pause: 2, isThrottle: true) {
            .success(answer(429))
        },
        Sample("a timeout", ends: false, pause: 0.1) { .failure(failure(.timeout)) },
        Sample("no connection", ends: false, pause: 0.1) { .failure(failure(.connect)) },
        Sample("a malformed request", ends: true) { .failure(failure(.badRequest)) },
        Sample("a file that cannot be read", ends: true) { .failure(failure(.unreadable)) },
    ]

    private static func pending() throws -> PendingCall {
        let endpoint = try #require(Endpoint("https://s3.invalid"))
        var call = PendingCall(
            call: ServiceCall(
                operation: "PutObject", subject: "bucket/key", method: "PUT", endpoint: endpoint,
                authority: "s3.invalid", path: "/bucket/key"))
        call.attempt = 1
        return call
    }

    private static let start: Int64 = 1_000_000_000_000

    @Test(arguments: samples)
    func `an answer ends a call, or has it sent again after a pause`(sample: Sample) throws {
        var rules = RetryRules(service: "s3", policy: RetryPolicy())
        var call = try Self.pending()
        let end = rules.judge(sample.result(), of: &call, at: Self.start) { _ in false }
        #expect((end != nil) == sample.ends, "\(String(describing: end))")
        #expect(rules.throttles == (sample.isThrottle ? 1 : 0))
        guard !sample.ends else { return }
        let pause = Double(call.due - Self.start) / 1e9
        #expect(pause >= 0 && pause <= sample.pause, "\(pause) s")
    }

    @Test func `a call has as many attempts as the policy says`() throws {
        var policy = RetryPolicy()
        policy.attempts = 3
        policy.circuitFailures = 100
        var rules = RetryRules(service: "s3", policy: policy)
        var call = try Self.pending()
        var ends: [Bool] = []
        for attempt in 1...3 {
            call.attempt = attempt
            let end = rules.judge(.success(Self.answer(500)), of: &call, at: Self.start) { _ in
                false
            }
            ends.append(end != nil)
        }
        #expect(ends == [false, false, true])
    }

    @Test func `credentials are renewed once, and only where others can be had`() throws {
        let old = Credentials(accessKeyID: "A", secretAccessKey: "s")
        for canRenew in [true, false] {
            var rules = RetryRules(service: "s3", policy: RetryPolicy())
            var call = try Self.pending()
            call.credentials = old
            var asked: [Credentials] = []
            var ends: [Bool] = []
            for _ in 0..<2 {
                let answer = Self.answer(400, "ExpiredToken")
                let end = rules.judge(.success(answer), of: &call, at: Self.start) {
                    asked.append($0)
                    return canRenew
                }
                ends.append(end != nil)
            }
            #expect(ends == (canRenew ? [false, true] : [true, true]), "renewable: \(canRenew)")
            #expect(asked.allSatisfy { $0 == old } && asked.count == (canRenew ? 1 : 2))
            #expect(call.due == 0, "it is sent again at once")
        }
    }

    @Test func `consecutive failures open the circuit, refusals close it`() throws {
        var policy = RetryPolicy()
        policy.circuitFailures = 3
        policy.circuitCoolDown = 10
        var rules = RetryRules(service: "s3", policy: policy)
        for number in 1...3 {
            let passes = rules.allows(at: Self.start)
            #expect(passes, "before failure \(number)")
            var call = try Self.pending()
            _ = rules.judge(.failure(Self.failure(.timeout)), of: &call, at: Self.start) { _ in
                false
            }
        }
        #expect(rules.circuit(at: Self.start) == .open)
        let early = rules.allows(at: Self.start)
        #expect(!early, "nothing is sent while it is open")
        // Waiting calls are due once the cool-down has passed, not before.
        let due = Self.start + 10_000_000_000
        #expect(rules.start(of: [try Self.pending()], now: Self.start) == due)
        #expect(rules.start(of: [], now: Self.start) == .max)
        let (first, second) = (rules.allows(at: due), rules.allows(at: due))
        #expect(first && !second, "one probe passes")
        #expect(rules.start(of: [try Self.pending()], now: due) == .max, "its answer decides")
        var probe = try Self.pending()
        _ = rules.judge(.success(Self.answer(403, "AccessDenied")), of: &probe, at: due) { _ in
            false
        }
        #expect(rules.circuit(at: due) == .closed)
    }

    @Test func `retries end when their tokens are spent`() throws {
        var policy = RetryPolicy()
        policy.circuitFailures = 1000
        var rules = RetryRules(service: "s3", policy: policy)
        let before = rules.retryTokens
        var retries = 0
        for _ in 0..<100 {
            var call = try Self.pending()
            let end = rules.judge(.success(Self.answer(500)), of: &call, at: Self.start) { _ in
                false
            }
            if end == nil { retries += 1 }
        }
        #expect(retries == before / RetryQuota.Reason.transient.cost, "\(before) tokens")
        #expect(rules.retryTokens < RetryQuota.Reason.transient.cost)
    }
}
