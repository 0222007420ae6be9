import NIOCore

/// The open connections. One too many ends the oldest: clients that connect and say nothing cannot
/// keep others out.
final class ConnectionLimit {
    private let limit: Int
    private var next = 0
    private var channels: [Int: any Channel] = [:]

    init(limit: Int) { self.limit = limit }

    /// Adds a connection.
    ///
    /// - Returns: its number, for ``remove(_:)``.
    func add(_ channel: any Channel) -> Int {
        while channels.count >= limit, let oldest = channels.keys.min() {
            channels.removeValue(forKey: oldest)?.close(promise: nil)
        }
        next += 1
        channels[next] = channel
        return next
    }

    func remove(_ number: Int) { channels[number] = nil }
}
