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
        var chunk = builder.early.chunk ?? newChunk(of: builder)
        chunk.values = Int64(builder.rows)
        chunk.nulls = Int64(builder.rows - builder.values)
        if builder.column.type.physical == .byteArray, builder.isNumbered {
            chunk.dictionaryOffset = base + Int64(output.count)
            body.removeAll()
            builder.words.appendTexts(to: &body)
            try appendPage(of: &chunk, dictionary: builder.words.count, to: &output)
        }
        chunk.dataOffset = base + Int64(output.count)
        chunk.pages = chunk.pages.map { $0.moved(by: chunk.dataOffset) }
        output.append(builder.early.bytes.span)
        var cut = PageCut()
        while cut.rows.upperBound < builder.rowsInMemory {
            cut = PageCut(
                after: cut, in: builder, mostRows: Self.pageRows, mostBytes: Self.pageBytes)
            try append(cut, of: builder, to: &chunk, base: base, &output)
        }
        chunk.sortEncodings()
        return chunk
    }

    /// Makes a page of the first rows of a column, whose values need no memory any more then.
    mutating func appendEarlyPage(of builder: ColumnBuilder) throws(ParquetError) {
        let cut = PageCut(
            after: PageCut(), in: builder, mostRows: Self.pageRows, mostBytes: Self.pageBytes)
        var chunk = builder.early.chunk ?? newChunk(of: builder)
        // Out of the builder, which is read while they are written.
        var pages = Bytes(capacity: 1)
        swap(&pages, &builder.early.bytes)
        try append(cut, of: builder, to: &chunk, base: 0, &pages)
        swap(&pages, &builder.early.bytes)
        builder.noteOrder(cut)
        builder.early.chunk = chunk
        builder.drop(cut)
    }

    private func newChunk(of builder: ColumnBuilder) -> ChunkMetadata {
        var chunk = ChunkMetadata(type: builder.column.type.physical, codec: codec.rawValue)
        chunk.path = [builder.column.name]
        return chunk
    }

    /// Appends a page in the encoding that suits its values.
    ///
    /// - Parameter base: where `output` begins in the file.
    private mutating func append(
        _ cut: PageCut, of builder: ColumnBuilder, to chunk: inout ChunkMetadata, base: Int64,
        _ output: inout Bytes
    ) throws(ParquetError) {
        var encoding = Encoding.plain
        if builder.column.type == .int64 || builder.column.type == .timestamp {
            encoding = .deltaBinaryPacked
        } else if builder.column.type.physical == .byteArray, builder.isNumbered {
            encoding = .rleDictionary
        }
        if !fill(cut, of: builder, encoding) {
            // A difference was too wide for it.
            encoding = .plain
            guard fill(cut, of: builder, encoding) else {
                preconditionFailure("only differences can be refused")
            }
        }
        chunk.note(encoding)
        let offset = base + Int64(output.count)
        let values = cut.values.count
        try appendPage(of: &chunk, rows: cut.rows.count, encoding, to: &output)
        let bounds = builder.bounds(of: cut)
        chunk.pages.append(
            ChunkMetadata.Page(
                offset: offset, length: Int(base) + output.count - Int(offset),
                firstRow: Int64(builder.early.rows + cut.rows.lowerBound),
                nulls: Int64(cut.rows.count - values), bounds: bounds))
        guard let bounds else { return }
        if chunk.bounds == nil { chunk.bounds = bounds } else { chunk.bounds?.widen(by: bounds) }
    }

    /// Puts the values of a page into the body.
    ///
    /// - Returns: false when they do not suit the encoding.
    private mutating func fill(
        _ cut: PageCut, of builder: ColumnBuilder, _ encoding: Encoding
    ) -> Bool {
        body.removeAll()
        if builder.column.isOptional { appendLevels(of: builder, cut.rows) }
        return builder.append(cut, encoding, to: &body)
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
        var end = min(first + mostRows, builder.rowsInMemory)
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
