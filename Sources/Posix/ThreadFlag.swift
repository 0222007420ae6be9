import CLinux
import Glibc

/// A flag that one thread raises to wake another, in its poll loop or in ``wait()``.
///
/// It says "look again", however often it was raised: what there is to see is in a queue of its
/// own. So raising never waits, as it would with a byte in a pipe for each job.
public final class ThreadFlag: Sendable {
    /// Readable while the flag is raised.
    public let descriptor: Int32

    /// A flag that is not raised (eventfd).
    ///
    /// - Throws: when the process may open no more files.
    public init() throws(SystemError) {
        descriptor = clinux_eventfd(0)
        guard descriptor >= 0 else { throw SystemError("make", "an eventfd") }
    }

    deinit { close(descriptor) }

    /// Raises the flag; never waits.
    public func raise() {
        var one: UInt64 = 1
        while write(descriptor, &one, 8) < 0 && errno == EINTR {}
    }

    /// Lowers the flag. Look at what it stands for afterwards, not before.
    public func lower() {
        var count: UInt64 = 0
        while read(descriptor, &count, 8) < 0 && errno == EINTR {}
    }

    /// Waits until the flag is raised, and lowers it.
    ///
    /// - Parameter seconds: how long at the most; nil for ever.
    /// - Returns: false when the time is up.
    @discardableResult
    public func wait(seconds: Double? = nil) -> Bool {
        let end = seconds.map { Clock.monotonicNanoseconds() + Int64($0 * 1e9) }
        while true {
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = end.map { max(0, ($0 - Clock.monotonicNanoseconds() + 999_999) / 1_000_000) }
            if poll(&watched, 1, left.map { Int32(min($0, 60_000)) } ?? -1) > 0 {
                lower()
                return true
            }
            if let end, Clock.monotonicNanoseconds() >= end { return false }
        }
    }
}
