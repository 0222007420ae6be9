import Encoding
import Identity
public import Parquet
public import Posix
import SBE

/// Makes frames of the rows of a file that ``ColumnWriter`` wrote, in their order.
///
/// A frame comes back byte for byte as it was. What the columns do not carry: fields that a newer
/// version of records.xml appends to a kind that is known here, and the number of that version.
///
/// Memory: the values of one row group, and the frames of ``rowsAtOnce`` rows, or of one message where
/// a book has more levels.
public struct ColumnFrames {
    /// Rows whose frames are made in one step, about.
    public static let rowsAtOnce = 4096

    /// The template of all its records.
    public let template: UInt16
    private let reader: ParquetReader
    private var rows: ColumnRows?
    /// The row group that is read next.
    private var group = 0
    /// The row of `rows` that is read next, and the row of the file that the group begins with.
    private var next = 0
    private var first: Int64 = 0

    /// Finds out which kind of records a file has.
    ///
    /// - Throws: ``ParquetError/unsupported(_:)`` when its columns are not those of a kind.
    public init(_ reader: ParquetReader) throws(ParquetError) {
        self.reader = reader
        if let text = reader.metadata["template"], let template = UInt16(text) {
            self.template = template
        } else {
            // Rewritten by another program: the columns tell.
            let names = Set(reader.columns.map(\.name))
            let kind = RecordKind.allCases.first { kind in
                let own = ColumnTable(template: kind.rawValue).columns
                return own.allSatisfy { names.contains($0.name) }
            }
            guard let kind else {
                throw .unsupported(
                    "its columns are not those of records: \(names.sorted().joined(separator: ", "))"
                )
            }
            template = kind.rawValue
        }
    }

    /// Appends the frames of some more rows.
    ///
    /// - Returns: false when there are no more.
    /// - Throws: ``ParquetError``; frames before the one that is wrong were appended.
    public mutating func read(into frames: inout Bytes) throws(ParquetError) -> Bool {
        while true {
            if let rows, next < rows.count {
                let end = rows.end(after: next, atLeast: Self.rowsAtOnce)
                while next < end {
                    next = try rows.appendFrame(at: next, of: template, first: first, to: &frames)
                }
                return true
            }
            if let rows { first += Int64(rows.count) }
            guard group < reader.groups.count else {
                rows = nil
                return false
            }
            // The old group's memory goes before the new one's is taken.
            rows = nil
            rows = try ColumnRows(reader, group: group, ColumnTable(template: template))
            group += 1
            next = 0
        }
    }
}
