import ArgumentParser
import Configuration
import Identity
import Posix
import Records
import Stage
import StageAWS

struct CSV: InspectionCommand {
    static let configuration = CommandConfiguration(
        commandName: "csv",
        abstract: "Write records as CSV.",
        discussion: """
            recq csv day.bin > day.csv
            recq csv --columns time,symbol,price,qty day.bin
            recq where 'kind == trade' mixed.bin | recq csv --separator tab

            The columns are those of the first record's kind, and a record of another kind
            ends the run with 65: a table has one kind. With --columns any kinds go, and
            what a record does not have is empty. Numbers are exact, times UTC; quoting as
            in RFC 4180.
            """)
    @Option(help: ArgumentHelp("Fields, as in `recq where`.", valueName: "fields"))
    var columns: String?
    @Option(help: ArgumentHelp("Separator of values: one character, or tab.", valueName: "char"))
    var separator = ","
    @Flag(name: .customLong("no-header"), help: "Omit the header line.")
    var hasNoHeader = false
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        _ = try columns.map(RecordField.list)
        _ = try separatorByte()
    }

    private func separatorByte() throws -> UInt8 {
        if separator == "tab" || separator == "\\t" { return 0x09 }
        guard separator.utf8.count == 1, let byte = separator.utf8.first, byte != 0x22,
            byte >= 0x20 || byte == 0x09
        else { throw ValidationError("--separator is one ASCII character, or tab") }
        return byte
    }

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        var table = CSVTable(
            try columns.map(RecordField.list), separator: try separatorByte(),
            hasHeader: !hasNoHeader)
        try inputs.write(reading, in: stage) { frame, output in
            try table.append(frame, to: &output)
        }
        var output = TextOutput()
        // A table without rows has a head anyway, where one was asked for.
        table.appendHeader(to: &output.bytes)
        try output.flush()
    }
}

/// A table that is written row by row. Source: RFC 4180.
struct CSVTable {
    private var columns: [RecordField]?
    private let separator: UInt8
    private var hasHeader: Bool
    /// What all rows are, where the columns are those of a kind.
    private var kind: RecordKind?

    init(_ columns: [RecordField]?, separator: UInt8, hasHeader: Bool) {
        self.columns = columns
        self.separator = separator
        self.hasHeader = hasHeader
    }

    /// Appends the line of names, once.
    mutating func appendHeader(to text: inout Bytes) {
        guard hasHeader, let columns else { return }
        hasHeader = false
        for (index, column) in columns.enumerated() {
            if index > 0 { text.append(separator) }
            text.append(utf8: column.rawValue)
        }
        text.append("\n")
    }

    /// Appends a record.
    mutating func append(_ frame: borrowing FrameView, to text: inout Bytes) throws {
        try frame.validate()
        if columns == nil {
            guard let first = frame.kind else {
                throw StageFailure(
                    .badInput,
                    "a record of an unknown kind (template \(frame.template)) has no columns; "
                        + "name some with --columns")
            }
            (kind, columns) = (first, RecordField.columns(of: first))
        }
        if let kind, frame.kind != kind {
            let other = RecordKind.name(template: frame.template)
            throw StageFailure(
                .badInput,
                "a record of kind \(other) among those of kind \(kind.name): put "
                    + "`recq where 'kind == \(kind.name)'` in front, or name the --columns")
        }
        appendHeader(to: &text)
        for (index, column) in (columns ?? []).enumerated() {
            if index > 0 { text.append(separator) }
            let start = text.count
            guard frame.append(column, to: &text), column.type == .symbol else { continue }
            quote(from: start, in: &text)
        }
        text.append("\n")
    }

    /// Puts quotes around a value that needs them; only symbols may.
    private func quote(from start: Int, in text: inout Bytes) {
        let value = text.span(start..<text.count).withUnsafeBytes { Array($0) }
        guard value.contains(where: { $0 == separator || $0 == 0x22 || $0 < 0x20 }) else { return }
        text.truncate(to: start)
        text.append("\"")
        for byte in value {
            if byte == 0x22 { text.append(byte) }
            text.append(byte)
        }
        text.append("\"")
    }
}
