import CLinux
import Glibc

/// Who holds the lock of a file, for messages.
public enum LockHolder {
    /// The process that holds a lock of flock(2) on a file, such as `process 4711 (s3-put)`;
    /// `another process` when that cannot be seen, as from inside a container.
    ///
    /// Source: proc_locks(5).
    public static func words(of path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0,
            let table = try? Files.read("/proc/locks", limit: 1 << 20)
        else { return "another process" }
        let inode = ":\(status.st_ino)"
        for line in String(decoding: table, as: UTF8.self).split(separator: "\n") {
            // `1: FLOCK  ADVISORY  WRITE 4711 fe:01:123456 0 EOF`; a waiter has `->` after the number.
            let words = line.split(separator: " ")
            guard words.count >= 6, words[1] == "FLOCK", words[5].hasSuffix(inode),
                let pid = Int32(words[4]), pid > 0
            else { continue }
            let name = (try? Files.read("/proc/\(pid)/comm", limit: 64))
                .map { String(decoding: $0, as: UTF8.self).split(separator: "\n").first ?? "" }
            return "process \(pid)" + (name.map { $0.isEmpty ? "" : " (\($0))" } ?? "")
        }
        return "another process"
    }
}
