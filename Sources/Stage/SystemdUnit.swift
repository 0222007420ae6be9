import Glibc
import Posix

/// The unit of systemd whose process this is.
enum SystemdUnit {
    /// What a stage is called that a unit starts: what is between `@` and `.service` in the
    /// unit's name, else the name; nil for a process that no unit starts itself.
    ///
    /// A shell within a unit, as that of cron or of a desktop, has the unit's variables too: only the
    /// process that systemd executed counts (`SYSTEMD_EXEC_PID`, systemd.exec(5)).
    static var instance: String? {
        guard Environment.all["SYSTEMD_EXEC_PID"] == "\(getpid())",
            let bytes = try? Files.read("/proc/self/cgroup", limit: 64 << 10)
        else { return nil }
        return instance(cgroups: String(decoding: bytes, as: UTF8.self))
    }

    /// Takes it from the text of /proc/PID/cgroup (cgroups(7)).
    static func instance(cgroups text: String) -> String? {
        let names = text.split(separator: "\n").compactMap { line in
            line.split(separator: "/").last { $0.hasSuffix(".service") }
        }
        guard let unit = names.first?.dropLast(".service".count), !unit.isEmpty else {
            return nil
        }
        let parts = unit.split(separator: "@", maxSplits: 1)
        return String(parts.count == 2 && !parts[1].isEmpty ? parts[1] : unit)
    }
}
