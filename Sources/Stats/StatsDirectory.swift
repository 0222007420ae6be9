import Glibc
import Posix

/// What processes do with the names in a directory of stats files: take one, and remove what is
/// over. A stage holds a lock on its file while it runs (flock(2)), which also other containers see.
public enum StatsDirectory {
    /// How long a starting stage waits for the end of one that has its name, seconds.
    static let patience = 2.0
    /// Between two tries, ms.
    private static let pause: Int32 = 10
    /// Names that are looked at for visitors that were killed, and files that are opened.
    private static let sweep = (names: 4096, files: 128)

    /// Gives a locked file its name. One of the same name is replaced once its lock is free.
    ///
    /// - Parameters:
    ///   - id: of the stage, for the error.
    ///   - patience: seconds for the other process to end.
    static func publish(
        _ neighbour: String, as path: String, id: String, patience: Double
    ) throws(StatsError) {
        let end = Clock.monotonicNanoseconds() + Int64(patience * 1e9)
        while true {
            let outcome: Attempt
            do throws(SystemError) { outcome = try attempt(neighbour, path) } catch {
                throw .system(error)
            }
            switch outcome {
            case .done: return
            case .changed: continue
            case .held(let pid):
                guard Clock.monotonicNanoseconds() < end else {
                    throw .nameTaken(id, pid: pid)
                }
                _ = poll(nil, 0, pause)
            }
        }
    }

    private enum Attempt {
        case done
        /// Someone else gave or took the name in between.
        case changed
        /// A process that runs has it.
        case held(pid: Int32)
    }

    private static func attempt(
        _ neighbour: String, _ path: String
    ) throws(SystemError) -> Attempt {
        guard var old = open(path) else {
            var status = stat()
            guard lstat(path, &status) != 0 else {
                // A link, or a file of others: the new one takes its place, if that is allowed.
                try Files.rename(neighbour, to: path)
                return .done
            }
            guard try Files.link(neighbour, to: path) else { return .changed }
            try Files.remove(neighbour)
            return .done
        }
        guard isFree(&old) else { return .held(pid: header(old)?.pid ?? 0) }
        // Held until the new file is there: whoever waits for the old one sees that it is gone.
        guard isStill(old, at: path) else { return .changed }
        try Files.rename(neighbour, to: path)
        return .done
    }

    // MARK: - Settings

    /// The file that has the settings of the stage of a stats file, beside it; nil for other files.
    public static func settings(beside statsPath: String) -> String? {
        guard statsPath.hasSuffix(".stats") else { return nil }
        return statsPath.dropLast(6) + settingsSuffix
    }

    /// The end of its name.
    public static let settingsSuffix = ".settings"

    /// Removes it, for a stage that is over: before its stats file, since until that is gone no
    /// other stage has the name.
    private static func removeSettings(beside statsPath: String) {
        if let path = settings(beside: statsPath) { try? Files.remove(path) }
    }

    // MARK: - Removing

    /// Removes a file that no process holds any more.
    ///
    /// - Parameter inode: of the file that is meant; another one of its name stays.
    /// - Returns: false when it stays because it is in use or must not be removed.
    @discardableResult
    public static func remove(_ path: String, inode: UInt64) -> Bool {
        guard var file = open(path) else { return !Files.exists(path) }
        guard let status = try? file.status(), UInt64(status.st_ino) == inode, isFree(&file),
            isStill(file, at: path)
        else { return false }
        removeSettings(beside: path)
        return (try? Files.remove(path)) != nil
    }

    /// Removes what visitors left that were killed: a bounded look, which each starting stage
    /// takes, so that the directory stays small where no healthd runs.
    ///
    /// - Returns: how many files went.
    @discardableResult
    public static func removeDeadVisitors(_ directory: String) -> Int {
        guard let stream = opendir(directory) else { return 0 }
        defer { closedir(stream) }
        var (seen, opened, removed) = (0, 0, 0)
        while seen < sweep.names, opened < sweep.files, let entry = readdir(stream) {
            seen += 1
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard isVisitorName(name) else { continue }
            opened += 1
            let path = "\(directory)/\(name)"
            guard var file = open(path), let header = header(file),
                !header.isMember || name.hasSuffix(".new"),
                header.life(ProcessStatus(of: header.pid)) != .running,
                isFree(&file), isStill(file, at: path)
            else { continue }
            removeSettings(beside: path)
            guard (try? Files.remove(path)) != nil else { continue }
            removed += 1
        }
        return removed
    }

    /// True for `stage.PID.stats`, also with a number after the pid, and for the beginning of such
    /// a file, `stage.PID.PID.new`.
    private static func isVisitorName(_ name: String) -> Bool {
        let parts = name.split(separator: ".")
        guard parts.count >= 3, let end = parts.last, end == "stats" || end == "new" else {
            return false
        }
        return parts[parts.count - 2].utf8.allSatisfy {
            (48...57).contains($0) || $0 == UInt8(ascii: "-")
        }
    }

    // MARK: - Files

    /// A file; nil when nothing is there, or nothing that may be opened.
    private static func open(_ path: String) -> Descriptor? {
        try? Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    }

    private static func header(_ file: borrowing Descriptor) -> StatsHeader? {
        var bytes = [UInt8](repeating: 0, count: StatsLayout.tableOffset)
        let count = bytes.withUnsafeMutableBytes { pread(file.raw, $0.baseAddress, $0.count, 0) }
        guard count == bytes.count else { return nil }
        return bytes.withUnsafeBytes { StatsHeader($0) }
    }

    /// Takes the lock of a file; where a file system has no locks, it counts as free.
    private static func isFree(_ file: inout Descriptor) -> Bool { (try? file.lock()) ?? true }

    private static func isStill(_ file: borrowing Descriptor, at path: String) -> Bool {
        var named = stat()
        guard let open = try? file.status(), lstat(path, &named) == 0 else { return false }
        return named.st_ino == open.st_ino && named.st_dev == open.st_dev
    }
}

extension String {
    /// The text; one that is too long is cut, and ends with `~` and its checksum, so that two long
    /// names do not become one.
    func fitted(to length: Int) -> String {
        if utf8.count <= length { return self }
        let checksum = String(CRC32C.of(Array(utf8).span.bytes), radix: 16)
        return cut(to: length - 9) + "~" + checksum
    }
}
