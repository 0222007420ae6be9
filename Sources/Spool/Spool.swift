import Glibc
public import Journal
import Posix

/// A log of entries on disk: what a sink has read and not yet delivered.
///
/// Segments of bounded size, each entry with checksums, appended in order and deleted from the front
/// once their entries are delivered. After a crash it opens with every entry that was synced, and
/// with those of the unsynced rest that are whole. Damage costs the entries that it is in and no
/// others. The format is in docs/spool.md.
public struct Spool: ~Copyable {
    /// An entry over this many bytes is refused.
    public static let maximumEntry = 16 << 20
    /// An entry of this length is not worth collecting: it is written from where it is.
    private static let directBytes = 32 << 10

    /// Where it is.
    public let directory: String
    /// Which spool this is, chosen at random when it had nothing in it: a position of another one
    /// says nothing about this one.
    public private(set) var id: UInt64 = 0
    /// Bytes that were cut off when it was opened: unsynced when the power failed, or the process
    /// ended while it wrote.
    public private(set) var tornBytes: Int64 = 0
    /// Bytes that it takes up, written or waiting to be.
    public var bytes: Int64 { segments.reduce(0) { $0 + $1.length } + Int64(buffer.count) }
    private let segmentBytes: Int64
    private let maximumBytes: Int64
    private let keeper: DamageKeeper
    private var lock: Descriptor?
    /// A file of the spool, for whoever reads records again that it has put into entries itself.
    public struct File: Sendable {
        /// Where it is.
        public let path: String
        /// Bytes between the place of an entry and its content.
        public let headerLength: Int64
    }

    /// The file of a segment; nil when it is not here any more.
    public func file(of segment: UInt64) -> File? {
        guard let own = segments.first(where: { $0.number == segment }) else { return nil }
        return File(path: own.path, headerLength: Int64(own.format.headerLength))
    }

    /// Where the first entry begins that can be here after a power failure: deleting a segment is
    /// durable only when its directory was synced. Of what is before nothing needs to be known.
    public private(set) var durableFirst = Position(segment: 0, offset: 0)
    private var segments: [Segment] = []
    /// The highest number that a segment had, so that positions only grow.
    private var lastNumber: UInt64 = 0
    /// The last segment, if it may be appended to.
    private var file: Descriptor?
    private var mark = SyncedMark()
    private var buffer = Bytes(capacity: 4096)
    private var damages: [Damage] = []

    /// Opens a spool, creating its directory, and locks it.
    ///
    /// - Parameters:
    ///   - segmentBytes: a segment that has this many bytes is followed by a new one; less than
    ///     4 GiB.
    ///   - maximumBytes: most bytes that may wait.
    ///   - damaged: where bytes that cannot be read are kept; `damaged` beside the directory when
    ///     left out.
    public init(
        directory: String, segmentBytes: Int64 = 64 << 20, maximumBytes: Int64 = .max,
        damaged: String? = nil
    ) throws(SpoolError) {
        self.directory = directory
        self.segmentBytes = min(segmentBytes, 3 << 30)
        self.maximumBytes = maximumBytes
        keeper = DamageKeeper(directory: damaged ?? Files.directory(of: directory) + "/damaged")
        let found: SpoolRecovery.Outcome
        do throws(SystemError) {
            try Files.makeDurableDirectories(directory)
            lock = try Descriptor.open(directory + "/lock", O_RDWR | O_CREAT)
            guard try lock?.lock() == true else {
                throw SystemError("lock", directory, code: EWOULDBLOCK)
            }
            found = try SpoolRecovery(directory: directory, keeper: keeper).run()
            id = try SpoolRecovery.identity(directory, isNew: found.segments.isEmpty)
            try Files.syncDirectory(directory)
        } catch {
            throw error.code == EWOULDBLOCK ? .locked(directory) : .system(error)
        }
        segments = found.segments
        lastNumber = found.lastNumber
        tornBytes = found.tornBytes
        damages = found.damages
        defer { durableFirst = first }
        if found.mayAppend, let last = segments.last {
            do throws(SystemError) {
                let file = try Descriptor.open(last.path, O_RDWR)
                _ = try mark.read(file, magic: Segment.magic)
                try file.seek(to: last.length)
                self.file = consume file
            } catch { throw .system(error) }
        }
    }

    /// Wrong bytes found since the last call, at opening or while reading. The entries that were
    /// there are gone; a copy of the bytes is kept where there was room for one.
    public mutating func takeDamages() -> [Damage] {
        defer { damages.removeAll() }
        return damages
    }

    // MARK: - Appending

    /// Where the next entry will begin.
    public var next: Position {
        // Asked for each record: a copy of the segment would count references of what it has.
        guard file != nil, let last = segments.indices.last,
            segments[last].length + Int64(buffer.count) < segmentBytes
        else { return Position(segment: lastNumber + 1, offset: Int64(SyncedMark.headerLength)) }
        return Position(
            segment: segments[last].number, offset: segments[last].length + Int64(buffer.count))
    }

    /// Where the first entry begins that is still here, or will.
    public var first: Position {
        guard let first = segments.first else { return next }
        return Position(segment: first.number, offset: first.start)
    }

    /// True when nothing waits.
    public var isEmpty: Bool {
        buffer.isEmpty && segments.allSatisfy { $0.length <= $0.start }
    }

