/// Counts events strictly: at most that many in any stretch of the window's length.
struct SlidingWindow {
    /// Events that any stretch may have.
    let limit: Int
    /// Its length, ns.
    let length: Int64
    private var times: [Int64] = []

    init(limit: Int, seconds: Double) {
        self.limit = limit
        length = Int64(seconds * 1_000_000_000)
    }

    /// Counts an event.
    ///
    /// - Parameter now: ns of a clock that never goes back.
    /// - Returns: false when it is one too many.
    mutating func admits(at now: Int64) -> Bool {
        times.removeAll { $0 <= now - length }
        times.append(now)
        return times.count <= limit
    }
}
