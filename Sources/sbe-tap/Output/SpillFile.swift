import Glibc
import Posix
import Records

/// Records on their way through a file, because their reader is slow: appended at the end, read
/// from the front. What earlier processes left behind is passed on first, from where it is, so that
/// taking it over needs no room on a disk that may be full.
///
/// The file is made when it is first written to: a directory with leftovers and no room is no
/// reason not to pass the leftovers on.
struct SpillFile: ~Copyable {
    private let directory: String
    private let limit: Int64
    private var file: Descriptor?
    private var path = ""
    private var readAt: Int64 = 0
    private var writeAt: Int64 = 0
    /// Oldest first.
    private var leftovers: [SpillLeftover] = []
    /// What an operator should know; whoever shows it empties it.
    var notices: [String] = []

    /// Bytes that a read takes from the file at most, at least one frame.
    private static let portion = Frame.maximumLength

    /// Takes over what others left in a directory.
    init(_ directory: String, limit: Int) throws(SystemError) {
        self.directory = directory
        self.limit = Int64(limit)
        try Files.makeDirectories(directory)
        guard access(directory, W_OK | X_OK) == 0 else {
            throw SystemError("write to", directory)
        }
        for name in try Files.list(directory).sorted() where name.hasSuffix(".spill") {
            do throws(SystemError) {
                if let left = try SpillLeftover("\(directory)/\(name)") { leftovers.append(left) }
            } catch { notices.append("not taken over: \(error)") }
        }
        leftovers.sort { $0.modified < $1.modified }
    }

    /// Bytes that wait, those of leftovers included.
    var bytes: Int { Int(writeAt - readAt) + leftovers.reduce(0) { $0 + $1.bytesLeft } }

    /// True when it may take no more, until all of it is passed on: the front of a file is not given
    /// back, and leftovers take up room as well.
    var isFull: Bool { writeAt + leftovers.reduce(Int64(0)) { $0 + $1.length } >= limit }

    // MARK: - Writing

    /// Appends records.
    mutating func append(_ frames: RawSpan) throws(SystemError) {
        guard !frames.isEmpty else { return }
        if file == nil { try make() }
        guard let file = file.take() else { return }
        var failure: SystemError?
        do throws(SystemError) {
            try file.seek(to: writeAt)
            try file.writeAll(frames)
            writeAt += Int64(frames.byteCount)
        } catch {
            // Half a record would stay for the next process.
            try? file.truncate(to: writeAt)
            failure = error
        }
        self.file = consume file
        if let failure { throw failure }
    }

    /// Makes the file under a name that is free: in a container each start may have the same process
    /// number, and what the last one left must not be overwritten.
    private mutating func make() throws(SystemError) {
        var number = 0
        while file == nil {
            let suffix = number == 0 ? "" : "-\(number)"
            path = "\(directory)/sbe-tap-\(getpid())\(suffix).spill"
            file = try Self.lockedFile(path)
            number += 1
        }
    }

    /// - Returns: nil when the name is taken.
    private static func lockedFile(_ path: String) throws(SystemError) -> Descriptor? {
        let raw = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if raw < 0, errno == EEXIST { return nil }
        if raw < 0 { throw SystemError("create", path) }
        var file = Descriptor(adopting: raw, name: path)
        // Before it is locked, another starter may take it for a leftover and remove it.
        guard try file.lock(), try file.status().st_nlink > 0 else { return nil }
        return file
    }

    // MARK: - Reading

    /// Appends the oldest frames to a buffer; they count as passed on.
    mutating func take(to buffer: inout Bytes) throws {
        if let left = leftovers.first { return try left.take(to: &buffer) }
        let wanted = Int(min(Int64(Self.portion), writeAt - readAt))
        guard wanted > 0, let file = file.take() else { return }
        var failure: SystemError?
        let start = buffer.count
        do throws(SystemError) {
            try file.seek(to: readAt)
            // It takes all that there is room for; what is behind the end is not a record.
            _ = try file.read(appendingTo: &buffer, room: wanted)
        } catch { failure = error }
        self.file = consume file
        if let failure { throw failure }
        let left = Int(writeAt - readAt)
        if buffer.count - start > left { buffer.truncate(to: start + left) }
        // Half a frame could not be written to a FIFO as one; if someone else wrote into the file, all goes.
        let whole = Frame.wholeLength(of: buffer.span(start..<buffer.count))
        if whole > 0 { buffer.truncate(to: start + whole) }
        readAt += Int64(buffer.count - start)
    }

    /// Forgets what was passed on, and gives its space back: to be called when the buffer that took
    /// it is empty.
    mutating func release() throws(SystemError) {
        while let left = leftovers.first, left.isOver {
            if let damage = left.damage {
                // What could not be read is evidence, and may hold records.
                try Files.rename(left.path, to: left.path + ".damaged")
                notices.append("\(damage); the file is kept as \(left.path).damaged")
            } else {
                try Files.remove(left.path)
            }
            leftovers.removeFirst()
        }
        guard readAt == writeAt, readAt > 0, let file = file.take() else { return }
        var failure: SystemError?
        do throws(SystemError) { try file.truncate(to: 0) } catch { failure = error }
        self.file = consume file
        if let failure { throw failure }
        readAt = 0
        writeAt = 0
    }

    /// Removes the own file, of which nothing waits any more.
    mutating func remove() throws(SystemError) {
        guard file != nil else { return }
        try Files.remove(path)
        file = nil
    }
}

/// A spill file whose process is gone, read where it is. It is removed once all of it was passed on:
/// a process that is killed before leaves it for the next one, which passes it on again.
final class SpillLeftover {
    let path: String
    /// Of the whole file, bytes.
    let length: Int64
    /// When it was written to last, ns.
    let modified: Int64
    /// True when nothing of it is left to be passed on.
    private(set) var isOver = false
    /// Why the rest of it cannot be read; nil while it can.
    private(set) var damage: String?
    private var reader: FrameReader
    private var passed = 0

    /// Locks a file.
    ///
    /// - Returns: nil when it is in use, or gone.
    /// - Throws: when it is not a regular file of this user: whoever may write to the directory must
    ///   not be able to put records into the stream, nor stop it with a FIFO.
    init?(_ path: String) throws(SystemError) {
        let raw = Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        if raw < 0, errno == ENOENT { return nil }
        if raw < 0 { throw SystemError("take over", path) }
        var file = Descriptor(adopting: raw, name: path)
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid() else {
            throw SystemError("take over", path, code: EPERM)
        }
        // One that is locked is in use; one without a name was taken over by another starter.
        guard try file.lock(), try file.status().st_nlink > 0 else { return nil }
        self.path = path
        length = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        reader = FrameReader(file)
    }

    /// Bytes that were not passed on yet.
    var bytesLeft: Int { isOver ? 0 : max(1, Int(length) - passed) }

    /// Appends the next whole frames.
    func take(to buffer: inout Bytes) throws {
        do {
            guard try reader.fill() == .frames else {
                isOver = true
                return
            }
            let start = buffer.count
            while let frame = try reader.next() { buffer.append(frame.bytes) }
            passed += buffer.count - start
        } catch FrameError.truncated {
            // The end that a crash cut off.
            isOver = true
        } catch let error as FrameError {
            isOver = true
            damage = "\(path) is damaged: \(error)"
        }
    }
}
