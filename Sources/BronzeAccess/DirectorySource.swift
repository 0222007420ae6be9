import Glibc
import Posix

/// A directory to read from; or one file, whose key is empty.
final class DirectorySource: ObjectPlace {
    private let path: String
    /// The file that was read last stays open.
    private var open: Descriptor?
    private var openKey: String?

    init(_ path: String) { self.path = path }

    private func path(of key: String) -> String { key.isEmpty ? path : "\(path)/\(key)" }

    func list(prefix: String) throws(AccessError) -> [ObjectEntry] {
        guard let status = try Self.status(path) else {
            throw AccessError(.notFound, "\(path): no such file or directory")
        }
        guard status.isDirectory else {
            return [
                ObjectEntry(key: "", length: status.length, etag: "", modified: status.modified)
            ]
        }
        var entries: [ObjectEntry] = []
        // Only directories that can hold such keys are opened.
        let folder = prefix.lastIndex(of: "/").map { String(prefix[..<$0]) } ?? ""
        try add(folder, prefix, depth: 0, to: &entries)
        return entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    /// Deeper directories are not of ours; a link to a directory above would never end.
    private static let deepest = 32

    private func add(
        _ folder: String, _ prefix: String, depth: Int, to entries: inout [ObjectEntry]
    ) throws(AccessError) {
        let place = path(of: folder)
        guard let directory = opendir(place) else {
            if errno == ENOENT { return }
            throw AccessError(SystemError("list", place))
        }
        defer { closedir(directory) }
        errno = 0
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix(".") else { continue }
            let key = folder.isEmpty ? name : "\(folder)/\(name)"
            guard key.hasPrefix(prefix) || prefix.hasPrefix(key + "/") else { continue }
            guard let status = try Self.status(path(of: key)) else { continue }
            if status.isDirectory {
                guard depth < Self.deepest else {
                    throw AccessError(.inputOutput, "\(path(of: key)): directories are too deep")
                }
                try add(key, prefix, depth: depth + 1, to: &entries)
            } else {
                entries.append(
                    ObjectEntry(
                        key: key, length: status.length, etag: "", modified: status.modified))
            }
            errno = 0
        }
        if errno != 0 { throw AccessError(SystemError("list", place)) }
    }

    func facts(of key: String) throws(AccessError) -> ObjectEntry? {
        guard let status = try Self.status(path(of: key)), !status.isDirectory else { return nil }
        return ObjectEntry(key: key, length: status.length, etag: "", modified: status.modified)
    }

    func read(
        _ key: String, at offset: Int64, count: Int, etag: String, appendingTo bytes: inout Bytes
    ) throws(AccessError) {
        let path = path(of: key)
        do throws(SystemError) {
            if openKey != key || open == nil {
                open = try Descriptor.open(path, O_RDONLY)
                openKey = key
            }
        } catch { throw AccessError(error) }
        let raw = open?.raw ?? -1
        var done = 0
        while done < count {
            let read = try bytes.append(room: count - done) { (room) throws(AccessError) in
                while true {
                    let read = pread(
                        raw, room.baseAddress, min(room.count, count - done),
                        off_t(offset) + off_t(done))
                    if read >= 0 { return read }
                    if errno != EINTR { throw AccessError(SystemError("read", path)) }
                }
            }
            if read == 0 { return }
            done += read
        }
    }

    func read(
        _ keys: [String], etags: [String], limit: Int,
        _ body: (Int, Result<[UInt8], AccessError>) -> Void
    ) throws(AccessError) {
        for (place, key) in keys.enumerated() {
            do throws(SystemError) {
                body(place, .success(try Files.read(path(of: key), limit: limit)))
            } catch { body(place, .failure(AccessError(error))) }
        }
    }

    private struct Status {
        let isDirectory: Bool
        let length: Int64
        let modified: Int64
    }

    private static func status(_ path: String) throws(AccessError) -> Status? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw AccessError(SystemError("examine", path))
        }
        return Status(
            isDirectory: status.st_mode & S_IFMT == S_IFDIR, length: Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec))
    }
}
