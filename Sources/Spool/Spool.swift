import Glibc
public import Posix

/// A log of entries on disk: what a sink has read and not yet delivered.
///
/// Segments of bounded size, each entry with a CRC, appended in order and deleted from the front
/// once their entries are delivered. After a crash it opens with every entry that was synced; a
/// torn entry at the end is cut off and counted. The format is in docs/spool.md.
public struct Spool: ~Copyable {
    /// Where an entry begins.
    public struct Position: Comparable, Hashable, Sendable {
        /// Number of the segment, from 1.
        public let segment: UInt64
        /// Byte in the segment's file.
        public let offset: Int64

        /// By segment, then byte.
        public static func < (one: Self, other: Self) -> Bool {
            (one.segment, one.offset) < (other.segment, other.offset)
        }
    }

    /// An entry over this many bytes is refused.
    public static let maximumEntry = 16 << 20
    static let magic: UInt64 = 0x314C_4F4F_5053_4942  // "BISPOOL1"
    static let headerLength = 8
    /// uint32 length and uint32 CRC32C of the bytes that follow.
    static let entryHeader = 8
    /// An entry of this length is not worth collecting: it goes to the system from where it lies.
    private static let directBytes = 32 << 10

    /// Where it lies.
    public let directory: String
    /// Bytes of a torn entry that were cut off when it was opened.
    public private(set) var tornBytes: Int64 = 0
    /// Bytes that it takes up, written or waiting to be.
    public var bytes: Int64 { segments.reduce(0) { $0 + $1.length } + Int64(buffer.count) }
    private let segmentBytes: Int64
    private let maximumBytes: Int64
    private var lock: Descriptor?
    private var segments: [Segment] = []
    /// The highest number that a segment had, so that positions only grow.
    private var lastNumber: UInt64 = 0
    private var file: Descriptor?
    private var buffer = Bytes(capacity: 4096)

    private struct Segment {
        let number: UInt64
        var length: Int64
    }

    /// Opens a spool, creating its directory, and locks it.
    ///
    /// - Parameters:
    ///   - segmentBytes: a segment that has this many bytes is followed by a new one.
    ///   - maximumBytes: most bytes that may wait.
    public init(
        directory: String, segmentBytes: Int64 = 64 << 20, maximumBytes: Int64 = .max
    ) throws(SpoolError) {
        self.directory = directory
        self.segmentBytes = segmentBytes
        self.maximumBytes = maximumBytes
        do throws(SystemError) {
            try Files.makeDirectories(directory)
            lock = try Descriptor.open(directory + "/lock", O_RDWR | O_CREAT)
            guard try lock?.lock() == true else {
                throw SystemError("lock", directory, code: EWOULDBLOCK)
            }
        } catch {
            throw error.code == EWOULDBLOCK ? .locked(directory) : .system(error)
        }
        try recover()
    }

    // MARK: - Appending

    /// Where the next entry will begin.
    public var next: Position {
        guard let last = segments.last else {
            return Position(segment: lastNumber + 1, offset: Int64(Self.headerLength))
        }
        return Position(segment: last.number, offset: last.length + Int64(buffer.count))
    }

    /// Where the first entry begins that is still here, or will.
    public var first: Position {
        guard let first = segments.first else { return next }
        return Position(segment: first.number, offset: Int64(Self.headerLength))
    }

    /// True when nothing waits.
    public var isEmpty: Bool {
        buffer.isEmpty && segments.allSatisfy { $0.length <= Int64(Self.headerLength) }
    }

