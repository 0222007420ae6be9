/// How many retries a client may still spend: a token bucket shared by all its requests.
///
/// While a service is well, each request may be retried; when most requests fail, retries would
/// multiply the load, and the bucket runs dry. Numbers of the AWS SDKs' standard retry mode as of
/// 2026 (botocore 1.43, `AWS_NEW_RETRIES_2026`): 500 tokens, a retry costs 14, or 5 after a
/// throttle; a success gives back what its last retry cost, or 1.
public struct RetryQuota: Sendable, Equatable {
    /// Why a request is sent again.
    public enum Reason: Sendable {
        /// A broken connection, a timeout or a failure of the service.
        case transient
        /// The service asked for fewer requests.
        case throttle

        /// Tokens that a retry costs.
        public var cost: Int { self == .transient ? 14 : 5 }
    }

    /// Tokens of a full bucket.
    public let capacity: Int
    /// Tokens left.
    public private(set) var tokens: Int

    /// A full bucket.
    public init(capacity: Int = 500) {
        self.capacity = max(0, capacity)
        tokens = self.capacity
    }

    /// Pays for a retry.
    ///
    /// - Returns: false when the tokens do not suffice; nothing is taken then.
    public mutating func spend(_ reason: Reason) -> Bool {
        guard tokens >= reason.cost else { return false }
        tokens -= reason.cost
        return true
    }

    /// Notes a success.
    ///
    /// - Parameter lastRetry: why the request had been sent again last; nil when it had not.
    public mutating func recordSuccess(lastRetry: Reason?) {
        tokens = min(capacity, tokens + (lastRetry?.cost ?? 1))
    }
}
