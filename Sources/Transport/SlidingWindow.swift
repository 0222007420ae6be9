/// Lets a number of things happen in any window of time, however the window is laid.
///
/// A bucket that fills at a rate would let twice as many through in its first window; servers that
/// count strictly close connections for that.
public struct SlidingWindow: Sendable {
    /// Things in a window.
    public let limit: Int
    /// Length of the window, ns.
    public let window: Int64
    /// When the last ones happened, oldest at `next` once it is full.
    private var times: [Int64] = []
    private var next = 0

    /// Nothing happened yet.
    public init(limit: Int, window: Int64) {
        self.limit = max(1, limit)
        self.window = window
    }

    /// Time until one more may happen, ns; 0 or less when it may now.
    public func delay(at now: Int64) -> Int64 {
        times.count < limit ? 0 : times[next] + window - now
    }

    /// Notes that one happens now.
    ///
    /// - Returns: false when it may not; nothing is noted then.
    public mutating func take(at now: Int64) -> Bool {
        guard delay(at: now) <= 0 else { return false }
        if times.count < limit {
            times.append(now)
        } else {
            times[next] = now
            next = (next + 1) % limit
        }
        return true
    }
}
