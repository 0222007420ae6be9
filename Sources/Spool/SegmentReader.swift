import Glibc
import Posix

/// Reads the entries of one segment.
enum SegmentReader {
    /// Gives each good entry to `body`.
    ///
    /// - Returns: where the last good entry ends; before the end of the file, what follows is
    ///   torn or damaged. 0 when the segment has no whole header.
    static func read(
        _ path: String, from start: Int64, to limit: Int64 = .max,
        _ body: (Int64, RawSpan) throws -> Void
    ) throws -> Int64 {
        let file = try Descriptor.open(path, O_RDONLY)
        var buffer = Bytes(capacity: 1 << 20)
        while buffer.count < Spool.headerLength {
            if try file.read(appendingTo: &buffer, room: 64 << 10) == 0 { return 0 }
        }
        guard buffer.span.unsafeLoadUnaligned(as: UInt64.self) == Spool.magic else { return 0 }
        if start > Int64(Spool.headerLength) {
            try file.seek(to: start)
            buffer.removeAll()
        } else {
            buffer.removeFirst(Spool.headerLength)
        }
        var offset = start
        var taken = 0
        while offset < limit {
            let left = buffer.count - taken
            var need = Spool.entryHeader
            if left >= need {
                let length = Int(
                    buffer.span.unsafeLoadUnaligned(fromByteOffset: taken, as: UInt32.self))
                guard length > 0, length <= Spool.maximumEntry else { return offset }
                need += length
                if left >= need {
                    let checksum = buffer.span.unsafeLoadUnaligned(
                        fromByteOffset: taken + 4, as: UInt32.self)
                    let entry = buffer.span.extracting((taken + Spool.entryHeader)..<(taken + need))
                    guard CRC32C.of(entry) == checksum else { return offset }
                    try body(offset, entry)
                    taken += need
                    offset += Int64(need)
                    continue
                }
            }
            buffer.removeFirst(taken)
            taken = 0
            if try file.read(appendingTo: &buffer, room: max(256 << 10, need - buffer.count)) == 0 {
                return offset
            }
        }
        return offset
    }

    /// True when a whole entry lies behind the one that begins at an offset and is not good: then
    /// that one is damaged, while a write that a crash cut off is the last of its file.
    static func hasEntry(_ path: String, behind offset: Int64) throws -> Bool {
        let file = try Descriptor.open(path, O_RDONLY)
        var header = Bytes(capacity: Spool.entryHeader)
        try file.seek(to: offset)
        while header.count < Spool.entryHeader {
            let room = Spool.entryHeader - header.count
            if try file.read(appendingTo: &header, room: room) == 0 { return false }
        }
        let length = header.span.unsafeLoadUnaligned(as: UInt32.self)
        guard length > 0, length <= Spool.maximumEntry else { return false }
        let next = offset + Int64(Spool.entryHeader) + Int64(length)
        var isFound = false
        _ = try read(path, from: next, to: next + 1) { _, _ in isFound = true }
        return isFound
    }
}
