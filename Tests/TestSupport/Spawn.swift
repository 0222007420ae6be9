import Glibc
import Posix

/// Programs of a test: what ``Posix/Spawn`` lacks for them.
extension Spawn {
    /// How much longer than usual programs may take: `TEST_PATIENCE`, which Scripts/sanitize sets.
    static let patience = getenv("TEST_PATIENCE").flatMap { Double(String(cString: $0)) } ?? 1

    /// Waits for a program; one that takes over two minutes is killed with its group.
    ///
    /// - Returns: the exit status, 128 + n after signal n.
    static func finish(_ pid: pid_t, seconds: Double = 120 * patience) -> Int32 {
        let deadline = Clock.monotonicNanoseconds() + Int64(seconds * 1e9)
        if let status = wait(for: pid, until: deadline) { return status }
        kill(-pid, SIGKILL)
        return wait(for: pid) ?? 137
    }

    /// Opens a file that no other process inherits.
    static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        return descriptor
    }
}
