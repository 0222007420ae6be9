import Glibc
public import Posix

/// Where frames go, so that no stop of the writing process leaves half a frame behind.
///
/// A FIFO that has a path outlives its writers, and what follows half a frame in it is lost to its
/// reader. A write of at most `PIPE_BUF` bytes is done whole or not at all (pipe(7)), so on such a
/// FIFO each write is of whole frames up to that; a longer frame is written in one call once the
/// FIFO is empty, where it needs no wait that a signal could end. Shells' pipes, files and all else
/// are written to as they are.
public final class FrameOutput {
    /// `PIPE_BUF` of Linux, pipe(7).
    private static let atomicLength = 4096
    /// How long a frame longer than that waits for an empty FIFO, ns; then it is written anyway: the
    /// reader may be waiting for the rest of a frame that an earlier process began.
    private static let patience: Int64 = 1_000_000_000

    private let descriptor: Descriptor
    /// The same FIFO, opened again so as not to wait; -1 where that is not wanted or not possible.
    private let fifo: Int32
    /// Bytes of a frame longer than `PIPE_BUF` that are still to be written.
    private var rest = 0
    /// When a long frame began to wait for an empty FIFO, monotonic ns; 0: none does.
    private var waitingSince: Int64 = 0

    /// For poll(2): where there is room once it is writable; -1 where writing waits by itself.
    public var pollDescriptor: Int32 { fifo }

    /// Writes to a descriptor.
    ///
    /// - Parameter neverWaits: treats every pipe as a FIFO that has a path is treated.
    public init(_ descriptor: consuming Descriptor, neverWaits: Bool = false) {
        descriptor.enlargePipe()
        let isPipe =
            neverWaits && (try? descriptor.status()).map { $0.st_mode & S_IFMT == S_IFIFO } == true
        // Opened again: whoever shares the descriptor keeps it as it is.
        let opensAgain = isPipe || PeekedPipe.isNamedFIFO(descriptor.raw)
        fifo =
            opensAgain
            ? unsafe open("/proc/self/fd/\(descriptor.raw)", O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1
        self.descriptor = descriptor
    }

    deinit { if fifo >= 0 { close(fifo) } }

    /// What is written to, for messages.
    public var name: String { descriptor.name }
    /// True where ``write(_:)`` may write less than all.
    public var isFIFO: Bool { fifo >= 0 }

    /// True for a pipe that no process reads from: what is in it will not be taken. A FIFO that is open for
    /// both sides has its next reader.
    public var isAbandoned: Bool {
        var watched = pollfd(fd: fifo, events: 0, revents: 0)
        return unsafe poll(&watched, 1, 0) > 0 && watched.revents & Int16(POLLERR) != 0
    }

    /// Writes frames: all of them, however long that takes, or on a FIFO what its reader takes now.
    ///
    /// - Parameter frames: whole frames, after the rest of one that was begun; each call gives what
    ///   the one before did not write.
    /// - Returns: bytes written; 0 when the reader takes none now.
    public func write(_ frames: RawSpan) throws(SystemError) -> Int {
        guard fifo >= 0 else {
            try descriptor.writeAll(frames)
            return frames.byteCount
        }
        if rest > 0 {
            let count = try write(frames, min(rest, frames.byteCount))
            rest -= count
            return count
        }
        let (length, isLong) = Self.unit(of: frames)
        guard isLong else { return try write(frames, length) }
        if PeekedPipe.content(fifo) > 0 {
            let now = Clock.monotonicNanoseconds()
            if waitingSince == 0 { waitingSince = now }
            if now - waitingSince < Self.patience {
                // poll(2) says when there is room, not when a FIFO is empty.
                _ = poll(nil, 0, 1)
                return 0
            }
        }
        waitingSince = 0
        let count = try write(frames, length)
        rest = count > 0 ? length - count : 0
        return count
    }

    /// What the next write is of: whole frames up to `PIPE_BUF`, or one that is longer, or is not whole.
    private static func unit(of frames: RawSpan) -> (length: Int, isLong: Bool) {
        let most = min(atomicLength, frames.byteCount)
        var length = 0
        while length + Frame.headerLength <= most {
            let next = Frame.length(in: frames, at: length)
            if next < Frame.minimumLength || next > most - length { break }
            length += next
        }
        if length > 0 { return (length, false) }
        let first =
            frames.byteCount < Frame.headerLength ? frames.byteCount : Frame.length(in: frames)
        return (max(1, min(first, frames.byteCount)), true)
    }

    private func write(_ bytes: RawSpan, _ count: Int) throws(SystemError) -> Int {
        while true {
            let written = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(fifo, $0.baseAddress, count)
            }
            if written >= 0 { return written }
            if errno == EAGAIN { return 0 }
            if errno != EINTR { throw SystemError("write to", descriptor.name) }
        }
    }

    /// Waits until the reader may take more.
    ///
    /// - Parameter stop: ends the wait when it is readable; -1 for none.
    public func wait(unless stop: Int32) {
        var watched = [
            pollfd(fd: fifo, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
        ]
        _ = unsafe poll(&watched, 2, 100)
    }
}
