import CLinux
public import Glibc

/// A file descriptor with one owner, closed when the owner goes.
public struct Descriptor: ~Copyable, Sendable {
    /// The number the kernel knows it by.
    public private(set) var raw: Int32
    /// What it was opened on, for error messages.
    public let name: String
    private let isOwned: Bool
    private var isLocked = false

    /// Takes a descriptor over.
    ///
    /// - Parameter isOwned: false leaves it open when this value goes, as for descriptors 0 to 2.
    public init(adopting raw: Int32, name: String, isOwned: Bool = true) {
        self.raw = raw
        self.name = name
        self.isOwned = isOwned
    }

    deinit {
        guard isOwned && raw >= 0 else { return }
        unlock()
        _ = Glibc.close(raw)
    }

    /// Opens a path, as open(2) does; `O_CLOEXEC` is added.
    public static func open(
        _ path: String, _ flags: Int32, mode: mode_t = 0o644
    ) throws(SystemError) -> Descriptor {
        while true {
            let isNew = FileRecorder.isRecording && flags & O_CREAT != 0 && !Files.exists(path)
            let raw = Glibc.open(path, flags | O_CLOEXEC, mode)
            if raw >= 0 {
                if isNew || flags & O_TRUNC != 0 {
                    FileRecorder.note(path) {
                        .create(path: path, isEmptied: flags & O_TRUNC != 0)
                    }
                }
                return Descriptor(adopting: raw, name: path)
            }
            if errno != EINTR {
                throw SystemError(flags & O_CREAT == 0 ? "open" : "create", path)
            }
        }
    }

    /// Opens a file or FIFO to read from it, without waiting for a FIFO's writer: poll(2) waits for
    /// the first byte, and a signal can end that.
    ///
    /// Reading from a FIFO does not wait either; before its first writer came it gives 0.
    public static func openInput(_ path: String) throws(SystemError) -> Descriptor {
        let input = try open(path, O_RDONLY | O_NONBLOCK)
        if try input.status().st_mode & S_IFMT != S_IFIFO {
            _ = fcntl(input.raw, F_SETFL, fcntl(input.raw, F_GETFL) & ~O_NONBLOCK)
        }
        return input
    }

    /// Descriptor 0, not closed with this value.
    public static func standardInput() -> Descriptor {
        Descriptor(adopting: 0, name: "standard input", isOwned: false)
    }

    /// Descriptor 1, not closed with this value.
    public static func standardOutput() -> Descriptor {
        Descriptor(adopting: 1, name: "standard output", isOwned: false)
    }

    /// Descriptor 2, not closed with this value.
    public static func standardError() -> Descriptor {
        Descriptor(adopting: 2, name: "standard error", isOwned: false)
    }

    /// True on a terminal (isatty(3)).
    public var isTerminal: Bool { isatty(raw) == 1 }

