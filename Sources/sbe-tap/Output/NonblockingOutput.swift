import Glibc
import Posix
import Records

/// Standard output, written without ever waiting for its reader, and on a FIFO that has a path so
/// that no frame is cut when the process is killed.
struct NonblockingOutput: ~Copyable {
    private let descriptor: Int32
    private let isOwned: Bool
    /// For a FIFO that has a path; nil for all else.
    private let frames: FrameOutput?
    /// Of the buffer, what is written already.
    private var head = 0
    /// Bytes written so far.
    private(set) var written: Int64 = 0

    /// Takes standard output.
    ///
    /// - Throws: ``TerminalRefused`` when it is a terminal.
    init() throws {
        let output = Descriptor.standardOutput()
        guard !output.isTerminal else { throw TerminalRefused() }
        output.enlargePipe()
        let status = try output.status()
        // Another open file on the same pipe: whoever shares this one keeps it as it is.
        let own =
            status.st_mode & S_IFMT == S_IFIFO
            ? open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1
        descriptor = own >= 0 ? own : 1
        isOwned = own >= 0
        frames =
            PeekedPipe.isNamedFIFO(1) ? FrameOutput(Descriptor.standardOutput()) : nil
        if own < 0, status.st_mode & S_IFMT != S_IFREG {
            _ = fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK)
        }
    }

    deinit { if isOwned { close(descriptor) } }

    /// To be polled for writing while something waits.
    var pollable: Int32 { descriptor }

    /// Bytes of the buffer that are not written yet.
    func waiting(_ buffer: borrowing Bytes) -> Int { buffer.count - head }

    /// Writes what of the buffer the reader takes now, and forgets it.
    ///
    /// - Returns: true when nothing waits any more.
    mutating func push(_ buffer: inout Bytes) throws(SystemError) -> Bool {
        while head < buffer.count {
            let count = try write(buffer)
            if count == 0 {
                compact(&buffer)
                return false
            }
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { throw SystemError("write to", "standard output") }
                compact(&buffer)
                return false
            }
            head += count
            written += Int64(count)
        }
        buffer.removeAll()
        head = 0
        return true
    }

    private func write(_ buffer: borrowing Bytes) throws(SystemError) -> Int {
        if let frames { return try frames.write(buffer.span(head..<buffer.count)) }
        return buffer.span(head..<buffer.count).withUnsafeBytes {
            Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
    }

    /// Gives room back, seldom enough that moving the rest costs less than having written.
    private mutating func compact(_ buffer: inout Bytes) {
        guard head > 1 << 20, head > buffer.count / 2 else { return }
        buffer.removeFirst(head)
        head = 0
    }

    /// Waits until the reader takes bytes again.
    func wait(milliseconds: Int32) {
        var watched = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&watched, 1, milliseconds)
    }
}
