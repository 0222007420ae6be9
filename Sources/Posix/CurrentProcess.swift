import CLinux
import Glibc

/// This process, from its first instruction to its last.
public enum CurrentProcess {
    /// The arguments that it was started with, the name that it was called by first.
    ///
    /// Not `CommandLine.arguments`, which is empty when a preloaded library has set an environment
    /// variable before the program began (swiftlang/swift#76080).
    public static var arguments: [String] {
        guard let values = clinux_arguments() else { return [] }
        return (0..<Int(clinux_argument_count())).compactMap { index in
            values[index].map { String(cString: $0) }
        }
    }

    /// The name of this machine; empty when it has none.
    public static var hostName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "" }
        return String(
            decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Makes the process independent of what its parent left it: to be called before anything is
    /// opened.
    ///
    /// - A standard descriptor that is closed is opened on `/dev/null`, so that no file of ours gets
    ///   its number; standard input and output the wrong way round, so that reading from the one or
    ///   writing to the other fails instead of passing for an empty input or a reader.
    /// - No signal is blocked, and children can be waited for (SIGCHLD is not ignored).
    /// - SIGPIPE and SIGXFSZ are ignored: a reader that went away and a file that may not grow are
    ///   errors of write(2), which say what was being written.
    ///
    /// SIGHUP, SIGINT and SIGTERM stay ignored if they were: a script keeps ^C for its source so,
    /// and nohup(1) works.
    public static func prepare() {
        for (number, flags) in [(0, O_WRONLY), (1, O_RDONLY), (2, O_WRONLY)] as [(Int32, Int32)]
        where fcntl(number, F_GETFD) < 0 && errno == EBADF {
            // The lowest free number is this one.
            _ = open("/dev/null", flags)
        }
        var none = sigset_t()
        sigemptyset(&none)
        _ = pthread_sigmask(SIG_SETMASK, &none, nil)
        signal(SIGCHLD, SIG_DFL)
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Writes what C's standard output holds back, such as what `print` wrote.
    public static func flushOutput() throws(SystemError) {
        guard clinux_flush_output() == 0 else { throw SystemError("write to", "standard output") }
    }

    /// Ends the process at once.
    ///
    /// Nothing that libraries registered with atexit(3) runs: OpenSSL frees its tables there, under
    /// the feet of threads that are still using them.
    public static func exit(_ status: Int32) -> Never {
        Spawn.killAttached()
        clinux_exit(status)
    }

    /// Ends the process by a signal, as if nothing had handled it: the shell then sees 128 + n.
    public static func die(of number: Int32) -> Never {
        Spawn.killAttached()
        signal(number, SIG_DFL)
        raise(number)
        clinux_exit(128 + number)
    }
}
