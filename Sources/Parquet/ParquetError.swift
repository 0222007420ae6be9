/// Why bytes are not a table that this library can read.
public enum ParquetError: Error, Equatable, CustomStringConvertible {
    /// The bytes do not begin and end as a Parquet file does.
    case notParquet(String)
    /// The file is Parquet and breaks the format, or a checksum, at a byte.
    case damaged(offset: Int64, String)
    /// A row of the file, counted from 0, is not what whoever reads it expects.
    case row(Int64, String)
    /// The file uses a part of the format that this library does not know.
    case unsupported(String)
    /// The bytes could not be read, or compressed.
    case failed(String)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .notParquet(let reason): "not a Parquet file: \(reason)"
        case .damaged(let offset, let reason):
            "a damaged Parquet file: byte \(offset): \(reason)"
        case .row(let row, let reason): "a damaged Parquet file: row \(row): \(reason)"
        case .unsupported(let reason): "a Parquet file that cannot be read here: \(reason)"
        case .failed(let reason): reason
        }
    }
}
