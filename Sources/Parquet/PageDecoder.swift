import CZstd
import Posix

/// Turns the pages of a chunk into values. Everything is compared with what is there before it is
/// believed: lengths, counts, indices, widths, checksums.
struct PageDecoder: ~Copyable {
    /// A page announces its length before compression, and memory is taken for it: no more than this.
    private static let longestPage: Int32 = 64 << 20

    private let column: ParquetColumn
    private let chunk: ChunkMetadata
    /// Where the chunk begins in the file.
    private let base: Int64
    private var body = Bytes(capacity: 4096)
    private var dictionary: ColumnValues?
    private var values: ColumnValues

    init(_ column: ParquetColumn, _ chunk: ChunkMetadata) {
        self.column = column
        self.chunk = chunk
        base = chunk.start
        values = ColumnValues(column.type)
    }

    /// - Parameter bytes: the whole chunk.
    consuming func decode(_ bytes: RawSpan) throws(ParquetError) -> ColumnValues {
        var position = 0
        while Int64(values.count) < chunk.values {
            var reader = ThriftReader(
                bytes.extracting(droppingFirst: position), at: base + Int64(position))
            let header = try PageHeader(reading: &reader)
            let start = position + reader.position
            guard header.storedLength >= 0, header.length >= 0,
                Int(header.storedLength) <= bytes.byteCount - start
            else { throw damaged(position, "a page leaves its column") }
            guard header.length <= Self.longestPage else {
                throw .unsupported("a page of \(header.length) bytes")
            }
            let end = start + Int(header.storedLength)
            try read(bytes.extracting(start..<end), header, at: position)
            position = end
        }
        return values
    }

    private func damaged(_ position: Int, _ reason: String) -> ParquetError {
        .damaged(offset: base + Int64(position), "column \(column.name): \(reason)")
    }

    private mutating func read(
        _ stored: RawSpan, _ header: PageHeader, at position: Int
    ) throws(ParquetError) {
        if let checksum = header.checksum {
            let own = stored.withUnsafeBytes { PageChecksum.of($0) }
            guard own == checksum else { throw damaged(position, "a page has a wrong checksum") }
        }
        switch header.type {
        case 0, 2: break
        case 3: throw .unsupported("column \(column.name) has pages of version 2")
        default: return
        }
        guard header.values >= 0 else {
            throw damaged(position, "a page without a count of values")
        }
        try unpack(stored, header, at: position)
        var cursor = ValueCursor(at: base + Int64(position), column: column.name)
        if header.type == 2 {
            guard dictionary == nil, values.count == 0 else {
                throw damaged(position, "a dictionary that is not the first page")
            }
            var entries = ColumnValues(column.type)
            try body.span.withUnsafeBytes { (bytes) throws(ParquetError) in
                try cursor.plain(bytes, Int(header.values), of: column.type, into: &entries)
            }
            dictionary = entries
        } else {
            guard Int64(header.values) <= chunk.values - Int64(values.count) else {
                throw damaged(position, "pages have more values than the column")
            }
            try readValues(header, &cursor)
        }
    }

    private mutating func unpack(
        _ stored: RawSpan, _ header: PageHeader, at position: Int
    ) throws(ParquetError) {
        body.removeAll()
        let length = Int(header.length)
        switch ParquetCodec(rawValue: chunk.codec) {
        case ParquetCodec.none?:
            guard stored.byteCount == length else {
                throw damaged(position, "a page of another length")
            }
            body.append(stored)
        case .zstd?:
            let isGood = stored.withUnsafeBytes { source in
                // The frame's own word first, so that a wrong header takes no memory.
                let told = ZSTD_getFrameContentSize(source.baseAddress, source.count)
                guard told == UInt64(length) || told == UInt64.max else { return false }
                var count = -1
                body.append(room: length + 1) { room in
                    let result = ZSTD_decompress(
                        room.baseAddress, length, source.baseAddress, source.count)
                    count = ZSTD_isError(result) == 0 ? result : -1
                    return max(0, count)
                }
                return count == length
            }
            guard isGood else { throw damaged(position, "a page that zstd cannot read") }
        case nil:
            throw .unsupported(
                "column \(column.name) is compressed with "
                    + FormatName.of(chunk.codec, in: FormatName.codecs))
        }
    }

    // MARK: - Values

    private mutating func readValues(
        _ header: PageHeader, _ cursor: inout ValueCursor
    ) throws(ParquetError) {
        let count = Int(header.values)
        let (column, dictionary) = (column, dictionary)
        var values = values
        try body.span.withUnsafeBytes { (bytes) throws(ParquetError) in
            var rest = bytes[...]
            var present = count
            var absent: [Bool] = []
            if column.isOptional {
                absent = try cursor.levels(&rest, count)
                present = absent.reduce(0) { $0 + ($1 ? 0 : 1) }
            }
            var page = ColumnValues(column.type)
            let content = UnsafeRawBufferPointer(rebasing: rest)
            switch Encoding(rawValue: header.encoding) {
            case .plain?: try cursor.plain(content, present, of: column.type, into: &page)
            case .deltaBinaryPacked? where column.type.physical == .int64:
                try cursor.differences(content, present, into: &page)
            case .rleDictionary?, .plainDictionary?:
                guard let dictionary else { throw cursor.damaged("indices without a dictionary") }
                try cursor.indices(content, present, of: dictionary, into: &page)
            default:
                throw .unsupported(
                    "column \(column.name) is encoded as "
                        + FormatName.of(header.encoding, in: FormatName.encodings))
            }
            values.add(page, absent)
        }
        self.values = values
    }
}
