/// Pauses between attempts: exponential with full jitter.
///
/// The nth pause is a random part of min(cap, base × 2^(n−1)), which spreads clients better than
/// any smaller jitter (AWS Architecture Blog, "Exponential Backoff And Jitter").
public struct Backoff: Sendable {
    /// Longest first pause, seconds.
    public let base: Double
    /// Longest pause, seconds.
    public let cap: Double

    /// Declares pauses.
    public init(base: Double, cap: Double) {
        self.base = max(0, base)
        self.cap = max(0, cap)
    }

    /// The longest pause after `attempt` attempts, 1 for the first; seconds.
    public func ceiling(attempt: Int) -> Double {
        var ceiling = base
        for _ in 1..<max(1, min(attempt, 64)) { ceiling = min(cap, ceiling * 2) }
        return min(cap, ceiling)
    }

    /// A pause after `attempt` attempts, seconds.
    public func delay(attempt: Int) -> Double {
        var generator = SystemRandomNumberGenerator()
        return delay(attempt: attempt, using: &generator)
    }

    /// A pause after `attempt` attempts from a given source of randomness, seconds.
    public func delay(attempt: Int, using generator: inout some RandomNumberGenerator) -> Double {
        Double.random(in: 0...ceiling(attempt: attempt), using: &generator)
    }
}
