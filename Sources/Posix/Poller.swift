import Glibc

/// Waits of one thread for several descriptors at once (poll(2)), and what they were ready for.
///
/// The table keeps its storage: a loop that fills it again each turn allocates nothing.
public struct Poller: ~Copyable {
    /// What a descriptor is waited for.
    public struct Events: OptionSet, Sendable {
        /// As in `pollfd`.
        public let rawValue: Int16

        /// From `pollfd`'s bits.
        public init(rawValue: Int16) { self.rawValue = rawValue }

        /// Something can be read, or the other side is gone.
        public static let readable = Events(rawValue: Int16(POLLIN))
        /// Something can be written.
        public static let writable = Events(rawValue: Int16(POLLOUT))
    }

    private var watched: [pollfd] = []

    /// Watches nothing.
    public init() {}

    /// Watches nothing any more.
    public mutating func removeAll() { watched.removeAll(keepingCapacity: true) }

    /// Watches a descriptor.
    ///
    /// - Parameter descriptor: a negative one is never ready.
    /// - Returns: its place, for ``isReady(_:)``.
    @discardableResult
    public mutating func add(_ descriptor: Int32, for events: Events = .readable) -> Int {
        watched.append(pollfd(fd: descriptor, events: events.rawValue, revents: 0))
        return watched.count - 1
    }

    /// Waits until one of them is ready, a signal comes, or time is up.
    ///
    /// - Parameter milliseconds: -1 waits without end.
    /// - Returns: true when one is ready.
    public mutating func wait(milliseconds: Int32) throws(SystemError) -> Bool {
        let ready = poll(&watched, UInt(watched.count), milliseconds)
        if ready < 0 && errno != EINTR { throw SystemError("wait for", "descriptors") }
        // After a signal nothing of an earlier wait must look ready.
        if ready < 0 { for index in watched.indices { watched[index].revents = 0 } }
        return ready > 0
    }

    /// True when the descriptor at a place was ready, or broken, at the last wait.
    public func isReady(_ place: Int) -> Bool { watched[place].revents != 0 }

    /// Waits until a descriptor is readable or another one is.
    ///
    /// - Returns: false when `stop` is, which then counts first.
    public static func waitUntilReadable(_ descriptor: Int32, unless stop: Int32) -> Bool {
        var poller = Poller()
        let input = poller.add(descriptor)
        let stopped = poller.add(stop)
        while true {
            // A failure to wait shows when reading.
            guard let isReady = try? poller.wait(milliseconds: -1) else { return true }
            guard isReady else { continue }
            if poller.isReady(stopped) { return false }
            if poller.isReady(input) { return true }
        }
    }
}
