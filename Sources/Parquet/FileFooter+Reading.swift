/// The footer of a file from anybody.
extension FileFooter {
    /// Columns, row groups and pairs of metadata beyond which a footer is refused.
    private static let (mostColumns, mostGroups, mostPairs) = (4096, 1 << 20, 1 << 16)

    /// - Parameter offset: where the bytes are in the file.
    init(reading bytes: RawSpan, at offset: Int64) throws(ParquetError) {
        var reader = ThriftReader(bytes, at: offset)
        var footer = FileFooter(columns: [])
        var rows: Int64 = 0
        try reader.structure { (reader, field) throws(ParquetError) in
            switch field.id {
            case 2: footer.columns = try Self.schema(&reader, field)
            case 3: rows = try reader.int64(field)
            case 4:
                let count = try reader.list(field, of: .structure, most: Self.mostGroups)
                for _ in 0..<count {
                    footer.groups.append(try GroupMetadata(reading: &reader, footer.columns))
                }
            case 5:
                let count = try reader.list(field, of: .structure, most: Self.mostPairs)
                for _ in 0..<count { footer.metadata.append(try Self.pair(&reader)) }
            case 6: footer.createdBy = try reader.text(field)
            default: return false
            }
            return true
        }
        var sum: Int64 = 0
        for group in footer.groups {
            let (next, overflows) = sum.addingReportingOverflow(group.rows)
            guard group.rows >= 0, !overflows else {
                throw reader.failure("impossible counts of rows")
            }
            sum = next
        }
        guard sum == rows else {
            throw reader.failure("\(rows) rows are announced, the row groups have \(sum)")
        }
        self = footer
    }

    private static func pair(
        _ reader: inout ThriftReader
    ) throws(ParquetError) -> (key: String, value: String) {
        var pair = (key: "", value: "")
        try reader.structure { (reader, field) throws(ParquetError) in
            switch field.id {
            case 1: pair.key = try reader.text(field)
            case 2: pair.value = try reader.text(field)
            default: return false
            }
            return true
        }
        return pair
    }

    // MARK: - The schema

    /// An element of the schema as it is written.
    private struct Element {
        var type: Int32?
        var width: Int32 = 0
        var repetition: Int32 = 0
        var name = ""
        var children: Int32 = 0
        var converted: Int32?
        var scale: Int32 = 0
        var precision: Int32 = 0
        var isTimestampMicros = false
        var hasOtherMeaning = false
    }

    private static func schema(
        _ reader: inout ThriftReader, _ field: ThriftReader.Field
    ) throws(ParquetError) -> [ParquetColumn] {
        let count = try reader.list(field, of: .structure, most: mostColumns)
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try element(&reader)) }
        guard let root = elements.first, root.children == count - 1 else {
            throw .unsupported("its columns are nested; only flat tables are read")
        }
        var columns: [ParquetColumn] = []
        for element in elements.dropFirst() {
            guard element.children == 0, element.repetition != 2 else {
                throw .unsupported("column \(element.name) is nested or repeated")
            }
            columns.append(
                ParquetColumn(element.name, type(of: element), isOptional: element.repetition == 1))
        }
        return columns
    }

    private static func element(
        _ reader: inout ThriftReader
    ) throws(ParquetError) -> Element {
        var element = Element()
        try reader.structure { (reader, field) throws(ParquetError) in
            switch field.id {
            case 1: element.type = try reader.int32(field)
            case 2: element.width = try reader.int32(field)
            case 3: element.repetition = try reader.int32(field)
            case 4: element.name = try reader.text(field)
            case 5: element.children = try reader.int32(field)
            case 6: element.converted = try reader.int32(field)
            case 7: element.scale = try reader.int32(field)
            case 8: element.precision = try reader.int32(field)
            case 10: try logicalType(&reader, field, &element)
            default: return false
            }
            return true
        }
        return element
    }

    private static func logicalType(
        _ reader: inout ThriftReader, _ field: ThriftReader.Field, _ element: inout Element
    ) throws(ParquetError) {
        try reader.require(field, .structure)
        try reader.structure { (reader, field) throws(ParquetError) in
            switch field.id {
            case 1: element.converted = 0
            case 5: element.converted = 5
            case 8:
                try reader.require(field, .structure)
                element.hasOtherMeaning = true
                try reader.structure { (reader, field) throws(ParquetError) in
                    guard field.id == 2 else { return false }
                    try reader.require(field, .structure)
                    try reader.structure { (_, field) throws(ParquetError) in
                        element.isTimestampMicros = field.id == 2
                        return false
                    }
                    return true
                }
                return true
            default: element.hasOtherMeaning = true
            }
            return false
        }
    }

    private static func type(of element: Element) -> ParquetType {
        let meaning = element.isTimestampMicros ? 10 : element.converted
        switch (PhysicalType(rawValue: element.type ?? -1), meaning) {
        case (.boolean, nil): return .boolean
        case (.int64, 10): return .timestamp
        case (.int64, 5)
        where (1...18).contains(element.precision) && (0...18).contains(element.scale):
            return .decimal18(scale: element.scale)
        case (.int64, nil) where !element.hasOtherMeaning: return .int64
        case (.fixedLengthByteArray, 5)
        where element.width == 16 && (1...38).contains(element.precision)
            && (0...38).contains(element.scale):
            return .decimal38(scale: element.scale)
        case (.byteArray, 0): return .string
        case (.byteArray, nil) where !element.hasOtherMeaning: return .bytes
        case (let type?, _):
            return .foreign("\(type)" + (meaning.map { " with meaning \($0)" } ?? ""))
        case (nil, _): return .foreign("type \(element.type ?? -1)")
        }
    }
}

