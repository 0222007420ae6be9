import Avro
import Foundation
import Posix
import TestSupport
import Testing

/// Avro and compression, judged by other people's readers.
struct AvroTests {
    /// Apache Avro 1.11 specification, "Binary Encoding", and the edges of 64 bits.
    @Test(
        arguments: [
            (0, [0x00]), (-1, [0x01]), (1, [0x02]), (-2, [0x03]), (63, [0x7E]), (-64, [0x7F]),
            (64, [0x80, 0x01]),
            (8191, [0xFE, 0x7F]), (8192, [0x80, 0x80, 0x01]),
            (.max, [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
            (.min, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
        ] as [(Int64, [UInt8])])
    func `longs are zig-zag varints`(value: Int64, encoded: [UInt8]) {
        var bytes = Bytes(capacity: 1)
        bytes.append(avro: value)
        let array = bytes.array
        #expect(array == encoded)
    }

    @Test func `longs of every width are what a loop over seven bits makes of them`() {
        for width in 0...63 {
            let power = UInt64(1) << UInt64(width)
            for magnitude in [power &- 1, power, power &+ 1, power | power >> 1, ~power] {
                for value in [Int64(bitPattern: magnitude), -Int64(bitPattern: magnitude >> 1)] {
                    var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
                    var expected: [UInt8] = []
                    while rest > 127 {
                        expected.append(UInt8(rest & 127) | 128)
                        rest >>= 7
                    }
                    expected.append(UInt8(rest))
                    var bytes = Bytes(capacity: 1)
                    bytes.append(avro: value)
                    let array = bytes.array
                    #expect(array == expected, "\(value)")
                }
            }
        }
    }

    private static let schema = AvroSchema(
        name: "Row", namespace: "test", documentation: "One",
        fields: [
            AvroSchema.Field("id", .long), AvroSchema.Field("price", .double),
            AvroSchema.Field("name", .string), AvroSchema.Field("flag", .optional(.boolean)),
            AvroSchema.Field(
                "levels",
                .array(of: AvroSchema(name: "Level", fields: [AvroSchema.Field("q", .long)]))),
        ])

    private static func container(_ count: Int64, _ compression: Compression) throws -> [UInt8] {
        var file = Bytes()
        let compressor = try StreamCompressor(compression, isRaw: true)
        let container = AvroContainer(
            schema, compression: compression, metadata: [("venue", "binance")],
            sync: Array(0..<16), to: &file)
        var block = Bytes()
        var scratch = Bytes()
        var records: Int64 = 0
        for id in 0..<count {
            block.append(avro: id)
            block.append(avro: Double(id) / 4)
            block.append(avro: "some name")
            block.append(avro: id % 2)
            if id % 2 == 1 { block.append(avro: true) }
            block.append(avro: Int64(1))
            block.append(avro: -id)
            block.append(avro: Int64(0))
            records += 1
            if block.count >= AvroContainer.blockLength {
                try container.append(
                    block.span, records: records, compressor, scratch: &scratch, to: &file)
                block.removeAll()
                records = 0
            }
        }
        try container.append(
            block.span, records: records, compressor, scratch: &scratch, to: &file)
        return file.array
    }

    @Test(
        .enabled(if: Python.path != nil, "there is no .venv; run make setup"),
        arguments: Compression.allCases, [0, 1, 50_000] as [Int64])
    func `fastavro reads containers of every codec`(compression: Compression, count: Int64) throws {
        let file = try Self.container(count, compression)
        #expect(try Self.container(count, compression) == file, "the same records, the same bytes")
        let outcome = try Program.run(
            try #require(Python.path),
            [
                "-c",
                """
                import fastavro, io, sys
                reader = fastavro.reader(io.BytesIO(sys.stdin.buffer.read()))
                assert reader.metadata["venue"] == "binance"
                rows = list(reader)
                assert rows == [{"id": n, "price": n / 4, "name": "some name",
                                 "flag": True if n % 2 else None, "levels": [{"q": -n}]}
                                for n in range(int(sys.argv[1]))], rows[:2]
                """, "\(count)",
            ], input: file)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `compressed streams of several blocks are read by gzip and zstandard`() throws {
        for compression in [Compression.gzip, .zstd] {
            let compressor = try StreamCompressor(compression)
            var file = Bytes()
            var expected: [UInt8] = []
            for block in 0..<5 {
                let content = [UInt8](repeating: UInt8(block), count: block * 100_000)
                expected += content
                try compressor.compress(content.span.bytes, ends: true, to: &file)
            }
            let read =
                compression == .gzip
                ? "gzip.decompress(data)"
                : "zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()"
            let outcome = try Program.run(
                try #require(Python.path),
                [
                    "-c",
                    "import gzip, io, sys, zstandard; data = sys.stdin.buffer.read(); "
                        + "sys.stdout.buffer.write(\(read))",
                ], input: file.array)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output == expected)
        }
    }
}
