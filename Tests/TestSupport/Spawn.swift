import Foundation

/// Starting and ending processes. Not Foundation's `Process`: its descriptors leak into whatever
/// another thread starts at the same moment, and a pipe whose other end leaked never ends.
enum Spawn {
    /// Why a program could not be started.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let lock = NSLock()

    /// Starts a program in a process group of its own.
    ///
    /// - Parameters:
    ///   - descriptors: its standard input, output and error.
    /// - Returns: its pid.
    static func start(
        _ path: String, _ arguments: [String], environment: [String: String],
        descriptors: [Int32]
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (target, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(target))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        // A test's thread may have signals blocked, which a program would inherit.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let values = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var envp = values.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        lock.lock()
        defer { lock.unlock() }
        let code = posix_spawn(&pid, path, &actions, &attributes, &argv, &envp)
        guard code == 0 else {
            throw Failure(description: "cannot start \(path): \(String(cString: strerror(code)))")
        }
        return pid
    }

    /// Waits for a process; one that takes over two minutes is killed with its group.
    ///
    /// - Returns: the exit status, 128 + n after signal n.
    static func wait(_ pid: pid_t, seconds: Double = 120) -> Int32 {
        var status: Int32 = 0
        let ended = waitUntil(seconds) { waitpid(pid, &status, WNOHANG) == pid }
        if !ended {
            kill(-pid, SIGKILL)
            waitpid(pid, &status, 0)
        }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    /// A pipe that no other process inherits.
    static func makePipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        // Between the two calls no process may be started.
        lock.lock()
        defer { lock.unlock() }
        guard pipe(&ends) == 0 else { throw Failure(description: "cannot make a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Opens a file that no other process inherits.
    static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        let descriptor = Foundation.open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Failure(description: "cannot open \(path)") }
        return descriptor
    }
}
