import ArgumentParser
import Configuration
import Identity
import Parquet
import Posix
import Records
import Stage
import StageAWS

struct ParquetFile: InspectionCommand {
    static let configuration = CommandConfiguration(
        commandName: "parquet",
        abstract: "Write records of one kind as a Parquet file.",
        discussion: """
            recq parquet trades.bin > trades.parquet
            recq cat data/ --symbol BTCUSDT --kind trade | recq parquet > day.parquet
            recq where 'kind == trade' mixed.bin | recq parquet > trades.parquet

            The columns are those of objects that `s3-put --format parquet` stores: exact
            decimals, times in µs, a row to a record and to each level of a book.

            Exit status: 65 a record of another kind, or one that the columns do not hold.
            """)
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let output = Descriptor.standardOutput()
        if output.isTerminal {
            throw StageFailure(
                .usage, "standard output is a terminal and Parquet is binary: redirect it to a file"
            )
        }
        var table = ParquetTable()
        var bytes = Bytes(capacity: 1 << 20)
        try inputs.read(reading, in: stage) { frame in
            try table.append(frame, to: &bytes)
            if bytes.count >= 256 << 10 {
                try output.writeAll(bytes.span)
                bytes.removeAll()
            }
            return true
        }
        try table.finish(to: &bytes)
        try output.writeAll(bytes.span)
    }
}

/// One file, whose kind is that of its first record.
private struct ParquetTable: ~Copyable {
    private var writer: ColumnWriter?
    private var template: UInt16 = 0

    mutating func append(_ frame: borrowing FrameView, to bytes: inout Bytes) throws {
        if writer == nil {
            template = frame.template
            writer = try ColumnWriter(
                template: template, createdBy: Version.createdBy)
        }
        guard frame.template == template else {
            let (own, other) = (
                RecordKind.name(template: template), RecordKind.name(template: frame.template)
            )
            throw StageFailure(
                .badInput,
                "a record of kind \(other) among those of kind \(own): put "
                    + "`recq where 'kind == \(own)'` in front")
        }
        try writer?.append(frame, to: &bytes)
    }

    mutating func finish(to bytes: inout Bytes) throws {
        guard writer != nil else {
            throw StageFailure(.badInput, "there are no records, and so no columns")
        }
        try writer?.finish(to: &bytes)
    }
}
