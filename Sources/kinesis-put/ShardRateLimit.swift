/// How fast one shard may be written to: as fast as it will, until it throttles; then less, and
/// slowly more again.
///
/// Counts in shard-seconds: a shard takes 1000 records or 1 MiB a second (Kinesis Data Streams
/// Developer Guide, "Quotas and limits"), so a record of n bytes costs the larger of 1/1000 and
/// n/1 MiB. A value; times are ns of a monotonic clock.
struct ShardRateLimit: Equatable {
    /// After a throttle the rate is this part of what went through; the SDKs' adaptive mode has it.
    static let decrease = 0.7
    /// Growth of the rate in a second without a throttle.
    static let growth = 0.15
    static let slowest = 0.02
    /// From here on nothing holds the shard back: four times what one takes.
    static let freeAbove = 4.0
    /// The most that may be saved up, in seconds.
    static let burst = 0.25

    /// Shard-seconds in a second; nil while nothing is known to be too much.
    private(set) var rate: Double?
    private var tokens = 0.0
    private var refilledAt: Int64 = 0
    /// What went through lately, in shard-seconds a second, smoothed.
    private var measured = 0.0
    private var measuredAt: Int64 = 0
    private var throttledAt: Int64 = -1

    /// The cost of a record, in shard-seconds.
    static func cost(bytes: Int) -> Double { max(0.001, Double(bytes) / 1_048_576) }

    /// True when a call may start.
    mutating func allows(at now: Int64) -> Bool {
        refill(now)
        return rate == nil || tokens > 0
    }

    /// Ns until ``allows(at:)`` may be true.
    func delay(at now: Int64) -> Int64 {
        guard let rate, tokens <= 0 else { return 0 }
        return max(1_000_000, Int64((0.001 - tokens) / rate * 1e9) - (now - refilledAt))
    }

    /// Notes what a call carries. A call may be larger than what is left: the next one waits.
    mutating func spend(_ cost: Double) { if rate != nil { tokens -= cost } }

    /// Notes what was stored.
    mutating func stored(_ cost: Double, at now: Int64) {
        let elapsed = min(10, max(0.001, Double(now - measuredAt) / 1e9))
        measuredAt = now
        let weight = min(1, elapsed)
        measured = measured * (1 - weight) + cost / elapsed * weight
    }

    /// Notes that the shard asked for less; several answers within half a second count once.
    mutating func throttled(at now: Int64) {
        if throttledAt >= 0, now - throttledAt < 500_000_000 { return }
        throttledAt = now
        let current = rate ?? max(measured, 0.5)
        rate = max(Self.slowest, min(current, max(measured, Self.slowest)) * Self.decrease)
        tokens = min(tokens, 0)
        refilledAt = now
    }

    private mutating func refill(_ now: Int64) {
        guard let current = rate else { return }
        let elapsed = Double(now - refilledAt) / 1e9
        guard elapsed > 0 else { return }
        refilledAt = now
        tokens = min(current * Self.burst, tokens + current * elapsed)
        let grown = current * (1 + Self.growth * min(elapsed, 10))
        rate = grown > Self.freeAbove ? nil : grown
        if rate == nil { tokens = 0 }
    }
}
