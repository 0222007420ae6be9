public import Transport

/// How long a call is tried, and who is notified.
///
/// The SDKs' standard retry mode with the numbers of 2026 (botocore 1.43 with
/// `AWS_NEW_RETRIES_2026`, announced as the default from November 2026). Before, pauses were
/// random × min(2^n, 20 s) whatever the reason, and a retry cost 5 tokens, 10 after a timeout.
public struct RetryPolicy {
    /// Attempts at one request, the first included. Who must not lose what it holds begins again
    /// after them.
    public var attempts = 3
    /// Pauses after broken connections and failures of the service: base 50 ms, cap 20 s.
    public var transient = Backoff(base: 0.05, cap: 20)
    /// Pauses after the service asked for fewer requests: base 1 s, cap 20 s.
    public var throttled = Backoff(base: 1, cap: 20)
    /// Failures in a row after which nothing is sent for a while.
    public var circuitFailures = 5
    /// Seconds for which nothing is sent then.
    public var circuitCoolDown: Double = 10
    /// Asked often; true ends a call with ``AWSError/Category/stopped``.
    public var shouldStop: () -> Bool = { false }
    /// Told of each request that will be sent again, before the pause.
    public var onRetry: (Retry) -> Void = { _ in }

    /// The usual policy.
    public init() {}

    /// The pause before the next attempt, seconds.
    ///
    /// - Parameters:
    ///   - attempt: attempts so far.
    ///   - asked: what the service asked for in `x-amz-retry-after`, seconds: followed as far as it
    ///     is not shorter than the usual pause, nor over five seconds longer.
    func delay(_ reason: RetryQuota.Reason, attempt: Int, asked: Double?) -> Double {
        let usual = (reason == .throttle ? throttled : transient).delay(attempt: attempt)
        guard let asked, asked.isFinite else { return usual }
        return max(usual, min(asked, usual + 5))
    }

    /// A request that will be sent again.
    public struct Retry {
        /// Why the last attempt failed.
        public let error: AWSError
        /// Attempts so far.
        public let attempt: Int
        /// Seconds until the next.
        public let delay: Double
        /// The circuit breaker's state.
        public let circuit: CircuitBreaker.State
    }
}
