import Posix

/// The end of a file: page indexes, then what describes everything.
struct FileFooter: Sendable {
    /// How a file begins and ends.
    static let magicText: StaticString = "PAR1"
    static let magic: [UInt8] = Array("PAR1".utf8)

    var columns: [ParquetColumn]
    var groups: [GroupMetadata] = []
    var metadata: [(key: String, value: String)] = []
    var createdBy = ""

    var rows: Int64 { groups.reduce(0) { $0 + $1.rows } }
}

extension FileFooter {
    /// Appends column indexes, offset indexes, the footer and the end of the file.
    ///
    /// - Parameter base: where `output` begins in the file.
    mutating func append(base: Int64, to output: inout Bytes) {
        for group in groups.indices {
            for chunk in groups[group].chunks.indices {
                let start = output.count
                var index = ThriftWriter()
                Self.writeColumnIndex(groups[group].chunks[chunk].pages, to: &index)
                output.append(index.bytes.span)
                groups[group].chunks[chunk].columnIndex = (
                    base + Int64(start), Int32(output.count - start)
                )
            }
        }
        for group in groups.indices {
            for chunk in groups[group].chunks.indices {
                let start = output.count
                var index = ThriftWriter()
                Self.writeOffsetIndex(groups[group].chunks[chunk].pages, to: &index)
                output.append(index.bytes.span)
                groups[group].chunks[chunk].offsetIndex = (
                    base + Int64(start), Int32(output.count - start)
                )
            }
        }
        var footer = ThriftWriter(capacity: 4096)
        footer.element { write(to: &$0) }
        output.append(footer.bytes.span)
        output.append(bits: UInt32(footer.bytes.count))
        output.append(Self.magicText)
    }

    private static func writeColumnIndex(
        _ pages: [ChunkMetadata.Page], to writer: inout ThriftWriter
    ) {
        writer.element { writer in
            writer.list(1, .yes, count: pages.count) { writer in
                for page in pages { writer.element(page.bounds == nil) }
            }
            writer.list(2, .binary, count: pages.count) { writer in
                for page in pages { writer.element(page.bounds?.least.bytes ?? []) }
            }
            writer.list(3, .binary, count: pages.count) { writer in
                for page in pages { writer.element(page.bounds?.largest.bytes ?? []) }
            }
            writer.int32(4, order(of: pages))
            writer.list(5, .int64, count: pages.count) { writer in
                for page in pages { writer.element(page.nulls) }
            }
        }
    }

    /// 1 when both bounds never fall from page to page, 2 when they never rise, else 0.
    private static func order(of pages: [ChunkMetadata.Page]) -> Int32 {
        let bounds = pages.compactMap(\.bounds)
        let pairs = zip(bounds, bounds.dropFirst())
        if pairs.allSatisfy({ !($1.least < $0.least) && !($1.largest < $0.largest) }) { return 1 }
        if pairs.allSatisfy({ !($0.least < $1.least) && !($0.largest < $1.largest) }) { return 2 }
        return 0
    }

    private static func writeOffsetIndex(
        _ pages: [ChunkMetadata.Page], to writer: inout ThriftWriter
    ) {
        writer.element { writer in
            writer.list(1, .structure, count: pages.count) { writer in
                for page in pages {
                    writer.element { writer in
                        writer.int64(1, page.offset)
                        writer.int32(2, Int32(page.length))
                        writer.int64(3, page.firstRow)
                    }
                }
            }
        }
    }

    private func write(to writer: inout ThriftWriter) {
        writer.int32(1, 1)
        writer.list(2, .structure, count: columns.count + 1) { writer in
            writer.element { writer in
                writer.text(4, "schema")
                writer.int32(5, Int32(columns.count))
            }
            for (index, column) in columns.enumerated() {
                writer.element { column.write(fieldID: Int32(index + 1), to: &$0) }
            }
        }
        writer.int64(3, rows)
        writer.list(4, .structure, count: groups.count) { writer in
            for (ordinal, group) in groups.enumerated() {
                writer.element { group.write(ordinal: ordinal, to: &$0) }
            }
        }
        if !metadata.isEmpty {
            writer.list(5, .structure, count: metadata.count) { writer in
                for (key, value) in metadata {
                    writer.element { writer in
                        writer.text(1, key)
                        writer.text(2, value)
                    }
                }
            }
        }
        writer.text(6, createdBy)
        writer.list(7, .structure, count: columns.count) { writer in
            for _ in columns { writer.element { $0.structure(1) { _ in } } }
        }
    }
}