extension GroupMetadata {
    fileprivate init(
        reading reader: inout ThriftReader, _ columns: [ParquetColumn]
    ) throws(ParquetError) {
        var group = GroupMetadata()
        try reader.structure { (reader, field) throws(ParquetError) in
            switch field.id {
            case 1:
                let count = try reader.list(field, of: .structure, most: columns.count)
                for index in 0..<count {
                    group.chunks.append(try ChunkMetadata(reading: &reader, columns[index]))
                }
            case 3: group.rows = try reader.int64(field)
            default: return false
            }
            return true
        }
        guard group.chunks.count == columns.count else {
            throw reader.failure(
                "a row group of \(group.chunks.count) instead of \(columns.count) columns")
        }
        self = group
    }
}

extension ChunkMetadata {
    fileprivate init(
        reading reader: inout ThriftReader, _ column: ParquetColumn
    ) throws(ParquetError) {
        var chunk = ChunkMetadata(type: column.type.physical, codec: 0)
        var hasDetails = false
        try reader.structure { (reader, field) throws(ParquetError) in
            switch field.id {
            case 1: throw .unsupported("column \(column.name) is in another file")
            case 3:
                try reader.require(field, .structure)
                try chunk.readDetails(&reader, column)
                hasDetails = true
            default: return false
            }
            return true
        }
        guard hasDetails, chunk.values >= 0, chunk.compressedBytes >= 0, chunk.dataOffset >= 4,
            chunk.dictionaryOffset ?? 4 >= 4
        else { throw reader.failure("column \(column.name) has impossible numbers") }
        self = chunk
    }

    private mutating func readDetails(
        _ reader: inout ThriftReader, _ column: ParquetColumn
    ) throws(ParquetError) {
        var chunk = self
        try reader.structure { (reader, field) throws(ParquetError) in
            switch field.id {
            case 1:
                let type = try reader.int32(field)
                var isForeign = false
                if case .foreign = column.type { isForeign = true }
                guard isForeign || type == column.type.physical.rawValue else {
                    throw reader.failure(
                        "column \(column.name) has another type than the schema says")
                }
            case 4: chunk.codec = try reader.int32(field)
            case 5: chunk.values = try reader.int64(field)
            case 6: chunk.uncompressedBytes = try reader.int64(field)
            case 7: chunk.compressedBytes = try reader.int64(field)
            case 9: chunk.dataOffset = try reader.int64(field)
            case 11: chunk.dictionaryOffset = try reader.int64(field)
            case 12:
                try reader.require(field, .structure)
                try chunk.readStatistics(&reader, column)
            default: return false
            }
            return true
        }
        self = chunk
    }

    private mutating func readStatistics(
        _ reader: inout ThriftReader, _ column: ParquetColumn
    ) throws(ParquetError) {
        var (largest, least): ([UInt8]?, [UInt8]?)
        var (isLargestExact, isLeastExact) = (true, true)
        var nulls: Int64?
        try reader.structure { (reader, field) throws(ParquetError) in
            switch field.id {
            case 3: nulls = try reader.int64(field)
            case 5: largest = try reader.binary(field)
            case 6: least = try reader.binary(field)
            case 7: isLargestExact = try reader.boolean(field)
            case 8: isLeastExact = try reader.boolean(field)
            default: return false
            }
            return true
        }
        self.nulls = nulls
        if case .foreign = column.type { return }
        if let least, let largest,
            let lower = Bound(least, of: column.type, isExact: isLeastExact),
            let upper = Bound(largest, of: column.type, isExact: isLargestExact)
        {
            bounds = Bounds(least: lower, largest: upper)
        }
    }
}
