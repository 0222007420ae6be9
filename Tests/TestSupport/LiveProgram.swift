public import Foundation
import Posix

/// A built program that a test feeds while it runs, and may kill.
public final class LiveProgram {
    /// Its process.
    public let pid: pid_t
    private var input: Int32
    private let scratch: TemporaryDirectory
    private var status: Int32?

    /// Starts a program whose standard input is a pipe.
    public init(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        scratch = try TemporaryDirectory()
        let pipe = try Spawn.makePipe()
        let errors = try Spawn.open(scratch.path("errors"), O_WRONLY | O_CREAT)
        signal(SIGPIPE, SIG_IGN)
        pid = try Spawn.start(
            [Program.executable(name).path] + arguments, changing: environment,
            input: .descriptor(pipe.read), output: .null, errors: .descriptor(errors))
        for descriptor in [pipe.read, errors] { close(descriptor) }
        input = pipe.write
    }

    deinit {
        closeInput()
        if status == nil {
            kill(-pid, SIGKILL)
            _ = Spawn.finish(pid)
        }
    }

    /// Writes to its standard input; waits where the pipe is full.
    ///
    /// - Returns: false when it reads no more.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.write(input, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return false }
            sent += count
        }
        return true
    }

    /// Writes what fits without waiting.
    ///
    /// - Returns: bytes taken.
    public func writeSome(_ bytes: [UInt8]) -> Int {
        _ = fcntl(input, F_SETFL, O_NONBLOCK)
        defer { _ = fcntl(input, F_SETFL, 0) }
        return max(0, bytes.withUnsafeBytes { Foundation.write(input, $0.baseAddress, $0.count) })
    }

    /// Bytes in the pipe that it has not read yet.
    public var unread: Int32 {
        var count: Int32 = 0
        _ = ioctl(input, UInt(FIONREAD), &count)
        return count
    }

    /// Ends its standard input.
    public func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Sends it a signal.
    public func signalled(_ number: Int32) { kill(pid, number) }

    /// What it has written to standard error so far.
    public var errors: String {
        (try? String(contentsOfFile: scratch.path("errors"), encoding: .utf8)) ?? ""
    }

    /// Its memory in use, KiB.
    public var residentKiB: Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return Int(line.filter(\.isNumber)) ?? 0
    }

    /// Processor time that it has used so far, seconds.
    public var processorSeconds: Double {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        // The name in parentheses may hold spaces; user and system ticks are fields 14 and 15.
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// True once it has ended.
    public var hasEnded: Bool {
        // The third field of /proc/PID/stat, behind the name in parentheses: Z until it is waited for.
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return status != nil || text.split(separator: ")").last?.hasPrefix(" Z") == true
    }

    /// Waits for its end.
    ///
    /// - Returns: the exit status, 128 + n after signal n.
    public func wait() -> Int32 {
        if let status { return status }
        let ended = Spawn.finish(pid)
        status = ended
        return ended
    }
}