    /// The status of the open file (fstat(2)).
    public func status() throws(SystemError) -> stat {
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw SystemError("examine", name) }
        return status
    }

    /// Reads once, up to the buffer's length; 0 means end of file.
    ///
    /// - Returns: nil when the descriptor is non-blocking and nothing is there, or a signal came
    ///   and `retryingOnSignal` is false.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, retryingOnSignal: Bool = true
    ) throws(SystemError) -> Int? {
        while true {
            let count = Glibc.read(raw, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            switch errno {
            case EINTR where retryingOnSignal: continue
            case EINTR, EAGAIN: return nil
            default: throw SystemError("read", name)
            }
        }
    }

    /// Reads once into a buffer; 0 means end of file.
    public func read(
        appendingTo bytes: inout Bytes, room: Int
    ) throws(SystemError) -> Int {
        let (raw, name) = (raw, name)
        return try bytes.append(room: room) { (space) throws(SystemError) in
            while true {
                let count = Glibc.read(raw, space.baseAddress, space.count)
                if count >= 0 { return count }
                if errno != EINTR { throw SystemError("read", name) }
            }
        }
    }

    /// Fills memory with the bytes from an offset on; the file offset stays (pread(2)).
    ///
    /// - Throws: also when the file ends before, with `ENODATA`.
    public func read(
        at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(raw, rest.baseAddress, rest.count, Int(offset) + done)
            if count == 0 { throw SystemError("read", name, code: ENODATA) }
            if count < 0, errno != EINTR { throw SystemError("read", name) }
            done += max(0, count)
        }
    }

    /// Writes every byte, however many calls that takes.
    public func writeAll(_ bytes: RawSpan) throws(SystemError) {
        try bytes.withUnsafeBytes { (buffer) throws(SystemError) in try writeAll(buffer) }
    }

    /// Writes every byte, however many calls that takes; waits where the descriptor would block.
    public func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Glibc.write(
                raw, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if written >= 0 {
                if FileRecorder.isRecording { recordWrite(rest.prefix(written)) }
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: raw, events: Int16(POLLOUT), revents: 0)
                _ = poll(&waiting, 1, -1)
            } else if errno != EINTR {
                throw SystemError("write to", name)
            }
        }
    }

    /// Writes every byte from an offset on; the file offset stays (pwrite(2)).
    public func write(_ bytes: RawSpan, at offset: Int64) throws(SystemError) {
        try bytes.withUnsafeBytes { (buffer) throws(SystemError) in
            var done = 0
            while done < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
                let place = offset + Int64(done)
                let written = pwrite(raw, rest.baseAddress, rest.count, Int(place))
                guard written >= 0 else {
                    if errno == EINTR { continue }
                    throw SystemError("write to", name)
                }
                FileRecorder.note(name) {
                    .write(path: name, offset: place, bytes: Array(rest.prefix(written)))
                }
                done += written
            }
        }
    }

    private func recordWrite(_ bytes: Slice<UnsafeRawBufferPointer>) {
        let end = Int64(lseek(raw, 0, SEEK_CUR))
        guard end >= 0 else { return }
        FileRecorder.note(name) {
            .write(path: name, offset: end - Int64(bytes.count), bytes: Array(bytes))
        }
    }

    /// Takes room on the device for the first bytes of a file, and makes it that long
    /// (posix_fallocate(3)).
    public func allocate(_ length: Int64) throws(SystemError) {
        while true {
            let code = posix_fallocate(raw, 0, Int(length))
            if code == 0 { break }
            if code != EINTR { throw SystemError("allocate space for", name, code: code) }
        }
        FileRecorder.note(name) { .allocate(path: name, length: length) }
    }

    /// Makes a call again that a signal ended.
    private func retrying(_ action: String, _ call: () -> Int32) throws(SystemError) {
        while call() != 0 {
            if errno != EINTR { throw SystemError(action, name) }
        }
    }

    /// Forces data and metadata to the device (fsync(2)).
    public func sync() throws(SystemError) {
        try retrying("sync") { fsync(raw) }
        FileRecorder.note(name) { .sync(path: name) }
    }

    /// Forces data, and as much metadata as reading it back needs, to the device (fdatasync(2)).
    public func syncData() throws(SystemError) {
        try retrying("sync") { fdatasync(raw) }
        FileRecorder.note(name) { .sync(path: name) }
    }

    /// Cuts or extends the file.
    public func truncate(to length: Int64) throws(SystemError) {
        try retrying("truncate") { ftruncate(raw, Int(length)) }
        FileRecorder.note(name) { .truncate(path: name, length: length) }
    }

    /// Moves the file offset, in bytes from the start.
    public func seek(to offset: Int64) throws(SystemError) {
        guard lseek(raw, Int(offset), SEEK_SET) >= 0 else { throw SystemError("seek in", name) }
    }

    /// Takes an exclusive advisory lock for as long as the descriptor is open (flock(2)).
    ///
    /// - Returns: false when another process holds it.
    public mutating func lock() throws(SystemError) -> Bool {
        do throws(SystemError) { try retrying("lock") { flock(raw, LOCK_EX | LOCK_NB) } } catch {
            if error.code == EWOULDBLOCK { return false }
            throw error
        }
        isLocked = true
        return true
    }

    /// Gives up the lock. Closing alone would leave it to a process that another thread is just
    /// starting, which has the descriptor until it runs its program.
    private func unlock() {
        if isLocked { _ = flock(raw, LOCK_UN) }
    }

    /// Closes with a result: a delayed write error shows here.
    public consuming func close() throws(SystemError) {
        unlock()
        let open = raw
        raw = -1
        guard Glibc.close(open) == 0 else { throw SystemError("close", name) }
    }

    /// Asks for a pipe of 1 MiB, the most an unprivileged process may have.
    ///
    /// A pipe of 64 KiB wakes both ends sixteen times as often. Not a pipe, or not permitted: the
    /// size stays as it is.
    public func enlargePipe() {
        _ = clinux_set_pipe_size(raw, 1 << 20)
    }

    // MARK: - Readiness

    /// True when a read from a descriptor number would not wait; false for a negative one.
    public static func isReadable(_ raw: Int32) -> Bool { isReady(raw, Int16(POLLIN)) }

    /// True when a small write to a descriptor number would not wait.
    public static func isWritable(_ raw: Int32) -> Bool { isReady(raw, Int16(POLLOUT)) }

    /// Waits until a descriptor number, or another one, is readable, or for some seconds; negative
    /// numbers are never readable.
    public static func waitUntilReadable(_ raw: Int32, or other: Int32 = -1, seconds: Double) {
        let timeout = Int32(min(seconds * 1000, 86_400_000))
        var watched = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        // Stages wait once a record at low rates: without an array.
        guard other >= 0 else {
            _ = poll(&watched, 1, timeout)
            return
        }
        var both = [watched, pollfd(fd: other, events: Int16(POLLIN), revents: 0)]
        _ = poll(&both, 2, timeout)
    }

    private static func isReady(_ raw: Int32, _ events: Int16) -> Bool {
        var watched = pollfd(fd: raw, events: events, revents: 0)
        return poll(&watched, 1, 0) > 0 && watched.revents != 0
    }
}
