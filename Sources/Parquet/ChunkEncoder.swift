import Posix

/// Writes the values of a column as the pages of a chunk.
struct ChunkEncoder: ~Copyable {
    /// Rows of a page: the unit of the page index.
    static let pageRows = 20_000
    /// Bytes of texts after which a page ends earlier.
    private static let pageBytes = 1 << 20

    private let codec: ParquetCodec
    private let compressor: PageCompressor
    private var body = Bytes(capacity: 4096)
    private var stored = Bytes(capacity: 4096)
    private var header = ThriftWriter(capacity: 64)

    init(_ codec: ParquetCodec, level: Int32) throws(ParquetError) {
        self.codec = codec
        compressor = try PageCompressor(codec, level: level)
    }

    /// Appends a chunk.
    ///
    /// - Parameter base: where `output` begins in the file.
    mutating func append(
        _ builder: ColumnBuilder, base: Int64, to output: inout Bytes
    ) throws(ParquetError) -> ChunkMetadata {
        let start = output.count
        if builder.column.type == .int64 || builder.column.type == .timestamp {
            if let chunk = try append(builder, .deltaBinaryPacked, base: base, to: &output) {
                return chunk
            }
            // A difference was too wide for it.
            output.truncate(to: start)
        }
        let isWords = builder.column.type.physical == .byteArray && builder.isNumbered
        let encoding: Encoding = isWords ? .rleDictionary : .plain
        guard let chunk = try append(builder, encoding, base: base, to: &output) else {
            preconditionFailure("only differences can be refused")
        }
        return chunk
    }

    private mutating func append(
        _ builder: ColumnBuilder, _ encoding: Encoding, base: Int64, to output: inout Bytes
    ) throws(ParquetError) -> ChunkMetadata? {
        var chunk = ChunkMetadata(type: builder.column.type.physical, codec: codec.rawValue)
        chunk.path = [builder.column.name]
        chunk.values = Int64(builder.rows)
        chunk.nulls = Int64(builder.rows - builder.values)
        chunk.encodings = encoding == .plain ? [.plain, .rle] : [.plain, .rle, encoding]
        if encoding == .deltaBinaryPacked { chunk.encodings = [.rle, encoding] }
        if encoding == .rleDictionary {
            chunk.dictionaryOffset = base + Int64(output.count)
            body.removeAll()
            builder.words.appendTexts(to: &body)
            try appendPage(of: &chunk, dictionary: builder.words.count, to: &output)
        }
        chunk.dataOffset = base + Int64(output.count)
        var cut = PageCut()
        while cut.rows.upperBound < builder.rows {
            cut = PageCut(
                after: cut, in: builder, mostRows: Self.pageRows, mostBytes: Self.pageBytes)
            body.removeAll()
            if builder.column.isOptional { appendLevels(of: builder, cut.rows) }
            guard builder.append(cut, encoding, to: &body) else { return nil }
            let offset = base + Int64(output.count)
            let values = cut.values.count
            try appendPage(of: &chunk, rows: cut.rows.count, encoding, to: &output)
            let bounds = builder.bounds(of: cut)
            chunk.pages.append(
                ChunkMetadata.Page(
                    offset: offset, length: Int(base) + output.count - Int(offset),
                    firstRow: Int64(cut.rows.lowerBound), nulls: Int64(cut.rows.count - values),
                    bounds: bounds))
            if let bounds {
                if chunk.bounds == nil {
                    chunk.bounds = bounds
                } else {
                    chunk.bounds?.widen(by: bounds)
                }
            }
        }
        return chunk
    }

    /// Definition levels of a page: 1 where a row has a value.
    private mutating func appendLevels(of builder: ColumnBuilder, _ rows: Range<Int>) {
        let start = body.count
        body.append(bits: UInt32(0))
        builder.presence.withUnsafeBytes(rows) { levels in
            RunLengthEncoding.append(levels.bindMemory(to: UInt8.self), width: 1, to: &body)
        }
        body.store(bits: UInt32(body.count - start - 4), at: start)
    }

    // MARK: - Pages

    private mutating func appendPage(
        of chunk: inout ChunkMetadata, dictionary entries: Int, to output: inout Bytes
    ) throws(ParquetError) {
        try appendPage(of: &chunk, type: 2, to: &output) { header in
            header.structure(7) { header in
                header.int32(1, Int32(entries))
                header.int32(2, Encoding.plain.rawValue)
            }
        }
    }

    private mutating func appendPage(
        of chunk: inout ChunkMetadata, rows: Int, _ encoding: Encoding, to output: inout Bytes
    ) throws(ParquetError) {
        try appendPage(of: &chunk, type: 0, to: &output) { header in
            header.structure(5) { header in
                header.int32(1, Int32(rows))
                header.int32(2, encoding.rawValue)
                header.int32(3, Encoding.rle.rawValue)
                header.int32(4, Encoding.rle.rawValue)
            }
        }
    }

    private mutating func appendPage(
        of chunk: inout ChunkMetadata, type: Int32, to output: inout Bytes,
        _ details: (inout ThriftWriter) -> Void
    ) throws(ParquetError) {
        stored.removeAll()
        try Self.compress(body, compressor, to: &stored)
        let checksum = stored.withUnsafeBytes(0..<stored.count) { PageChecksum.of($0) }
        header.removeAll()
        let (length, storedLength) = (Int32(body.count), Int32(stored.count))
        header.element { header in
            header.int32(1, type)
            header.int32(2, length)
            header.int32(3, storedLength)
            header.int32(4, Int32(bitPattern: checksum))
            details(&header)
        }
        chunk.uncompressedBytes += Int64(header.bytes.count + body.count)
        chunk.compressedBytes += Int64(header.bytes.count + stored.count)
        output.append(header.bytes.span)
        output.append(stored.span)
    }

    private static func compress(
        _ body: borrowing Bytes, _ compressor: borrowing PageCompressor, to stored: inout Bytes
    ) throws(ParquetError) {
        try body.withUnsafeBytes(0..<body.count) { (bytes) throws(ParquetError) in
            try compressor.append(bytes, to: &stored)
        }
    }
}

/// Rows of one page, and where their values are in the builder.
struct PageCut {
    var rows = 0..<0
    /// Numbers of the values, nulls not counted.
    var values = 0..<0
    /// Of texts in PLAIN: their bytes in the builder.
    var bytes = 0..<0

    init() {}

    /// The page after another.
    init(after last: PageCut, in builder: ColumnBuilder, mostRows: Int, mostBytes: Int) {
        let first = last.rows.upperBound
        var end = min(first + mostRows, builder.rows)
        var value = last.values.upperBound
        var byte = last.bytes.upperBound
        if builder.column.isOptional
            || builder.column.type.physical == .byteArray && !builder.isNumbered
        {
            let isText = builder.column.type.physical == .byteArray && !builder.isNumbered
            builder.presence.withUnsafeBytes(0..<builder.presence.count) { presence in
                builder.plain.withUnsafeBytes(0..<builder.plain.count) { plain in
                    for row in first..<end where !builder.column.isOptional || presence[row] == 1 {
                        if isText {
                            let length = Int(
                                plain.loadUnaligned(fromByteOffset: byte, as: UInt32.self))
                            if byte + 4 + length - last.bytes.upperBound > mostBytes, row > first {
                                end = row
                                break
                            }
                            byte += 4 + length
                        }
                        value += 1
                    }
                }
            }
        } else {
            value = end
        }
        rows = first..<end
        values = last.values.upperBound..<value
        bytes = last.bytes.upperBound..<byte
    }
}
