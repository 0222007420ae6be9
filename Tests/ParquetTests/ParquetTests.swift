import Foundation
@testable import Parquet
import Posix
import TestSupport
import Testing

/// The writer judged by other people's readers, and by our own.
struct ParquetTests {
    private static func read(_ file: [UInt8]) throws -> (ParquetReader, [[Value]]) {
        let reader = try ParquetReader(bytes: file)
        var table = [[Value]](repeating: [], count: reader.columns.count)
        for group in reader.groups.indices {
            for column in reader.columns.indices {
                let values = try reader.read(group: group, column: column)
                for row in 0..<values.count {
                    table[column].append(Self.value(values, row))
                }
            }
        }
        return (reader, table)
    }

    private static func value(_ values: ColumnValues, _ row: Int) -> Value {
        if values.isNull(row) { return .nothing }
        switch values.type {
        case .boolean: return .boolean(values.booleans[row])
        case .decimal38: return .wide(values.int128s[row])
        case .string, .bytes, .foreign: return .text(values.withBytes(row) { Array($0) })
        case .int64, .timestamp, .decimal18: return .number(values.int64s[row])
        }
    }

    @Test(arguments: [ParquetCodec.none, .zstd])
    func `what is written is read again, whatever columns and values`(codec: ParquetCodec) throws {
        var values = 0
        for seed in UInt64(1)...40 {
            let table = RandomTable(seed: seed)
            let file = try table.file(codec: codec)
            #expect(try table.file(codec: codec) == file, "the same rows, the same bytes")
            let (reader, read) = try Self.read(file)
            #expect(reader.columns == table.columns)
            #expect(reader.metadata == ["rows": "\(table.rows)", "empty": ""])
            #expect(read == table.values, "seed \(seed)")
            values += table.rows * table.columns.count
        }
        print("\(values) values in 40 tables")
    }

    @Test(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `pyarrow and DuckDB read every value, bound and page of random tables`() throws {
        let directory = try TemporaryDirectory()
        for seed in UInt64(100)..<140 {
            let table = RandomTable(seed: seed)
            let name = directory.path("table\(seed)")
            try Data(table.file(codec: seed % 4 == 0 ? .none : .zstd)).write(
                to: URL(fileURLWithPath: name + ".parquet"))
            try Data(table.json.utf8).write(to: URL(fileURLWithPath: name + ".json"))
        }
        let outcome = try Program.run(
            try #require(Python.path),
            [
                packageRoot.appendingPathComponent("Tests/ParquetTests/tables.py").path,
                directory.path(""),
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        print(outcome.text, terminator: "")
        #expect(outcome.text.hasPrefix("40 tables"))
    }

    @Test func `a file of two groups tells of each group whether its rows rise`() throws {
        var writer = try ParquetWriter(
            [ParquetColumn("id", .int64)], order: 0, createdBy: "x version 1 (build 1)")
        var output = Bytes()
        for row in 0..<(ParquetWriter.groupRows + 1) {
            writer.columns[0].append(Int64(row == 5 ? 0 : row))
            try writer.endRows(to: &output)
        }
        try writer.finish(to: &output)
        let reader = try ParquetReader(bytes: output.array)
        #expect(reader.groups.map(\.rows) == [Int64(ParquetWriter.groupRows), 1])
        #expect(reader.bounds(group: 1, column: 0) == .int64s(122_880, 122_880))
        #expect(try reader.read(group: 1, column: 0).int64s == [122_880])
        // The writer serves the next file with the same memory.
        writer.columns[0].append(7 as Int64)
        output.removeAll()
        try writer.endRows(to: &output)
        try writer.finish(to: &output)
        #expect(try ParquetReader(bytes: output.array).read(group: 0, column: 0).int64s == [7])
    }

    @Test func `values of finished pages take no memory, and are all there`() throws {
        let columns = [
            ParquetColumn("id", .int64), ParquetColumn("flag", .boolean, isOptional: true),
            ParquetColumn("qty", .decimal38(scale: 8)), ParquetColumn("word", .string),
        ]
        var writer = try ParquetWriter(columns, order: 0, createdBy: "x version 1 (build 1)")
        var output = Bytes()
        func number(_ row: Int) -> Int64 {
            // Differences that are too wide for their encoding, in the third page only.
            (45_000...45_003).contains(row) ? (row % 2 == 0 ? .min : .max) : Int64(row) * 7
        }
        for row in 0..<100_000 {
            writer.columns[0].append(number(row))
            if row % 3 == 0 {
                writer.columns[1].appendNothing()
            } else {
                writer.columns[1].append(row % 2 == 0)
            }
            writer.columns[2].append(wide: Int128(row) << 40)
            writer.columns[3].append(utf8: "w\(row % 5)")
            try writer.endRows(to: &output)
            if row % 9_999 == 0 {
                let bytes = writer.columns.prefix(3).map(\.bytes)
                #expect(
                    zip(bytes, [8, 2, 16]).allSatisfy { $0 <= 20_001 * $1 }, "\(row): \(bytes)")
                #expect(writer.columns[0].isRising == (row < 45_000), "\(row)")
            }
        }
        try writer.finish(to: &output)
        let reader = try ParquetReader(bytes: output.array)
        #expect(reader.groups.map(\.rows) == [100_000])
        #expect(try reader.read(group: 0, column: 0).int64s == (0..<100_000).map(number))
        let flags = try reader.read(group: 0, column: 1)
        #expect((0..<100_000).allSatisfy { flags.isNull($0) == ($0 % 3 == 0) })
        #expect((0..<100_000).allSatisfy { $0 % 3 == 0 || flags.booleans[$0] == ($0 % 2 == 0) })
        #expect(
            try reader.read(group: 0, column: 2).int128s == (0..<100_000).map { Int128($0) << 40 })
    }

    @Test func `long values end pages and groups early`() throws {
        var writer = try ParquetWriter(
            [ParquetColumn("message", .bytes)], createdBy: "x version 1 (build 1)")
        var output = Bytes()
        var random = Random(state: 7)
        var sums: [UInt64] = []
        for _ in 0..<100 {
            let text = (0..<100_000).map { _ in random.next() }
            sums.append(text.reduce(0, &+))
            text.withUnsafeBytes { writer.columns[0].append($0) }
            try writer.endRows(to: &output)
        }
        try writer.finish(to: &output)
        let reader = try ParquetReader(bytes: output.array)
        #expect(reader.rows == 100)
        #expect(reader.groups.count > 2)
        var read: [UInt64] = []
        for group in reader.groups.indices {
            let values = try reader.read(group: group, column: 0)
            for row in 0..<values.count {
                read.append(values.withBytes(row) { $0.bindMemory(to: UInt64.self).reduce(0, &+) })
            }
        }
        #expect(read == sums)
    }
}