extension ParquetColumn {
    /// Writes its element of the schema, with the type also in the words of old readers.
    fileprivate func write(fieldID: Int32, to writer: inout ThriftWriter) {
        writer.int32(1, type.physical.rawValue)
        if let width = type.width, type.physical == .fixedLengthByteArray {
            writer.int32(2, Int32(width))
        }
        writer.int32(3, isOptional ? 1 : 0)
        writer.text(4, name)
        switch type {
        case .boolean, .int64, .bytes, .foreign: writer.int32(9, fieldID)
        case .string:
            writer.int32(6, 0)
            writer.int32(9, fieldID)
            writer.structure(10) { $0.structure(1) { _ in } }
        case .timestamp:
            writer.int32(6, 10)
            writer.int32(9, fieldID)
            writer.structure(10) { writer in
                writer.structure(8) { writer in
                    writer.boolean(1, true)
                    writer.structure(2) { $0.structure(2) { _ in } }
                }
            }
        case .decimal18(let scale): Self.writeDecimal(18, scale, fieldID, to: &writer)
        case .decimal38(let scale): Self.writeDecimal(38, scale, fieldID, to: &writer)
        }
    }

    private static func writeDecimal(
        _ precision: Int32, _ scale: Int32, _ fieldID: Int32, to writer: inout ThriftWriter
    ) {
        writer.int32(6, 5)
        writer.int32(7, scale)
        writer.int32(8, precision)
        writer.int32(9, fieldID)
        writer.structure(10) { writer in
            writer.structure(5) { writer in
                writer.int32(1, scale)
                writer.int32(2, precision)
            }
        }
    }
}

extension GroupMetadata {
    fileprivate func write(ordinal: Int, to writer: inout ThriftWriter) {
        writer.list(1, .structure, count: chunks.count) { writer in
            for chunk in chunks { writer.element { chunk.write(to: &$0) } }
        }
        writer.int64(2, chunks.reduce(0) { $0 + $1.uncompressedBytes })
        writer.int64(3, rows)
        if let sortedBy {
            writer.list(4, .structure, count: 1) { writer in
                writer.element { writer in
                    writer.int32(1, Int32(sortedBy))
                    writer.boolean(2, false)
                    writer.boolean(3, false)
                }
            }
        }
        writer.int64(5, chunks.first?.start ?? 0)
        writer.int64(6, chunks.reduce(0) { $0 + $1.compressedBytes })
    }
}

extension ChunkMetadata {
    fileprivate func write(to writer: inout ThriftWriter) {
        writer.int64(2, 0)
        writer.structure(3) { writeDetails(to: &$0) }
        if let offsetIndex {
            writer.int64(4, offsetIndex.offset)
            writer.int32(5, offsetIndex.length)
        }
        if let columnIndex {
            writer.int64(6, columnIndex.offset)
            writer.int32(7, columnIndex.length)
        }
    }

    private func writeDetails(to writer: inout ThriftWriter) {
        writer.int32(1, type.rawValue)
        writer.list(2, .int32, count: encodings.count) { writer in
            for encoding in encodings { writer.element(encoding.rawValue) }
        }
        writer.list(3, .binary, count: path.count) { writer in
            for name in path { writer.element(name) }
        }
        writer.int32(4, codec)
        writer.int64(5, values)
        writer.int64(6, uncompressedBytes)
        writer.int64(7, compressedBytes)
        writer.int64(9, dataOffset)
        if let dictionaryOffset { writer.int64(11, dictionaryOffset) }
        writer.structure(12) { writer in
            if let nulls { writer.int64(3, nulls) }
            if let bounds {
                writer.binary(5, bounds.largest.bytes)
                writer.binary(6, bounds.least.bytes)
                writer.boolean(7, bounds.largest.isExact)
                writer.boolean(8, bounds.least.isExact)
            }
        }
        let isNumbered = dictionaryOffset != nil
        writer.list(13, .structure, count: isNumbered ? 2 : 1) { writer in
            if isNumbered { Self.writeStatistic(2, .plain, 1, to: &writer) }
            Self.writeStatistic(
                0, encodings.last(where: { $0 != .rle }) ?? .plain, pages.count, to: &writer)
        }
    }

    private static func writeStatistic(
        _ pageType: Int32, _ encoding: Encoding, _ count: Int, to writer: inout ThriftWriter
    ) {
        writer.element { writer in
            writer.int32(1, pageType)
            writer.int32(2, encoding.rawValue)
            writer.int32(3, Int32(count))
        }
    }
}
