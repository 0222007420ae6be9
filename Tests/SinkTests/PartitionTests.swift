import Foundation
import Identity
import Parquet
import Posix
import Records
import TestSupport
import Testing

/// s3-put with many partitions at once, record by record in turns.
struct PartitionTests {
    /// Records of some symbols and three kinds in turns; the rounds are milliseconds apart.
    private static func records(symbols: Int, rounds: Int64) throws -> [UInt8] {
        var records: [UInt8] = []
        for round in 1...rounds {
            let time = Sample.start + round * 1000
            for symbol in 0..<symbols {
                for kind in [RecordKind.trade, .aggTrade, .bestBidAsk] {
                    records += try Sample.frame(
                        kind, round...round, at: time, symbol: "S\(symbol)USDT")
                }
            }
        }
        return records
    }

    private static func operations(_ path: String) throws -> [FileOperation] {
        try FileOperation.recorded(in: path)
    }

    @Test(arguments: ["sbe", "parquet", "avro"])
    func `each partition is one object, whatever their number`(format: String) throws {
        let run = try S3PutRun()
        let (symbols, rounds) = (200, Int64(5))
        let outcome = try run.put(
            try Self.records(symbols: symbols, rounds: rounds),
            ["--format", format, "--compression", "none"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.errors.contains(
                "\(symbols * 3 * Int(rounds)) records in \(symbols * 3) objects"),
            "\(outcome.errors)")
    }

    @Test func `records of every partition are in its object, in order`() throws {
        let run = try S3PutRun()
        let records = try Self.records(symbols: 50, rounds: 7)
        // Smaller than what one read brings, so that runs of the spool are cut everywhere.
        let outcome = try run.put(records)
        #expect(outcome.status == 0, "\(outcome.errors)")
        for key in run.keys {
            let object = [UInt8](
                try Data(contentsOf: URL(fileURLWithPath: "\(run.data)/\(key)")))
            let frames = try Self.frames(object)
            #expect(frames.map(\.id) == Array(1...7), "\(key)")
            #expect(Set(frames.map(\.symbol)).count == 1)
        }
        #expect(run.keys.count == 150)
    }

    /// Ids and symbols of frames.
    private static func frames(_ bytes: [UInt8]) throws -> [(id: Int64, symbol: String)] {
        var frames: [(id: Int64, symbol: String)] = []
        var offset = 0
        while offset < bytes.count {
            let frame = try FrameView(firstIn: bytes.span.bytes.extracting(offset..<bytes.count))
            frames.append((frame.firstID, "\(frame.symbol)"))
            offset += frame.bytes.byteCount
        }
        return frames
    }

    @Test func `an object that is finished at its size has every record once`() throws {
        let run = try S3PutRun()
        let records = try Sample.trades(1...20_000)
        let outcome = try run.put(records, ["--object-bytes", "4096"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(run.keys.count > 400)
        #expect(try run.content() == records)
    }

    @Test func `objects that end together need at most three syncs each`() throws {
        let place = try TemporaryDirectory(inMemory: true)
        let log = place.path("operations")
        let run = try S3PutRun()
        let records = try Self.records(symbols: 60, rounds: 2)
        let outcome = try Program.run(
            "s3-put", run.arguments, input: records,
            environment: [
                "BITCOIN_INGESTOR_TEST_RECORD": log,
                "BITCOIN_INGESTOR_TEST_RECORD_BELOW": run.place.path(""),
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        var syncs = 0
        for operation in try Self.operations(log) {
            switch operation {
            case .sync, .syncDirectory, .syncFileSystem: syncs += 1
            default: break
            }
        }
        let objects = run.keys.count
        print("\(syncs) syncs for \(objects) objects")
        #expect(objects == 180)
        #expect(syncs <= 3 * objects, "\(syncs) syncs for \(objects) objects")
    }

    @Test func `records that come out of order are rows in order in Parquet`() throws {
        let run = try S3PutRun()
        var records: [UInt8] = []
        for id in [5, 3, 4, 1, 2] as [Int64] { records += try Sample.frame(.trade, id...id) }
        let outcome = try run.put(records, ["--format", "parquet", "--compression", "zstd"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let all =
            FileManager.default.enumerator(atPath: run.data)?.compactMap { $0 as? String } ?? []
        let path = try #require(all.first { $0.hasSuffix(".parquet") })
        let reader = try ParquetReader(path: "\(run.data)/\(path)")
        let id = try #require(reader.column(named: "trade_id"))
        #expect(try reader.read(group: 0, column: id).int64s == [1, 2, 3, 4, 5])
    }
}