    /// Appends an entry; it is durable after ``sync()``.
    ///
    /// - Returns: where it begins.
    /// - Throws: `.full` when the spool may not grow by this much, or what the disk says; the entry
    ///   was not appended then.
    @discardableResult
    public mutating func append(_ entry: RawSpan) throws(SpoolError) -> Position {
        precondition(entry.byteCount > 0 && entry.byteCount <= Self.maximumEntry)
        let length = Int64(entry.byteCount + Self.entryHeader)
        guard bytes + length <= maximumBytes else {
            throw .full(directory: directory, maximumBytes: maximumBytes)
        }
        if file == nil || next.offset >= segmentBytes { try startSegment() }
        let position = next
        if entry.byteCount >= Self.directBytes {
            try writeDirectly(entry)
            return position
        }
        let before = buffer.count
        buffer.append(bits: UInt32(entry.byteCount))
        buffer.append(bits: CRC32C.of(entry))
        buffer.append(entry)
        if buffer.count >= 128 << 10 {
            do throws(SpoolError) { try flush() } catch {
                buffer.truncate(to: before)
                throw error
            }
        }
        return position
    }

    /// Hands what was appended to the system.
    ///
    /// - Throws: when the disk refuses; the file is as before, the entries still wait, and
    ///   a later call tries again.
    public mutating func flush() throws(SpoolError) {
        guard !buffer.isEmpty, let last = segments.indices.last else { return }
        do throws(SystemError) {
            try file?.writeAll(buffer.span)
        } catch {
            try? file?.truncate(to: segments[last].length)
            try? file?.seek(to: segments[last].length)
            throw .system(error)
        }
        segments[last].length += Int64(buffer.count)
        buffer.removeAll()
    }

    /// Hands what was appended to the system, and after it an entry that was not.
    ///
    /// - Throws: when the disk refuses; the entry was not appended then.
    private mutating func writeDirectly(_ entry: RawSpan) throws(SpoolError) {
        try flush()
        guard let last = segments.indices.last else { return }
        buffer.append(bits: UInt32(entry.byteCount))
        buffer.append(bits: CRC32C.of(entry))
        defer { buffer.removeAll() }
        do throws(SystemError) {
            try file?.writeAll(buffer.span)
            try file?.writeAll(entry)
        } catch {
            try? file?.truncate(to: segments[last].length)
            try? file?.seek(to: segments[last].length)
            throw .system(error)
        }
        segments[last].length += Int64(buffer.count + entry.byteCount)
    }

    /// Makes everything that was appended durable.
    public mutating func sync() throws(SpoolError) {
        try flush()
        do throws(SystemError) { try file?.syncData() } catch { throw .system(error) }
    }

    private mutating func startSegment() throws(SpoolError) {
        try sync()
        let number = lastNumber + 1
        let path = path(number)
        do throws(SystemError) {
            let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
            var header = Bytes(capacity: 16)
            header.append(bits: Self.magic)
            try file.writeAll(header.span)
            try Files.syncDirectory(directory)
            self.file = consume file
        } catch { throw .system(error) }
        lastNumber = number
        segments.append(Segment(number: number, length: Int64(Self.headerLength)))
    }

    // MARK: - Delivering

    /// Everything that waits now, for reading again while new entries are appended.
    public mutating func replay() throws(SpoolError) -> Replay {
        try flush()
        return Replay(segments: segments.map { ($0.number, path($0.number), $0.length) })
    }

    /// Entries that waited at one moment.
    public struct Replay: Sendable {
        fileprivate let segments: [(number: UInt64, path: String, length: Int64)]

        /// Gives each entry to `body`, in order.
        public func forEach(_ body: (Position, RawSpan) throws -> Void) throws {
            for segment in segments {
                let end = try SegmentReader.read(
                    segment.path, from: Int64(Spool.headerLength), to: segment.length
                ) { offset, entry in
                    try body(Position(segment: segment.number, offset: offset), entry)
                }
                guard end == segment.length else {
                    throw SpoolError.corrupt(path: segment.path, offset: end)
                }
            }
        }
    }

