/// What the footer says of one column of one row group.
struct ChunkMetadata: Sendable {
    /// One data page.
    struct Page: Sendable {
        /// Of its header, from the start of the file.
        let offset: Int64
        /// With its header.
        let length: Int
        /// First row in the group.
        let firstRow: Int64
        let nulls: Int64
        /// Nil for a page of nulls.
        let bounds: Bounds?

        /// The page when everything before it is longer.
        func moved(by bytes: Int64) -> Page {
            Page(
                offset: offset + bytes, length: length, firstRow: firstRow, nulls: nulls,
                bounds: bounds)
        }
    }

    var type: PhysicalType
    var path: [String] = []
    var codec: Int32
    var encodings: [Encoding] = []
    /// Rows, also those without a value.
    var values: Int64 = 0
    var uncompressedBytes: Int64 = 0
    var compressedBytes: Int64 = 0
    var dataOffset: Int64 = 0
    var dictionaryOffset: Int64?
    var nulls: Int64?
    var bounds: Bounds?
    var pages: [Page] = []
    /// Where column index and offset index are, once they are written.
    var columnIndex: (offset: Int64, length: Int32)?
    var offsetIndex: (offset: Int64, length: Int32)?

    /// Notes how the values of a page are encoded.
    mutating func note(_ encoding: Encoding) {
        if !encodings.contains(encoding) { encodings.append(encoding) }
    }

    /// Brings the encodings into the order that they are listed in: that of pages, with PLAIN, in which
    /// dictionaries are, and the levels' before it.
    mutating func sortEncodings() {
        let isPlain = dictionaryOffset != nil || encodings.isEmpty || encodings.contains(.plain)
        encodings =
            (isPlain ? [.plain, .rle] : [.rle]) + encodings.filter { $0 != .plain && $0 != .rle }
    }

    /// Where its first page begins.
    var start: Int64 { dictionaryOffset.map { min($0, dataOffset) } ?? dataOffset }
}

/// What the footer says of one row group.
struct GroupMetadata: Sendable {
    var chunks: [ChunkMetadata] = []
    var rows: Int64 = 0
    /// The column by which its rows are in rising order.
    var sortedBy: Int?
}
