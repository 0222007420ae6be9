public import Posix

/// Writes a table as a Parquet file, front to back: rows are collected in ``columns`` and become a row
/// group when there are enough of them. The same rows give the same bytes.
///
/// Memory: the finished pages of one row group (``groupRows`` rows, or ``groupBytes`` bytes of values where
/// rows are long), the values of rows that are not in a page yet, and texts.
///
/// Source: apache/parquet-format, 2026-08.
public struct ParquetWriter: ~Copyable {
    /// Rows of a group: DuckDB's own unit.
    public static let groupRows = 122_880
    /// Bytes of values after which a group ends earlier.
    public static let groupBytes = 24 << 20

    /// Where the values of a row go, each column once, before ``endRows(_:to:)``.
    public let columns: [ColumnBuilder]
    /// The column by which the rows should rise; told to readers for each group in which they do.
    private let order: Int?
    private var encoder: ChunkEncoder
    private var footer: FileFooter
    /// Columns whose rows differ in length.
    private let texts: [ColumnBuilder]
    private let fixedBytes: Int
    @usableFromInline var rows = 0
    /// Rows that are in early pages, as far as columns have them.
    private var earlyRows = 0
    /// Bytes of the file that were given out.
    private var written: Int64 = 0
    private var isBegun = false

    /// Prepares a file, or many of the same columns one after another.
    ///
    /// - Parameters:
    ///   - order: number of the column, an int64 that is required, by which rows rise.
    ///   - level: zstd's; 3 is its usual one.
    ///   - createdBy: in the form `name version 1.2.3 (build 0a1b2c3)`, which readers parse.
    public init(
        _ columns: [ParquetColumn], order: Int? = nil, codec: ParquetCodec = .zstd,
        level: Int32 = 3,
        createdBy: String
    ) throws(ParquetError) {
        self.columns = columns.map { ColumnBuilder($0) }
        self.order = order
        encoder = try ChunkEncoder(codec, level: level)
        footer = FileFooter(columns: columns, createdBy: createdBy)
        texts = self.columns.filter { $0.column.type.physical == .byteArray }
        fixedBytes = columns.reduce(0) { $0 + ($1.type.width ?? 1) + ($1.isOptional ? 1 : 0) }
    }

    /// Ends a row, or some that are to stay in one row group; every column has got a value for each, or
    /// the absence of one.
    ///
    /// - Parameter output: gets the pages of a group that is full.
    public mutating func endRows(
        _ count: Int = 1, to output: inout Bytes
    ) throws(ParquetError) {
        rows += count
        // The last row stays: its values may be appended again.
        while rows - earlyRows > ChunkEncoder.pageRows {
            for column in columns where column.hasEarlyPages {
                try encoder.appendEarlyPage(of: column)
            }
            earlyRows += ChunkEncoder.pageRows
        }
        var bytes = rows * fixedBytes
        for column in texts { bytes += column.bytes }
        if rows >= Self.groupRows || bytes >= Self.groupBytes { try endGroup(to: &output) }
    }

    /// Writes the rest of the file, and is ready for another one.
    ///
    /// - Parameter metadata: keys and values for the footer.
    public mutating func finish(
        metadata: [(key: String, value: String)] = [], to output: inout Bytes
    ) throws(ParquetError) {
        begin(&output)
        if rows > 0 { try endGroup(to: &output) }
        footer.metadata = metadata
        footer.append(base: written - Int64(output.count), to: &output)
        footer.groups = []
        (rows, written, isBegun) = (0, 0, false)
    }

    private mutating func begin(_ output: inout Bytes) {
        guard !isBegun else { return }
        isBegun = true
        output.append(FileFooter.magicText)
        written = 4
    }

    private mutating func endGroup(to output: inout Bytes) throws(ParquetError) {
        begin(&output)
        var group = GroupMetadata()
        group.rows = Int64(rows)
        for column in columns {
            precondition(column.rows == rows, "column \(column.column.name) misses a row")
            let start = output.count
            group.chunks.append(
                try encoder.append(column, base: written - Int64(start), to: &output))
            written += Int64(output.count - start)
        }
        if let order, columns[order].isRising { group.sortedBy = order }
        for column in columns { column.removeAll() }
        footer.groups.append(group)
        (rows, earlyRows) = (0, 0)
    }
}
