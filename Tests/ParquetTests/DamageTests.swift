import Foundation
@testable import Parquet
import Posix
import TestSupport
import Testing

/// Files that are damaged, cut, foreign or hostile.
struct DamageTests {
    private static func readAll(_ file: [UInt8]) throws {
        let reader = try ParquetReader(bytes: file)
        for group in reader.groups.indices {
            for column in reader.columns.indices {
                _ = try reader.read(group: group, column: column)
            }
        }
    }

    private static let file: [UInt8] = {
        (try? RandomTable(seed: 103).file()) ?? []
    }()

    @Test func `a file that was cut anywhere is an error`() {
        let file = Self.file
        for length in stride(from: 0, to: file.count, by: max(1, file.count / 500)) {
            #expect(throws: ParquetError.self) { try Self.readAll(Array(file.prefix(length))) }
        }
    }

    /// Every page has a checksum, and the values of all columns are read.
    @Test func `a changed byte in a page is found`() throws {
        let file = Self.file
        let reader = try ParquetReader(bytes: file)
        var found = 0
        let end =
            file.count - 12
            - Int(file[(file.count - 8)...].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
        _ = reader
        for place in stride(from: 4, to: end, by: max(1, end / 400)) {
            var changed = file
            changed[place] ^= 0x10
            do { try Self.readAll(changed) } catch is ParquetError { found += 1 }
        }
        // What is left are the page indexes, which this reader does not use.
        #expect(found > 300, "\(found)")
    }

    @Test(
        arguments: [
            ([], "not a Parquet file: it has 0 bytes"),
            (Array("PAR1".utf8), "not a Parquet file: it has 4 bytes"),
            (
                Array("Obj\u{1}xxxxxxxxxxxxx".utf8),
                "not a Parquet file: it does not begin with PAR1"
            ),
            (
                Array("PAR1xxxxxxxxxxxx".utf8),
                "not a Parquet file: it does not end with PAR1: was it cut off?"
            ),
            (
                Array("PAR1".utf8) + [255, 255, 255, 255] + Array("PAR1".utf8),
                "a damaged Parquet file: byte 4: a footer longer than the file"
            ),
        ] as [([UInt8], String)])
    func `the error says what is wrong`(file: [UInt8], message: String) {
        do {
            try Self.readAll(file)
            Issue.record("it was read")
        } catch { #expect("\(error)" == message) }
    }

    @Test(
        .enabled(if: Python.path != nil, "there is no .venv; run make setup"),
        arguments: [
            ("pa.table({'a': [1.5]})", "compression='zstd'", "column a has the type double"),
            ("pa.table({'a': [1]})", "compression='snappy'", "column a is compressed with SNAPPY"),
            (
                "pa.table({'a': [[1, 2]]})", "compression='zstd'",
                "its columns are nested; only flat tables are read"
            ),
            (
                "pa.table({'a': [1]})", "compression='zstd', data_page_version='2.0'",
                "column a has pages of version 2"
            ),
            (
                "pa.table({'a': [1]})",
                "compression='zstd', use_dictionary=False, column_encoding={'a': 'BYTE_STREAM_SPLIT'}",
                "column a is encoded as BYTE_STREAM_SPLIT"
            ),
            (
                "pa.table({'a': ['x', None] * 9, 'b': [1, 2] * 9, 'c': [True, False] * 9})",
                "compression='zstd'", ""
            ),
        ])
    func `files of pyarrow are read, or the error names what is not known`(
        table: String, options: String, message: String
    ) throws {
        let outcome = try Program.run(
            try #require(Python.path),
            [
                "-c",
                """
                import sys, pyarrow as pa, pyarrow.parquet as pq
                sink = pa.BufferOutputStream()
                pq.write_table(\(table), sink, \(options))
                sys.stdout.buffer.write(sink.getvalue())
                """,
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        do {
            try Self.readAll(outcome.output)
            #expect(message.isEmpty)
        } catch {
            #expect("\(error)" == "a Parquet file that cannot be read here: \(message)")
        }
    }
}
