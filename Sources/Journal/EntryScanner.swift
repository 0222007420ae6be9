import Glibc
public import Posix

/// Reads the entries of a file one after the other, and finds the next whole one where bytes are
/// wrong.
///
/// A length is believed only when its checksum is right and the file has that many bytes; until
/// then nothing is allocated for it.
public struct EntryScanner: ~Copyable {
    /// An entry over this many bytes is not one.
    public static let maximumEntry = 256 << 20
    /// Bytes that looking for the next entry without guarded headers may read again in one file.
    private static let maximumReread: Int64 = 4 << 30

    private let file: Descriptor
    private let format: EntryFormat
    private let maximumEntry: Int
    /// Where reading ends, at most the end of the file.
    private let end: Int64
    private var buffer = Bytes(capacity: 64 << 10)
    /// The place in the buffer of ``offset``.
    private var taken = 0
    /// Where the next entry begins, or should.
    private var offset: Int64
    private var reread: Int64 = 0

    /// Opens a file for reading from an offset on.
    ///
    /// - Parameters:
    ///   - start: where an entry begins.
    ///   - limit: where reading ends: what follows is not looked at.
    public init(
        _ path: String, format: EntryFormat, from start: Int64, to limit: Int64 = .max,
        maximumEntry: Int = EntryScanner.maximumEntry
    ) throws(SystemError) {
        let file = try Descriptor.open(path, O_RDONLY)
        let length = Int64(try file.status().st_size)
        try file.seek(to: start)
        self.file = consume file
        self.format = format
        self.maximumEntry = maximumEntry
        end = min(limit, length)
        offset = start
    }

    /// Gives each whole entry that begins before `limit` to `entry`, and each run of wrong bytes
    /// between them to `wrong`, in order.
    ///
    /// - Parameters:
    ///   - limit: no entry is begun from here on.
    ///   - entry: gets the offset of the entry's header, and its content.
    ///   - wrong: gets the range of bytes in the file.
    /// - Returns: where the next entry would begin.
    public mutating func read(
        before limit: Int64 = .max, entry: (Int64, RawSpan) throws -> Void,
        wrong: (Range<Int64>) throws -> Void
    ) throws -> Int64 {
        let header = format.headerLength
        while offset < min(limit, end) {
            if let length = try entryLength() {
                try entry(offset, buffer.span((taken + header)..<(taken + header + length)))
                advance(header + length)
            } else {
                let start = offset
                try findEntry()
                try wrong(start..<offset)
            }
        }
        return offset
    }

    // MARK: - Entries

    /// The length of the entry at ``offset``, whose bytes are in the buffer then; nil when there is
    /// none, or not a whole one.
    private mutating func entryLength() throws(SystemError) -> Int? {
        let header = format.headerLength
        guard try load(header), let (length, checksum) = headerAtHand() else { return nil }
        guard length > 0, length <= maximumEntry, Int64(header + length) <= end - offset,
            try load(header + length)
        else { return nil }
        let content = buffer.span((taken + header)..<(taken + header + length))
        return CRC32C.of(content) == checksum ? length : nil
    }

    /// What the header in the buffer says; nil when its own checksum is wrong.
    private func headerAtHand() -> (length: Int, checksum: UInt32)? {
        let bytes = buffer.span
        func word(_ index: Int) -> UInt32 {
            bytes.unsafeLoadUnaligned(fromByteOffset: taken + index * 4, as: UInt32.self)
        }
        switch format {
        case .unguarded: return (Int(word(0)), word(1))
        case .guarded(let file):
            let (length, checksum) = (word(1), word(2))
            let right = EntryFormat.guardChecksum(
                length: length, checksum: checksum, file: file, offset: offset)
            guard word(0) == EntryFormat.magic, word(3) == right else { return nil }
            return (Int(length), checksum)
        }
    }

    // MARK: - Finding the next entry

    /// Moves ``offset`` to the next whole entry behind it, or to the end.
    private mutating func findEntry() throws(SystemError) {
        // A header that is right tells where the next one is.
        if case .guarded = format, try load(format.headerLength), let found = headerAtHand(),
            Int64(format.headerLength + found.length) <= end - offset
        {
            return try skip(Int64(format.headerLength + found.length))
        }
        try skip(1)
        while offset < end {
            try loadSome()
            guard buffer.count > taken else { return offset = end }
            if try skipToCandidate() {
                if try entryLength() != nil { return }
                try skip(1)
            }
        }
    }

    /// Moves to the next place in the buffer where a header may begin.
    ///
    /// - Returns: false when there is none, and the buffer is used up.
    private mutating func skipToCandidate() throws(SystemError) -> Bool {
        switch format {
        case .guarded:
            let first = UInt8(truncatingIfNeeded: EntryFormat.magic)
            guard let place = buffer.firstIndex(of: first, from: taken) else {
                advance(buffer.count - taken)
                return false
            }
            advance(place - taken)
            return true
        case .unguarded:
            // Nothing guards the length, and any four bytes are one. Entries of this age are
            // batches of frames, which begin with a length and the encoding type EB 50.
            while try load(14) {
                let (length, mark) = lengthAndMark()
                if mark == 0x50EB, length > 0, length <= maximumEntry,
                    Int64(length) + 8 <= end - offset, reread < Self.maximumReread
                {
                    reread += Int64(length)
                    return true
                }
                advance(1)
            }
            try skip(end - offset)
            return false
        }
    }

    /// What may be the length of an unguarded entry, and the encoding type of its first frame.
    private func lengthAndMark() -> (length: UInt32, mark: UInt16) {
        let bytes = buffer.span
        return (
            bytes.unsafeLoadUnaligned(fromByteOffset: taken, as: UInt32.self),
            bytes.unsafeLoadUnaligned(fromByteOffset: taken + 12, as: UInt16.self)
        )
    }

    // MARK: - Bytes

    private mutating func advance(_ count: Int) {
        taken += count
        offset += Int64(count)
    }

    /// Passes over bytes, in the buffer or behind it.
    private mutating func skip(_ count: Int64) throws(SystemError) {
        if count <= Int64(buffer.count - taken) { return advance(Int(count)) }
        offset += count
        buffer.removeAll()
        taken = 0
        try file.seek(to: offset)
    }

    /// Sees to it that some bytes at ``offset`` are in the buffer.
    ///
    /// - Returns: false when the file ends before.
    private mutating func load(_ count: Int) throws(SystemError) -> Bool {
        if buffer.count - taken >= count { return true }
        guard Int64(count) <= end - offset else { return false }
        buffer.removeFirst(taken)
        taken = 0
        while buffer.count < count {
            let room = max(256 << 10, count - buffer.count)
            if try file.read(appendingTo: &buffer, room: room) == 0 { return false }
        }
        return true
    }

    private mutating func loadSome() throws(SystemError) {
        if buffer.count == taken { _ = try load(Int(min(64 << 10, end - offset))) }
    }
}
