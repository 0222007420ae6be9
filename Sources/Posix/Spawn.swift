import CLinux
public import Glibc

/// Starts programs and waits for them.
///
/// Not Foundation's `Process`: stages have no Foundation, and its descriptors leak into what another
/// thread starts at the same moment, so that a pipe whose other end leaked never ends.
public enum Spawn {
    /// What a standard descriptor of a program is.
    public enum Stream: Sendable, Equatable {
        /// The same as ours.
        case inherited
        /// Reads nothing, takes everything: /dev/null.
        case null
        /// One of ours; it stays open here.
        case descriptor(Int32)
    }

    /// Signals that a program gets as the system has them, whatever this process ignores: a shell
    /// cannot wait for its children while SIGCHLD is ignored.
    private static let defaults = [SIGPIPE, SIGTERM, SIGINT, SIGCHLD, SIGHUP, SIGQUIT]

    /// Starts a program in a process group of its own, with no signal blocked.
    ///
    /// - Parameters:
    ///   - words: the program, found in PATH as a shell would unless it has a slash, and its arguments.
    ///   - changes: variables that it gets beside ours, or with other values.
    ///   - endsWithUs: true kills it, and what it started, when this process ends before it.
    /// - Returns: its process id, which is its group's too.
    /// - Throws: the system's reason, such as that there is no such program.
    public static func start(
        _ words: [String], changing changes: [String: String] = [:], input: Stream = .inherited,
        output: Stream = .inherited, errors: Stream = .inherited, endsWithUs: Bool = false
    ) throws(SystemError) -> pid_t {
        precondition(!words.isEmpty)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, stream) in [input, output, errors].enumerated() {
            switch stream {
            case .inherited: break
            case .null:
                posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
            case .descriptor(let own):
                posix_spawn_file_actions_adddup2(&actions, own, Int32(number))
            }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in defaults { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGDEF)
                | Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments = words.map { strdup($0) } + [nil]
        var variables = environment(changes).map { strdup($0) } + [nil]
        defer { for text in arguments + variables { free(text) } }
        return try attached.withLock { (attached) throws(SystemError) in
            var pid: pid_t = 0
            let code = posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, &variables)
            guard code == 0 else { throw SystemError("start", words[0], code: code) }
            if endsWithUs { attached.insert(pid) }
            return pid
        }
    }

    /// Programs that have not ended yet and are not to outlive this process.
    private static let attached = Locked<Set<pid_t>>([])

    /// Kills the programs that are not to outlive this process, and what they started.
    static func killAttached() {
        attached.withLock { attached in
            for pid in attached { kill(-pid, SIGKILL) }
        }
    }

    private static func environment(_ changes: [String: String]) -> [String] {
        var variables: [String] = []
        var next = environ
        while let text = next.pointee {
            next += 1
            let variable = String(cString: text)
            let name = variable.split(separator: "=", maxSplits: 1).first.map(String.init) ?? ""
            if changes[name] == nil { variables.append(variable) }
        }
        return variables + changes.map { "\($0.key)=\($0.value)" }
    }

    /// Waits for a program that was started here.
    ///
    /// - Parameters:
    ///   - deadline: ns of the monotonic clock; `.max` waits until it ends.
    ///   - other: a descriptor that ends the wait too when it is readable; -1 for none.
    /// - Returns: its exit status, or 128 and the number of the signal that ended it; nil when the wait
    ///   ended before. Where SIGCHLD is ignored, as some parents hand it down, the system keeps no status, and
    ///   it is 0.
    public static func wait(
        for pid: pid_t, until deadline: Int64 = .max, orReadable other: Int32 = -1
    ) -> Int32? {
        let ending = clinux_process_descriptor(pid)
        defer { if ending >= 0 { close(ending) } }
        var status: Int32 = 0
        while true {
            // Under the lock: `killAttached` must not meet a number that the system has given away by then.
            let ended = attached.withLock { attached in
                let ended = waitpid(pid, &status, WNOHANG)
                if ended == pid { attached.remove(pid) }
                return ended
            }
            if ended == pid {
                let signal = status & 0x7F
                return signal == 0 ? status >> 8 & 0xFF : 128 + signal
            }
            if ended < 0 && errno == ECHILD { return 0 }
            if ended < 0 && errno != EINTR { return 127 }
            let left = deadline.subtractingReportingOverflow(Clock.monotonicNanoseconds())
            let seconds = left.overflow ? 86_400 : Double(left.partialValue) / 1e9
            guard seconds > 0, !Descriptor.isReadable(other) else { return nil }
            // Without the call the process has to be asked now and then.
            Descriptor.waitUntilReadable(
                ending, or: other, seconds: ending < 0 ? min(0.01, seconds) : seconds)
        }
    }

    /// A pipe of which no other program inherits an end, unless it is given one.
    ///
    /// - Throws: when the process may open no more files.
    public static func makePipe() throws(SystemError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard clinux_pipe(&ends) == 0 else { throw SystemError("make", "a pipe") }
        return (ends[0], ends[1])
    }
}
