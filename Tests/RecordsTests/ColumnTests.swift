import Identity
import Parquet
import Posix
import SBE
import Testing

@testable import Records

/// Records as rows of Parquet files, and back.
struct ColumnTests {
    private static func file(_ frames: [[UInt8]]) throws -> [UInt8] {
        var output = Bytes()
        let first = try #require(frames.first)
        let template = try FrameView(first.span.bytes).template
        var writer = try ColumnWriter(template: template, createdBy: "test version 1 (build 1)")
        for frame in frames {
            let view = try FrameView(frame.span.bytes)
            try writer.append(view, to: &output)
        }
        try writer.finish(metadata: [("seal", "7")], to: &output)
        return output.array
    }

    private static func frames(_ file: [UInt8]) throws -> [UInt8] {
        var frames = Bytes()
        var rows = try ColumnFrames(ParquetReader(bytes: file))
        while try rows.read(into: &frames) {}
        return frames.array
    }

    private static func fits(_ frame: [UInt8]) -> Bool {
        do {
            try FrameView(frame.span.bytes).checkColumns()
            return true
        } catch { return false }
    }

    @Test func `every kind comes back byte for byte, also what has no word`() throws {
        var kinds: [UInt16: [[UInt8]]] = [:]
        var refused = 0
        for frame in Sample.all + RoundTripTests.odd {
            guard Self.fits(frame) else {
                refused += 1
                continue
            }
            kinds[try FrameView(frame.span.bytes).template, default: []].append(frame)
        }
        // Klines with a price at the end of 64 bits, which DECIMAL(18,8) does not hold.
        var kline = Sample.kline(id: 1_704_067_200_000_000, volume: .max / 100)
        for price in 0..<4 {
            for byte in 0..<8 {
                kline[Frame.blockOffset + 80 + price * 8 + byte] = byte == 0 ? 7 : 0
            }
        }
        kinds[3, default: []].append(kline)
        var agg = Bytes()
        try agg.appendFrame(
            upTo: 8 + AggTradeEncoder.blockLength,
            prefix: Sample.prefix(.aggTrade, id: 4, exponents: (-2, -5))
        ) { room throws(SBEError) in
            var record = try AggTradeEncoder(room)
            (record.price, record.quantity) = (6_500_001, -7)
            (record.firstTradeId, record.lastTradeId) = (9, 11)
            record.isBestMatch = true
            return record.encodedLength
        }
        kinds[2, default: []].append(agg.array)
        #expect(kinds.count == 9, "all kinds and a foreign one: \(kinds.keys.sorted())")
        for (template, frames) in kinds {
            let file = try Self.file(frames)
            #expect(try Self.frames(file) == frames.flatMap { $0 }, "template \(template)")
            let reader = try ParquetReader(bytes: file)
            #expect(reader.metadata["template"] == "\(template)")
            #expect(reader.metadata["seal"] == "7")
            #expect(reader.columns == ColumnTable(template: template).columns)
        }
        print(
            "\(kinds.values.reduce(0) { $0 + $1.count }) records of \(kinds.count) kinds, \(refused) refused"
        )
    }

    @Test func `no column has the name of a path key or of another column`() {
        for template in UInt16(1)...9 {
            let names = ColumnTable(template: template).columns.map(\.name)
            #expect(Set(names).count == names.count)
            let keys = ["exchange", "kind", "instrument", "date", "hour", "interval", "month"]
            #expect(Set(names).isDisjoint(with: keys), "\(names)")
        }
    }

    @Test func `books of any number of levels come back, across row groups`() throws {
        for kind in [RecordKind.depthDiff, .depthSnapshot] {
            // The same ids twice, messages without levels, and one that ends a row group.
            let frames = (0..<60).map { index in
                Sample.depth(kind, id: Int64(index / 2), levels: [0, 1, 3000, 0, 2][index % 5])
            }
            let file = try Self.file(frames)
            let reader = try ParquetReader(bytes: file)
            #expect(reader.groups.count > 0)
            #expect(try Self.frames(file) == frames.flatMap { $0 })
        }
    }

    @Test func `trades of two row groups come back, and rise by id`() throws {
        let count = Int64(ParquetWriter.groupRows + 5)
        var output = Bytes()
        var expected = Bytes()
        var writer = try ColumnWriter(template: 1, createdBy: "test version 1 (build 1)")
        for id in 0..<count {
            let frame = Sample.trade(id: id, price: 6_500_000_000_000 + id * 1_000_000)
            let view = try FrameView(frame.span.bytes)
            try writer.append(view, to: &output)
            expected.append(frame.span.bytes)
        }
        try writer.finish(to: &output)
        let file = output.array
        let reader = try ParquetReader(bytes: file)
        let id = try #require(reader.column(named: "trade_id"))
        #expect(reader.groups.count == 2)
        #expect(reader.bounds(group: 1, column: id) == .int64s(count - 5, count - 1))
        let frames = expected.array
        #expect(try Self.frames(file) == frames)
    }

    @Test(
        arguments: [
            (999_999_999_999_999_999, -8, nil),
            (
                1_000_000_000_000_000_000, -8,
                "price: 1000000000000000000 × 10^-8 does not fit DECIMAL(18,8)"
            ),
            (-999_999_999_999_999_999, -8, nil), (9_999_999_999, 0, nil),
            (
                10_000_000_000, 0,
                "price: 10000000000 × 10^0 does not fit DECIMAL(18,8)"
            ),
            (10, -9, nil),
            (1, -9, "price: 1 × 10^-9 does not fit DECIMAL(18,8)"),
            (0, 127, nil), (0, -128, nil),
            (1, 18, "price: 1 × 10^18 does not fit DECIMAL(18,8)"),
        ] as [(Int64, Int8, String?)])
    func `a number is held exactly or refused by name`(
        mantissa: Int64, exponent: Int8, reason: String?
    ) throws {
        let frame = Sample.trade(id: 1, price: mantissa, quantity: 1, exponents: (exponent, -8))
        do {
            try FrameView(frame.span.bytes).checkColumns()
            #expect(reason == nil)
            #expect(try Self.frames(try Self.file([frame])) == frame)
        } catch { #expect("\(error)" == reason) }
    }

    @Test func `files of other columns are refused by name`() throws {
        var writer = try ParquetWriter(
            [ParquetColumn("a", .int64)], createdBy: "test version 1 (build 1)")
        var output = Bytes()
        writer.columns[0].append(1 as Int64)
        try writer.endRows(to: &output)
        try writer.finish(to: &output)
        let reader = try ParquetReader(bytes: output.array)
        #expect(throws: ParquetError.unsupported("its columns are not those of records: a")) {
            _ = try ColumnFrames(reader)
        }
    }
}
