import CLinux
import Glibc

/// A flag that ends a poll loop's wait: raised by a signal handler or another thread as often as
/// they like, lowered by the loop.
///
/// One value for the life of the process or of its owner; copies are the same flag.
public struct WakeupFlag: Sendable {
    /// Readable while the flag is up.
    public let descriptor: Int32

    /// The flag is down.
    ///
    /// - Throws: when the process may open no more files.
    public init() throws(SystemError) {
        descriptor = clinux_eventfd(0)
        guard descriptor >= 0 else { throw SystemError("make", "an eventfd") }
    }

    /// Raises it; never waits, and may be called from a signal handler.
    public func raise() { Self.raise(descriptor) }

    /// Raises the flag of a descriptor number.
    public static func raise(_ descriptor: Int32) {
        var one: UInt64 = 1
        let saved = errno
        // It fails only when 2^64 - 2 were raised already.
        _ = write(descriptor, &one, 8)
        errno = saved
    }

    /// True while it is up.
    public var isRaised: Bool { Descriptor.isReadable(descriptor) }

    /// Lowers it.
    ///
    /// - Returns: true when it was up.
    public func lower() -> Bool {
        var count: UInt64 = 0
        return read(descriptor, &count, 8) == 8
    }

    /// Gives the descriptor back; for an owner that ends before the process does.
    public func close() { Glibc.close(descriptor) }
}
