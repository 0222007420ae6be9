import Glibc
import Identity
import Posix
import Records

/// The records of a partition in a file without a name, and where each of them is: memory grows by
/// some 40 bytes a record, whatever its length.
final class FrameHeap {
    /// Where one record is, and what it is ordered by.
    struct Entry {
        let first: Int64
        let last: Int64
        /// ns since the epoch.
        let ingest: Int64
        fileprivate let offset: Int64
        fileprivate let length: Int32
        /// Which of the objects that were read it is from.
        let object: Int32
    }

    /// Bytes that are written at once.
    private static let writeLength = 1 << 20

    private let file: Descriptor
    private var pending = Bytes(capacity: writeLength + (64 << 10))
    private var written: Int64 = 0
    private var frame = Bytes(capacity: 64 << 10)
    /// In order once ``sort()`` was called.
    private(set) var entries: [Entry] = []
    /// Why the records are not all there; nil when they are.
    private(set) var failure: SystemError?

    /// An empty heap in a directory.
    init(in directory: String) throws(SystemError) {
        let path = "\(directory)/records"
        file = try Descriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
        try Files.remove(path)
    }

    /// Forgets all records.
    func removeAll() throws(SystemError) {
        entries.removeAll(keepingCapacity: true)
        pending.removeAll()
        written = 0
        failure = nil
        try file.truncate(to: 0)
        try file.seek(to: 0)
    }

    /// Adds a record of an object.
    func append(_ frame: borrowing FrameView, of object: Int) {
        guard failure == nil else { return }
        entries.append(
            Entry(
                first: frame.firstID, last: frame.lastID, ingest: frame.ingestTime,
                offset: written + Int64(pending.count), length: Int32(frame.bytes.byteCount),
                object: Int32(object)))
        pending.append(frame.bytes)
        if pending.count >= Self.writeLength { flush() }
    }

    private func flush() {
        do throws(SystemError) {
            try file.writeAll(pending.span)
            written += Int64(pending.count)
            pending.removeAll()
        } catch { failure = error }
    }

    /// Orders the records by their ids; those of the same ids by when they were received.
    func sort() throws(SystemError) {
        if failure == nil { flush() }
        if let failure { throw failure }
        entries.sort { one, other in
            if one.first != other.first { return one.first < other.first }
            if one.last != other.last { return one.last < other.last }
            return (one.ingest, one.object, one.offset)
                < (other.ingest, other.object, other.offset)
        }
    }

    /// Lends the record of an entry.
    func withFrame<Result>(
        of entry: Entry, _ body: (borrowing FrameView) throws -> Result
    ) throws -> Result {
        frame.removeAll()
        let length = Int(entry.length)
        try frame.append(room: length) { (room) throws(SystemError) in
            try file.read(
                at: entry.offset, into: UnsafeMutableRawBufferPointer(rebasing: room[..<length]))
            return length
        }
        return try Self.lend(frame, body)
    }

    private static func lend<Result>(
        _ bytes: borrowing Bytes, _ body: (borrowing FrameView) throws -> Result
    ) throws -> Result {
        let frame = try FrameView(bytes.span)
        return try body(frame)
    }
}
