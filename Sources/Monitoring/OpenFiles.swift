import Glibc
import Posix

/// Files that other processes have open, as far as this one may see them.
enum OpenFiles {
    /// The first whose path ends so; nil for none.
    static func path(endingIn end: String, of pid: Int32) -> String? {
        let folder = "/proc/\(pid)/fd"
        for name in (try? Files.list(folder)) ?? [] {
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink("\(folder)/\(name)", &bytes, bytes.count)
            guard count > 0 else { continue }
            let path = String(
                decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if path.hasSuffix(end) { return path }
        }
        return nil
    }
}
