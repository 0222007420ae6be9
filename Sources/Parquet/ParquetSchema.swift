/// What a column's values are: one physical type with its meaning.
///
/// Source of the mappings: apache/parquet-format, LogicalTypes.md.
public enum ParquetType: Sendable, Equatable {
    case boolean
    /// Signed, 64 bits, without a meaning beyond the number.
    case int64
    /// µs since the epoch, UTC.
    case timestamp
    /// Up to 18 digits, `scale` of them behind the point, in 64 bits.
    case decimal18(scale: Int32)
    /// Up to 38 digits, `scale` of them behind the point, in 16 bytes.
    case decimal38(scale: Int32)
    /// UTF-8.
    case string
    case bytes
    /// A type that this library does not write and cannot read, by its name in the format.
    case foreign(String)
}

/// One column of a table; none is nested.
public struct ParquetColumn: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// What its values are.
    public let type: ParquetType
    /// True when a value may be absent.
    public let isOptional: Bool

    /// Declares a column.
    public init(_ name: String, _ type: ParquetType, isOptional: Bool = false) {
        self.name = name
        self.type = type
        self.isOptional = isOptional
    }
}

/// Physical types by their number in the format.
enum PhysicalType: Int32, Sendable {
    case boolean = 0
    case int32 = 1
    case int64 = 2
    case int96 = 3
    case float = 4
    case double = 5
    case byteArray = 6
    case fixedLengthByteArray = 7
}

/// Encodings by their number in the format.
enum Encoding: Int32, Sendable {
    case plain = 0
    case plainDictionary = 2
    case rle = 3
    case deltaBinaryPacked = 5
    case rleDictionary = 8
}

/// How pages are compressed. Numbers are the format's.
public enum ParquetCodec: Int32, Sendable {
    case none = 0
    case zstd = 6
}

/// What `ConvertedType` and the fields of `LogicalType` are called in the format, by number.
enum FormatName {
    static let codecs = [
        "UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW",
    ]
    static let encodings = [
        "PLAIN", "1", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
        "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT",
    ]

    static func of(_ code: Int32, in names: [String]) -> String {
        names.indices.contains(Int(code)) ? names[Int(code)] : "number \(code)"
    }
}

extension ParquetType {
    var physical: PhysicalType {
        switch self {
        case .boolean: .boolean
        case .int64, .timestamp, .decimal18: .int64
        case .decimal38: .fixedLengthByteArray
        case .string, .bytes, .foreign: .byteArray
        }
    }

    /// Bytes of a value of fixed length in the PLAIN encoding; nil for booleans and texts.
    var width: Int? {
        switch self {
        case .int64, .timestamp, .decimal18: 8
        case .decimal38: 16
        case .boolean, .string, .bytes, .foreign: nil
        }
    }
}