    /// Gives entries from a position on to `body`, in order, until some bytes of them were read or
    /// none is left.
    ///
    /// - Parameter position: where an entry begins, or ``next``.
    /// - Returns: where the first entry that was not read begins.
    public mutating func read(
        from position: Position, atLeast bytes: Int64, _ body: (Position, RawSpan) throws -> Void
    ) throws -> Position {
        try flush()
        var position = position
        var left = bytes
        while left > 0, position < next,
            let segment = segments.first(where: { $0.number >= position.segment })
        {
            if segment.number > position.segment {
                position = Position(segment: segment.number, offset: Int64(Self.headerLength))
            }
            let number = segment.number
            let limit = min(segment.length, position.offset + left)
            if position.offset < segment.length {
                let end = try SegmentReader.read(
                    path(number), from: position.offset, to: limit
                ) { offset, entry in
                    try body(Position(segment: number, offset: offset), entry)
                }
                guard end >= limit else {
                    throw SpoolError.corrupt(path: path(number), offset: end)
                }
                left -= end - position.offset
                position = Position(segment: number, offset: end)
            }
            if position.offset >= segment.length, number < segments[segments.count - 1].number {
                position = Position(segment: number + 1, offset: Int64(Self.headerLength))
            }
        }
        return position
    }

    /// Deletes the segments whose entries all lie before a position.
    public mutating func release(before position: Position) throws(SpoolError) {
        do throws(SystemError) {
            while let first = segments.first, first.number < position.segment {
                try Files.remove(path(first.number))
                segments.removeFirst()
            }
            // Everything is delivered: the last segment goes as well, once it holds something.
            if segments.count == 1, position >= next, !isEmpty {
                try Files.remove(path(segments[0].number))
                buffer.removeAll()
                file = nil
                segments.removeAll()
            }
        } catch { throw .system(error) }
    }

    // MARK: - Recovery

    private mutating func recover() throws(SpoolError) {
        do throws(SystemError) {
            for name in try Files.list(directory) where name.hasSuffix(".spool") {
                guard let number = UInt64(name.dropLast(6)) else { continue }
                segments.append(
                    Segment(
                        number: number,
                        length: Int64(try Files.status("\(directory)/\(name)")?.st_size ?? 0)))
            }
        } catch { throw .system(error) }
        segments.sort { $0.number < $1.number }
        lastNumber = segments.last?.number ?? 0
        for index in segments.indices {
            let path = path(segments[index].number)
            let end: Int64
            do {
                end = try SegmentReader.read(path, from: Int64(Self.headerLength)) { _, _ in }
            } catch let error as SystemError { throw .system(error) } catch {
                throw .corrupt(path: path, offset: 0)
            }
            guard end != segments[index].length else { continue }
            // Only the segment that was being written can have a torn end, and behind that lies
            // nothing.
            guard index == segments.count - 1, !Self.hasEntry(path, behind: end) else {
                throw .corrupt(path: path, offset: end)
            }
            tornBytes = segments[index].length - end
            segments[index].length = end
        }
        guard let last = segments.last else { return }
        do throws(SystemError) {
            if last.length < Int64(Self.headerLength) {
                // Not even its header was written; a new one takes its place.
                try Files.remove(path(last.number))
                segments.removeLast()
                return
            }
            let file = try Descriptor.open(path(last.number), O_RDWR)
            try file.truncate(to: last.length)
            try file.seek(to: last.length)
            self.file = consume file
        } catch { throw .system(error) }
    }

    private static func hasEntry(_ path: String, behind end: Int64) -> Bool {
        (try? SegmentReader.hasEntry(path, behind: end)) == true
    }

    private func path(_ number: UInt64) -> String {
        let digits = String(number)
        return "\(directory)/\(String(repeating: "0", count: 20 - digits.count))\(digits).spool"
    }
}

/// Why a spool could not be read or written.
public enum SpoolError: Error, Equatable, CustomStringConvertible {
    /// The system refused.
    case system(SystemError)
    /// Another process has it open.
    case locked(String)
    /// It may not grow further.
    case full(directory: String, maximumBytes: Int64)
    /// Bytes in the middle are wrong: not the torn end that a crash leaves.
    case corrupt(path: String, offset: Int64)

    /// What, where and why.
    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .locked(let directory): "the spool \(directory) is in use by another process"
        case .full(let directory, let bytes):
            "the spool \(directory) is full: \(bytes) bytes wait for delivery"
        case .corrupt(let path, let offset):
            "the spool segment \(path) is damaged at byte \(offset)"
        }
    }
}
