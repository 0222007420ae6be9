import Glibc
import Posix
import Records
import Stage

/// A file of frames that someone appends to.
struct GrowingFile: ~Copyable {
    /// Seconds between two looks at the file.
    static let pause = 0.2

    private let path: String
    private var file: Descriptor
    private var bytes = Bytes(capacity: 256 << 10)
    /// Where ``bytes`` begin in the file.
    private var offset: Int64 = 0

    init(_ path: String) throws {
        self.path = path
        var status = stat()
        guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else {
            throw StageFailure(.usage, "\(path): --follow follows a file; a pipe needs no --follow")
        }
        file = try Descriptor.open(path, O_RDONLY)
    }

    /// Gives every frame that has come whole since the last call to `body`.
    mutating func readFrames(_ body: (borrowing FrameView) throws -> Void) throws {
        while try file.read(appendingTo: &bytes, room: 256 << 10) > 0 {
            var taken = 0
            do {
                while let length = try FrameView.wholeLength(
                    bytes.span(taken..<bytes.count), at: offset + Int64(taken))
                {
                    try body(try FrameView(bytes.span(taken..<(taken + length))))
                    taken += length
                }
            } catch let error as FrameError {
                throw StageFailure(.badInput, "\(path): \(error)")
            }
            bytes.removeFirst(taken)
            offset += Int64(taken)
        }
    }

    /// Looks whether the path has another file now, or the file was emptied, and goes on with that.
    ///
    /// - Returns: what changed, in words; nil for nothing.
    mutating func change() throws -> String? {
        let own = try file.status()
        var now = stat()
        if stat(path, &now) == 0, now.st_ino != own.st_ino || now.st_dev != own.st_dev {
            file = try Descriptor.open(path, O_RDONLY)
            restart()
            return "was replaced; following the new file"
        }
        guard own.st_size < offset + Int64(bytes.count) else { return nil }
        try file.seek(to: 0)
        restart()
        return "was cut; reading it from its beginning"
    }

    private mutating func restart() {
        bytes.removeAll()
        offset = 0
    }
}
