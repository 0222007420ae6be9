import Glibc
import Posix
import Records

/// Records on their way through a file, because their reader is slow: appended at the end, read
/// from the front. What an earlier process left behind is passed on first.
struct Spill: ~Copyable {
    private let file: Descriptor
    let path: String
    private let limit: Int64
    private var readAt: Int64 = 0
    private var writeAt: Int64 = 0

    /// Bytes that a read takes from the file at most.
    private static let portion = 1 << 20

    private init(_ file: consuming Descriptor, path: String, limit: Int64) {
        self.file = file
        self.path = path
        self.limit = limit
    }

    /// Makes a file in a directory, and takes over what others left there.
    static func open(_ directory: String, limit: Int) throws -> Spill {
        try Files.makeDirectories(directory)
        var spill = try make(directory, limit: Int64(limit))
        for name in try Files.list(directory) where name.hasSuffix(".spill") {
            let other = "\(directory)/\(name)"
            if other != spill.path { try spill.adopt(other) }
        }
        return spill
    }

    /// Makes a file under a name that is free: in a container each start may have the same process
    /// number, and what the last one left must not be overwritten.
    private static func make(_ directory: String, limit: Int64) throws -> Spill {
        var number = 0
        while true {
            let suffix = number == 0 ? "" : "-\(number)"
            let path = "\(directory)/sbe-tap-\(getpid())\(suffix).spill"
            if let file = try lockedFile(path) { return Spill(file, path: path, limit: limit) }
            number += 1
        }
    }

    /// - Returns: nil when the name is taken.
    private static func lockedFile(_ path: String) throws -> Descriptor? {
        let raw = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        if raw < 0, errno == EEXIST { return nil }
        if raw < 0 { throw SystemError("create", path) }
        var file = Descriptor(adopting: raw, name: path)
        // Before it is locked, another starter may take it for a leftover and remove it.
        let isOurs = try file.lock()
        guard try isOurs && file.status().st_nlink > 0 else { return nil }
        return file
    }

    /// Bytes that wait.
    var bytes: Int { Int(writeAt - readAt) }
    /// True when it may take no more, until all of it is passed on: its front is not given back.
    var isFull: Bool { writeAt >= limit }

    /// Copies the whole frames of a file whose process is gone, and removes it.
    private mutating func adopt(_ other: String) throws {
        let raw = Glibc.open(other, O_RDWR | O_CLOEXEC)
        if raw < 0, errno == ENOENT { return }
        if raw < 0 { throw SystemError("open", other) }
        var old = Descriptor(adopting: raw, name: other)
        // One that is locked is in use; one without a name was adopted by another starter.
        let isLeft = try old.lock()
        guard try isLeft && old.status().st_nlink > 0 else { return }
        var reader = FrameReader(old)
        var frames = Bytes(capacity: 1 << 20)
        do {
            while try reader.fill() == .frames {
                while let frame = try reader.next() { frames.append(frame.bytes) }
                try append(frames.span)
                frames.removeAll()
            }
        } catch is FrameError {
            // The end that a crash cut off.
            try append(frames.span)
        }
        try Files.remove(other)
    }

    /// Appends records.
    mutating func append(_ frames: RawSpan) throws(SystemError) {
        guard !frames.isEmpty else { return }
        try file.seek(to: writeAt)
        do throws(SystemError) { try file.writeAll(frames) } catch {
            // Half a record would stay for the next process.
            try? file.truncate(to: writeAt)
            throw error
        }
        writeAt += Int64(frames.byteCount)
    }

    /// Appends the oldest bytes to a buffer; they count as passed on.
    mutating func take(to buffer: inout Bytes) throws(SystemError) {
        let wanted = Int(min(Int64(Self.portion), writeAt - readAt))
        guard wanted > 0 else { return }
        try file.seek(to: readAt)
        let start = buffer.count
        // It takes all that there is room for; what lies behind the end is no record.
        _ = try file.read(appendingTo: &buffer, room: wanted)
        if buffer.count - start > bytes { buffer.truncate(to: start + bytes) }
        readAt += Int64(buffer.count - start)
    }

    /// Forgets what was passed on, and gives its space back: to be called when the buffer that took
    /// it is empty.
    mutating func release() throws(SystemError) {
        guard readAt == writeAt, readAt > 0 else { return }
        try file.truncate(to: 0)
        readAt = 0
        writeAt = 0
    }
}
