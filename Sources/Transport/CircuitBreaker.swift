/// Stops asking a service that keeps failing, then asks carefully whether it is back.
///
/// Closed: all requests pass. After `failures` in a row it opens: none pass for the cool-down.
/// Then it is half-open: one request passes, and its outcome closes or opens it again. A pure
/// value; times are ns of a monotonic clock, from the caller.
public struct CircuitBreaker: Sendable, Equatable {
    /// Which requests pass.
    public enum State: String, Sendable, CustomStringConvertible {
        case closed
        case open
        case halfOpen = "half-open"

        /// The state in words.
        public var description: String { rawValue }
    }

    private let threshold: Int
    private let coolDown: Int64
    private var failuresInARow = 0
    private var openedAt: Int64?
    private var isProbing = false

    /// A closed breaker.
    ///
    /// - Parameters:
    ///   - failures: failures in a row that open it.
    ///   - coolDown: seconds for which it stays open.
    public init(failures: Int, coolDown: Double) {
        threshold = max(1, failures)
        self.coolDown = Int64(coolDown * 1e9)
    }

    /// The state at a time.
    public func state(at now: Int64) -> State {
        guard let openedAt else { return .closed }
        return now - openedAt < coolDown ? .open : .halfOpen
    }

    /// When a request may pass, ns; nil while the outcome of the one that probes decides.
    public func opening(at now: Int64) -> Int64? {
        guard let openedAt else { return now }
        return isProbing ? nil : max(now, openedAt + coolDown)
    }

    /// True when a request may be sent; half-open, only the first caller gets true.
    public mutating func allows(at now: Int64) -> Bool {
        switch state(at: now) {
        case .closed: return true
        case .open: return false
        case .halfOpen:
            if isProbing { return false }
            isProbing = true
            return true
        }
    }

    /// Notes a request that the service answered.
    public mutating func recordSuccess(at now: Int64) {
        failuresInARow = 0
        openedAt = nil
        isProbing = false
    }

    /// Notes a request that failed through the service's fault.
    public mutating func recordFailure(at now: Int64) {
        failuresInARow += 1
        isProbing = false
        if failuresInARow >= threshold { openedAt = now }
    }

    /// Notes a request that ended without telling anything, so that another one may probe.
    public mutating func recordNothing() { isProbing = false }
}
