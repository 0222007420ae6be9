import Glibc

/// Counts what one thread leaves for another, as bytes in a pipe: so the other can wait for it in
/// its poll loop, or by taking one.
public final class ThreadSignal: Sendable {
    /// Readable while there is something to take.
    public let descriptor: Int32
    private let end: Int32

    /// Nothing to take yet.
    ///
    /// - Throws: when the process may open no more files.
    public init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("make", "a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (descriptor, end) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(end)
    }

    /// Leaves one. Waits while 64 Ki are left.
    public func raise() {
        var byte: UInt8 = 1
        while write(end, &byte, 1) < 0 && errno == EINTR {}
    }

    /// Takes one, and waits until there is one.
    public func take() {
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) < 0 && errno == EINTR {}
    }
}
