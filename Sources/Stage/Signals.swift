import Glibc
public import Posix

/// SIGTERM, SIGINT and SIGHUP as a descriptor that becomes readable, so that a poll loop sees them.
///
/// SIGPIPE is ignored: a vanished reader shows as `EPIPE` from write(2), under a shell as under
/// systemd.
public enum Signals {
    /// Starts to watch; called once, before the stage reads anything.
    ///
    /// - Returns: a descriptor that is readable once a signal came, and stays so.
    static func watch() throws(SystemError) -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("make", "a signal pipe") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        writeEnd = ends[1]
        signal(SIGPIPE, SIG_IGN)
        // What whoever started this ignores stays ignored: so a script keeps ^C for its source.
        for number in [SIGTERM, SIGINT, SIGHUP] where !isIgnored(number) {
            signal(number) { _ in
                // Only async-signal-safe calls in here.
                var byte: UInt8 = 1
                let saved = errno
                _ = write(Signals.writeEnd, &byte, 1)
                errno = saved
            }
        }
        return ends[0]
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        return handler == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Starts to watch SIGHUP apart, which otherwise stops the program as SIGTERM does.
    ///
    /// - Returns: a descriptor that is readable when one came; see ``takeHangup(_:)``.
    public static func watchHangup() throws(SystemError) -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("make", "a signal pipe") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        hangupEnd = ends[1]
        signal(SIGHUP) { _ in
            var byte: UInt8 = 1
            let saved = errno
            _ = write(Signals.hangupEnd, &byte, 1)
            errno = saved
        }
        return ends[0]
    }

    /// True when SIGHUP came since the last call.
    public static func takeHangup(_ descriptor: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64)
        var came = false
        while read(descriptor, &bytes, bytes.count) > 0 { came = true }
        return came
    }

    /// True once a stop signal came.
    static func isRaised(_ descriptor: Int32) -> Bool {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 0) > 0
    }

    // Written once before the handlers are installed, read by them only.
    nonisolated(unsafe) private static var writeEnd: Int32 = -1
    nonisolated(unsafe) private static var hangupEnd: Int32 = -1
}
