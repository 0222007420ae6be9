public import Glibc
import Posix

/// A process as /proc knows it (proc(5)).
public struct ProcessStatus: Sendable {
    /// Field 22 of /proc/PID/stat: clock ticks from boot to its start, which with its pid names it
    /// permanently.
    public let start: UInt64
    /// Field 3: R running, S sleeping, T stopped by a signal, Z ended and not waited for.
    public let state: UInt8
    /// Fields 14 and 15: processor time in user and in kernel mode, ns.
    public let processorTime: Int64
    /// Field 24: memory that it occupies, bytes.
    public let residentBytes: Int64
    /// True after SIGSTOP or under a debugger.
    public var isStopped: Bool { state == UInt8(ascii: "T") || state == UInt8(ascii: "t") }
    /// True when it ended and its parent has not asked for its status yet.
    public var hasEnded: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }

    /// Looks at a process; nil when there is none of this pid.
    public init?(of pid: pid_t) {
        guard pid > 0, let file = try? Descriptor.open("/proc/\(pid)/stat", O_RDONLY) else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = try? bytes.withUnsafeMutableBytes { (buffer) throws(SystemError) in
            try file.read(into: buffer)
        }
        bytes.removeLast(bytes.count - (count ?? 0))
        // The name before the fields is in parentheses and may hold anything.
        guard let name = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(name + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 21, let state = fields[0].first,
            let start = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        func number(_ index: Int) -> Int64 {
            Int64(String(decoding: fields[index], as: UTF8.self)) ?? 0
        }
        let tick = 1_000_000_000 / Int64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        processorTime = (number(11) &+ number(12)) &* tick
        residentBytes = number(21) &* Int64(sysconf(Int32(_SC_PAGESIZE)))
        self.start = start
        self.state = state
    }
}
