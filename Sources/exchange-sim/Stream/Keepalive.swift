/// The pings of one connection that were not answered yet.
struct Keepalive {
    /// Payloads, oldest first.
    private var waiting: [[UInt8]] = []

    /// A new ping's payload: the time in ms since the epoch, as the venue sends it.
    ///
    /// - Parameter now: µs since the epoch.
    mutating func ping(at now: Int64) -> [UInt8] {
        // Two pings in one millisecond would look alike: then the µs go in.
        var payload = Array("\(now / 1000)".utf8)
        if waiting.contains(payload) { payload = Array("\(now)".utf8) }
        waiting.append(payload)
        return payload
    }

    /// Takes a pong. An answer counts for the pings before it too (RFC 6455, 5.5.3); a pong that
    /// answers nothing keeps nothing alive.
    ///
    /// - Returns: true when it was an answer.
    mutating func pong(_ payload: [UInt8]) -> Bool {
        guard let index = waiting.lastIndex(of: payload) else { return false }
        waiting.removeFirst(index + 1)
        return true
    }

    /// True when a ping is still without its pong.
    func isWaiting(for payload: [UInt8]) -> Bool { waiting.contains(payload) }
}
