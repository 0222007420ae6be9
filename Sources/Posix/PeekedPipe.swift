import CLinux
import Glibc

/// The reading end of a named FIFO whose bytes are looked at before they are taken out (tee(2)), so
/// that what a process has not dealt with is still there for the next one when it is killed.
///
/// For one reader: two would take out each other's bytes.
public struct PeekedPipe: ~Copyable, Sendable {
    private let source: Int32
    private let copy: (read: Int32, write: Int32)
    private let null: Int32
    /// The most bytes that can be looked at.
    public let capacity: Int

    /// True for a named FIFO; false where there is nothing to look into, and bytes are only read.
    public var isFIFO: Bool { capacity > 0 }

    /// Looks into a descriptor, which the caller keeps open for as long.
    ///
    /// What is not a named FIFO is left alone, and so is one for which the process may open no more
    /// files.
    public init(_ source: Int32) {
        self.source = source
        var ends: [Int32] = [-1, -1]
        let isNamed = Self.isNamedFIFO(source)
        null = isNamed ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1
        guard null >= 0, pipe(&ends) == 0 else {
            copy = (-1, -1)
            capacity = 0
            return
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let size = clinux_pipe_size(source)
        _ = clinux_set_pipe_size(ends[1], size)
        copy = (ends[0], ends[1])
        capacity = Int(max(0, min(size, clinux_pipe_size(ends[1]))))
    }

    deinit {
        for descriptor in [copy.read, copy.write, null] where descriptor >= 0 { close(descriptor) }
    }

    /// True for a FIFO that has a path; false for a shell's pipe.
    public static func isNamedFIFO(_ descriptor: Int32) -> Bool {
        clinux_is_named_fifo(descriptor) == 1
    }

    /// True for a pipe without a path, as `|` makes it.
    public static func isShellPipe(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
            && !isNamedFIFO(descriptor)
    }

    /// Bytes in a pipe, from either end; 0 for what is not one.
    public static func content(_ descriptor: Int32) -> Int {
        max(0, Int(clinux_pipe_content(descriptor)))
    }

    /// The most bytes that a pipe holds.
    public static func size(_ descriptor: Int32) -> Int {
        max(0, Int(clinux_pipe_size(descriptor)))
    }

    /// Bytes that are there.
    public var waiting: Int { Self.content(source) }

    /// True when no process has the FIFO open for writing any more.
    public var isHungUp: Bool {
        var watched = pollfd(fd: source, events: 0, revents: 0)
        return poll(&watched, 1, 0) > 0 && watched.revents & Int16(POLLHUP) != 0
    }

    /// Copies the first bytes without taking them out.
    ///
    /// - Returns: how many; 0 when there are none.
    public func peek(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        var copied = 0
        while true {
            copied = clinux_tee(source, copy.write, min(buffer.count, capacity))
            if copied >= 0 { break }
            if errno == EAGAIN { return 0 }
            if errno != EINTR { throw SystemError("look into", "the FIFO") }
        }
        var have = 0
        while have < copied {
            let count = read(copy.read, buffer.baseAddress.map { $0 + have }, copied - have)
            if count > 0 {
                have += count
            } else if errno != EINTR {
                throw SystemError("read", "the copy of the FIFO")
            }
        }
        return copied
    }

    /// Takes the first bytes out.
    public func consume(_ count: Int) throws(SystemError) {
        var left = count
        while left > 0 {
            let taken = clinux_splice(source, null, left)
            if taken > 0 {
                left -= taken
            } else if taken == 0 || errno != EINTR {
                throw SystemError("take bytes out of", "the FIFO")
            }
        }
    }
}
