import Glibc
public import Posix

/// Reads tables that ``ParquetWriter`` wrote, and others that use no more of the format: flat columns
/// of the types of ``ParquetType``, pages of version 1, zstd or no compression.
///
/// A file may come from anybody: each number in it is compared with what is there before memory is
/// taken, and damage is an error that names the byte.
public struct ParquetReader {
    /// One row group.
    public struct Group: Sendable {
        /// Its rows.
        public let rows: Int64
    }

    /// Gives bytes of the file: from an offset on, so many, appended to a buffer.
    public typealias Read = (_ offset: Int64, _ count: Int, _ bytes: inout Bytes) throws -> Void

    /// Memory that one footer, or one column of one row group, may take.
    private static let (longestFooter, longestChunk) = (64 << 20, 256 << 20)
    /// Rows of one row group.
    public static let mostRows: Int64 = 1 << 22

    private let footer: FileFooter
    private let length: Int64
    private let source: Read

    /// Opens a file.
    ///
    /// - Throws: ``ParquetError``; what the system says is ``ParquetError/failed(_:)``.
    public init(path: String) throws(ParquetError) {
        let file: FileSource
        do throws(SystemError) { file = try FileSource(path) } catch { throw .failed("\(error)") }
        try self.init(length: file.length) { try file.read($0, $1, &$2) }
    }

    /// Opens a file that is in memory.
    public init(bytes: [UInt8]) throws(ParquetError) {
        try self.init(length: Int64(bytes.count)) { offset, count, output in
            output.append(bytes.span.bytes.extracting(Int(offset)..<(Int(offset) + count)))
        }
    }

    /// Opens a file of which any part can be had.
    ///
    /// - Parameters:
    ///   - length: of the file, bytes.
    ///   - read: is asked for parts within that length only.
    public init(length: Int64, read: @escaping Read) throws(ParquetError) {
        self.length = length
        source = read
        guard length >= 12 else { throw .notParquet("it has \(max(0, length)) bytes") }
        let end = try Self.bytes(length - 8, 8, read)
        let magic = try Self.bytes(0, 4, read)
        guard magic.array == FileFooter.magic else {
            throw .notParquet("it does not begin with PAR1")
        }
        guard end.span(4..<8).withUnsafeBytes({ Array($0) }) == FileFooter.magic else {
            throw .notParquet("it does not end with PAR1: was it cut off?")
        }
        let footerLength = Int64(end.span.unsafeLoad(fromByteOffset: 0, as: UInt32.self))
        guard footerLength <= length - 12 else {
            throw .damaged(offset: length - 8, "a footer longer than the file")
        }
        guard footerLength <= Self.longestFooter else {
            throw .unsupported("a footer of \(footerLength) bytes")
        }
        let start = length - 8 - footerLength
        let bytes = try Self.bytes(start, Int(footerLength), read)
        footer = try FileFooter(reading: bytes.span, at: start)
    }

    // MARK: - What is in it

    /// Its columns.
    public var columns: [ParquetColumn] { footer.columns }
    /// Rows in all groups.
    public var rows: Int64 { footer.rows }
    /// Its row groups, in order.
    public var groups: [Group] { footer.groups.map { Group(rows: $0.rows) } }
    /// Who wrote it, in its own words.
    public var createdBy: String { footer.createdBy }
    /// Keys and values of the footer; of a key that comes twice the last.
    public var metadata: [String: String] {
        Dictionary(footer.metadata.map { ($0.key, $0.value) }) { $1 }
    }

    /// The number of a column.
    public func column(named name: String) -> Int? { columns.firstIndex { $0.name == name } }

    /// The least and largest value of a column in a row group; nil where the file does not say.
    public func bounds(group: Int, column: Int) -> ColumnBounds? {
        footer.groups[group].chunks[column].bounds.flatMap { ColumnBounds($0) }
    }

    /// Reads a column of a row group.
    ///
    /// - Throws: ``ParquetError``.
    public func read(group: Int, column: Int) throws(ParquetError) -> ColumnValues {
        let rows = footer.groups[group].rows
        let chunk = footer.groups[group].chunks[column]
        let name = columns[column].name
        if case .foreign(let type) = columns[column].type {
            throw .unsupported("column \(name) has the type \(type)")
        }
        guard chunk.values == rows else {
            throw .damaged(offset: chunk.start, "column \(name) has not one value a row")
        }
        guard rows <= Self.mostRows else { throw .unsupported("a row group of \(rows) rows") }
        guard chunk.compressedBytes <= Self.longestChunk else {
            throw .unsupported("a column of \(chunk.compressedBytes) bytes in one row group")
        }
        guard chunk.start >= 4, chunk.start <= length, chunk.compressedBytes <= length - chunk.start
        else { throw .damaged(offset: chunk.start, "column \(name) leaves the file") }
        let bytes = try Self.bytes(chunk.start, Int(chunk.compressedBytes), source)
        return try PageDecoder(columns[column], chunk).decode(bytes.span)
    }

    private static func bytes(
        _ offset: Int64, _ count: Int, _ read: Read
    ) throws(ParquetError) -> Bytes {
        var bytes = Bytes(capacity: max(count, 1))
        do { try read(offset, count, &bytes) } catch { throw .failed("\(error)") }
        guard bytes.count == count else {
            throw .failed("\(bytes.count) of \(count) bytes at byte \(offset) could be read")
        }
        return bytes
    }
}

/// A file of the system.
private final class FileSource {
    private let file: Descriptor
    let length: Int64

    init(_ path: String) throws(SystemError) {
        file = try Descriptor.open(path, O_RDONLY)
        length = Int64(try file.status().st_size)
    }

    func read(_ offset: Int64, _ count: Int, _ bytes: inout Bytes) throws(SystemError) {
        try bytes.append(room: count) { (room) throws(SystemError) in
            try file.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: room[..<count]))
            return count
        }
    }
}