    /// Appends an entry; it is durable after ``sync()``.
    ///
    /// - Returns: where it begins.
    /// - Throws: `.full` when the spool may not grow by this much, or what the disk says; the entry
    ///   was not appended then.
    @discardableResult
    public mutating func append(_ entry: RawSpan) throws(SpoolError) -> Position {
        precondition(entry.byteCount > 0 && entry.byteCount <= Self.maximumEntry)
        let length = Int64(entry.byteCount + EntryFormat.guarded(file: 0).headerLength)
        guard bytes + length <= maximumBytes else {
            throw .full(directory: directory, maximumBytes: maximumBytes)
        }
        let position = next
        if position.segment > lastNumber { try startSegment() }
        if entry.byteCount >= Self.directBytes {
            try writeDirectly(entry)
            return position
        }
        let before = buffer.count
        EntryFormat.append(
            headerOf: entry, file: position.segment, offset: position.offset, to: &buffer)
        buffer.append(entry)
        if buffer.count >= 128 << 10 {
            do throws(SpoolError) { try flush() } catch {
                buffer.truncate(to: before)
                throw error
            }
        }
        return position
    }

    /// Appends an entry and hands it to the system.
    ///
    /// - Returns: where it begins.
    /// - Throws: as ``append(_:)`` and ``flush()``; the entry was not appended then, so that the
    ///   caller may append it again.
    @discardableResult
    public mutating func appendAtOnce(_ entry: RawSpan) throws(SpoolError) -> Position {
        let before = buffer.count
        let position = try append(entry)
        do throws(SpoolError) { try flush() } catch {
            buffer.truncate(to: before)
            throw error
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
        EntryFormat.append(
            headerOf: entry, file: segments[last].number, offset: segments[last].length,
            to: &buffer)
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
        guard file != nil, let last = segments.indices.last else { return }
        let length = segments[last].length
        guard length > segments[last].synced else { return }
        do throws(SystemError) { try file?.syncData() } catch { throw .system(error) }
        segments[last].synced = length
        // Only a hint, which a later one repeats.
        let slot = mark.next(length)
        try? file?.write(slot.bytes.span.bytes, at: slot.offset)
    }

    private mutating func startSegment() throws(SpoolError) {
        try sync()
        let number = lastNumber + 1
        let path = "\(directory)/\(Segment.name(number))"
        do throws(SystemError) {
            let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
            let header = SyncedMark.header(magic: Segment.magic)
            try file.writeAll(header.span.bytes)
            try Files.syncDirectory(directory)
            durableFirst = first
            self.file = consume file
        } catch {
            // Half a segment is not one.
            try? Files.remove(path)
            throw .system(error)
        }
        mark = SyncedMark()
        lastNumber = number
        let length = Int64(SyncedMark.headerLength)
        segments.append(
            Segment(
                number: number, path: path, format: .guarded(file: number), length: length,
                synced: length))
    }

    // MARK: - Delivering

    /// Everything that waits now, for reading again while new entries are appended.
    public mutating func replay() throws(SpoolError) -> Replay {
        try flush()
        return Replay(segments: segments, keeper: keeper, name: keptName)
    }

    /// Gives entries from a position on to `body`, in order, until some bytes of them were read or
    /// none is left. Wrong bytes are passed over; see ``takeDamages()``.
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
            let index = segments.firstIndex(where: { $0.number >= position.segment })
        {
            let segment = segments[index]
            if segment.number > position.segment {
                position = Position(segment: segment.number, offset: segment.start)
            }
            if position.offset < segment.length {
                let end = try segment.read(
                    from: position.offset, before: position.offset + left
                ) { offset, entry in
                    try body(Position(segment: segment.number, offset: offset), entry)
                } wrong: { range in
                    note(range, in: index)
                }
                left -= end - position.offset
                position = Position(segment: segment.number, offset: end)
            }
            if position.offset >= segment.length {
                guard index + 1 < segments.count else { return next }
                position = Position(
                    segment: segments[index + 1].number, offset: segments[index + 1].start)
            }
        }
        return position
    }

    /// Deletes the segments whose entries are all before a position. One with damage that has no
    /// copy is moved to the damaged bytes instead, as long as they may grow.
    public mutating func release(before position: Position) throws(SpoolError) {
        do throws(SystemError) {
            while let first = segments.first, first.number < position.segment {
                try discard(first)
                segments.removeFirst()
                if segments.isEmpty {
                    buffer.removeAll()
                    file = nil
                }
            }
            // Everything is delivered: the last segment goes as well, once it holds something.
            if segments.count == 1, position >= next, !isEmpty {
                try discard(segments[0])
                buffer.removeAll()
                file = nil
                segments.removeAll()
            }
        } catch { throw .system(error) }
    }

    private func discard(_ segment: Segment) throws(SystemError) {
        let name = "\(keptName)-\(segment.number)"
        if segment.hasUnkeptBytes, try keeper.adopt(segment.path, as: name) { return }
        try Files.remove(segment.path)
    }

    // MARK: - Damage

    /// What the names of copies begin with.
    private var keptName: String { SpoolRecovery.keptName(directory) }

    private mutating func note(_ range: Range<Int64>, in index: Int) {
        let segment = segments[index]
        guard segment.wrong[range.lowerBound] == nil else { return }
        let damage = keeper.keep(
            range, of: segment.path, as: "\(keptName)-\(segment.number)",
            isUnsyncedTail: range.lowerBound >= segment.synced)
        segments[index].wrong[range.lowerBound] = damage.isKept
        damages.append(damage)
    }
}
