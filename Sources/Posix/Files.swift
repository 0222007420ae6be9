import CLinux
public import Glibc

/// Operations on paths, each with a typed error that names the path.
public enum Files {
    /// Creates a directory and those above it; one that exists is fine.
    ///
    /// - Returns: true when it was not there.
    @discardableResult
    public static func makeDirectories(
        _ path: String, mode: mode_t = 0o755
    ) throws(SystemError) -> Bool {
        try makeDirectory(path, mode: mode) { (above) throws(SystemError) in
            try makeDirectories(above, mode: mode)
        }
    }

    /// Creates a directory and those above it, each of them durable in the one above it; one that
    /// exists is fine.
    public static func makeDurableDirectories(
        _ path: String, mode: mode_t = 0o755
    ) throws(SystemError) {
        let isNew = try makeDirectory(path, mode: mode) { (above) throws(SystemError) in
            try makeDurableDirectories(above, mode: mode)
        }
        guard isNew else { return }
        do throws(SystemError) { try syncDirectory(directory(of: path)) } catch {
            // A directory that one may pass but not list cannot be opened; its owner's to sync.
            if error.code != EACCES { throw error }
        }
    }

    private static func makeDirectory(
        _ path: String, mode: mode_t, _ makeAbove: (String) throws(SystemError) -> Void
    ) throws(SystemError) -> Bool {
        var hasMadeAbove = false
        while true {
            if mkdir(path, mode) == 0 {
                FileRecorder.note(path) { .makeDirectory(path: path) }
                return true
            }
            if errno == EEXIST { return false }
            guard errno == ENOENT, !hasMadeAbove, let slash = path.lastIndex(of: "/"),
                slash != path.startIndex
            else { throw SystemError("create directory", path) }
            try makeAbove(String(path[..<slash]))
            hasMadeAbove = true
        }
    }

    /// Names in a directory, sorted, without `.` and `..`.
    public static func list(_ directory: String) throws(SystemError) -> [String] {
        guard let stream = opendir(directory) else { throw SystemError("list", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The status of a path; nil when nothing is there.
    public static func status(_ path: String) throws(SystemError) -> stat? {
        var status = stat()
        if stat(path, &status) == 0 { return status }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw SystemError("examine", path)
    }

    /// True when the path is there.
    public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Puts `source` in the place of `target`, whatever is there, in one step.
    public static func rename(_ source: String, to target: String) throws(SystemError) {
        guard Glibc.rename(source, target) == 0 else {
            throw SystemError("rename \(source) to", target)
        }
        FileRecorder.note(target) { .rename(from: source, to: target) }
    }

    /// Gives `source` a second name, unless that name is taken (link(2)).
    ///
    /// - Returns: false when `target` exists.
    public static func link(_ source: String, to target: String) throws(SystemError) -> Bool {
        if Glibc.link(source, target) == 0 {
            FileRecorder.note(target) { .link(from: source, to: target) }
            return true
        }
        if errno == EEXIST { return false }
        throw SystemError("link \(source) to", target)
    }

    /// Removes a file; one that is not there is fine.
    public static func remove(_ path: String) throws(SystemError) {
        if unlink(path) == 0 {
            FileRecorder.note(path) { .remove(path: path) }
        } else if errno != ENOENT {
            throw SystemError("remove", path)
        }
    }

    /// Makes names created, renamed or removed in a directory durable.
    public static func syncDirectory(_ path: String) throws(SystemError) {
        let directory = try Descriptor.open(path.isEmpty ? "." : path, O_RDONLY | O_DIRECTORY)
        guard fsync(directory.raw) == 0 else { throw SystemError("sync", path) }
        FileRecorder.note(path) { .syncDirectory(path: path) }
    }

    /// Forces everything on the file system of a path to the device, content and names (syncfs(2)): one
    /// wait for many files.
    public static func syncFileSystem(_ path: String) throws(SystemError) {
        let file = try Descriptor.open(path.isEmpty ? "." : path, O_RDONLY)
        guard clinux_sync_file_system(file.raw) == 0 else {
            throw SystemError("sync the file system of", path)
        }
        FileRecorder.note(path) { .syncFileSystem(path: path) }
    }

    /// The part of a path before its last slash; `.` when there is none.
    public static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The bytes of a whole file.
    ///
    /// - Parameter limit: a file longer than this many bytes is refused with `EFBIG`.
    public static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try Descriptor.open(path, O_RDONLY)
        var bytes = Bytes(capacity: 64 << 10)
        while true {
            let count = try bytes.append(room: 64 << 10) { (buffer) throws(SystemError) in
                try file.read(into: buffer) ?? 0
            }
            if count == 0 { return bytes.array }
            guard bytes.count <= limit else { throw SystemError("read", path, code: EFBIG) }
        }
    }

    /// Writes a file so that a reader, or a crash, sees the old content or the new, never a part:
    /// a neighbour is written, synced and renamed over it.
    ///
    /// - Parameter isSynced: false leaves the syncing to a later call of ``syncFileSystem(_:)``: until
    ///   then a power failure may leave the new name with anything in it.
    public static func replace(
        _ path: String, with bytes: [UInt8], isSynced: Bool = true
    ) throws(SystemError) {
        let neighbour = path + ".new"
        let file = try Descriptor.open(neighbour, O_WRONLY | O_CREAT | O_TRUNC)
        try file.writeAll(bytes.span.bytes)
        if isSynced { try file.sync() }
        try file.close()
        try rename(neighbour, to: path)
        if isSynced { try syncDirectory(directory(of: path)) }
    }
}
