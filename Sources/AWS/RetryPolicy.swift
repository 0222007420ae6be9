public import Transport

/// How long a call is tried, and who is told.
public struct RetryPolicy {
    /// Attempts at one request, the first included.
    public var attempts = 8
    /// Pauses after broken connections and failures of the service: base 50 ms, cap 20 s, as
    /// botocore 1.43 has them.
    public var transient = Backoff(base: 0.05, cap: 20)
    /// Pauses after the service asked for fewer requests: base 1 s, cap 20 s.
    public var throttled = Backoff(base: 1, cap: 20)
    /// Asked often; true ends a call with ``AWSError/Category/stopped``.
    public var shouldStop: () -> Bool = { false }
    /// Told of each request that will be sent again, before the pause.
    public var onRetry: (Retry) -> Void = { _ in }
    /// A descriptor that becomes readable when the program is to stop; -1 for none.
    public var wakeDescriptor: Int32 = -1

    /// The usual policy.
    public init() {}

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
