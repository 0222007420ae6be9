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
        let path = "\(directory)/sbe-tap-\(getpid()).spill"
        var file = try Descriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
        _ = try file.lock()
        var spill = Spill(file, path: path, limit: Int64(limit))
        for name in try Files.list(directory) where name.hasSuffix(".spill") {
            let other = "\(directory)/\(name)"
            if other != path { try spill.adopt(other) }
        }
        return spill
    }

    /// Bytes that wait.
    var bytes: Int { Int(writeAt - readAt) }
    /// True when it may take no more, until all of it is passed on: its front is not given back.
    var isFull: Bool { writeAt >= limit }

    /// Copies the whole frames of a file whose process is gone, and removes it.
    private mutating func adopt(_ other: String) throws {
        var old = try Descriptor.open(other, O_RDWR)
        guard try old.lock() else { return }
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
        try file.writeAll(frames)
        writeAt += Int64(frames.byteCount)
    }

    /// Appends the oldest bytes to a buffer; they count as passed on.
    mutating func take(to buffer: inout Bytes) throws(SystemError) {
        let wanted = Int(min(Int64(Self.portion), writeAt - readAt))
        guard wanted > 0 else { return }
        try file.seek(to: readAt)
        readAt += Int64(try file.read(appendingTo: &buffer, room: wanted))
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
