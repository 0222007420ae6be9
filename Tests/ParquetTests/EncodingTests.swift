@testable import Parquet
import Posix
import Testing

/// Bytes of the format's documents, and of files that pyarrow 26 wrote.
struct EncodingTests {
    private static func bytes(_ text: String) -> [UInt8] {
        text.split(separator: " ").flatMap { word in
            stride(from: 0, to: word.count, by: 2).compactMap { place in
                UInt8(word.dropFirst(place).prefix(2), radix: 16)
            }
        }
    }

    @Test(
        arguments: [
            (
                [7, 5, 3, 1, 2, 3, 4, 5],
                "80 01 04 08 0e 03 02 00 00 00 c0 3f 00 00 00 00 00 00"
            ),
            ([1, 2, 3, 4, 5], "80 01 04 05 02 02 00 00 00 00"),
            ([42], "80 01 04 01 54"),
            (Array(100...229), "80 01 04 82 01 c8 01 02 00 00 00 00 02 00 00 00 00"),
        ] as [([Int64], String)])
    func `differences are packed as the format's examples`(values: [Int64], expected: String) {
        var output = Bytes()
        let isGood = values.withUnsafeBufferPointer { DeltaEncoding.append($0, to: &output) }
        let array = output.array
        #expect(isGood)
        #expect(array == Self.bytes(expected))
    }

    @Test func `differences beyond 28 bits are left to PLAIN`() {
        for (step, fits) in [(Int64(1) << 28 - 1, true), (1 << 28, false), (.max, false)] {
            var output = Bytes()
            let isGood = ([0, step, step] as [Int64]).withUnsafeBufferPointer {
                DeltaEncoding.append($0, to: &output)
            }
            #expect(isGood == fits, "\(step)")
        }
    }

    @Test(
        arguments: [
            ([0, 1, 2, 3, 4, 5, 6, 7], 3, "03 88 c6 fa"),
            ([UInt32](repeating: 1, count: 20_000), 1, "c0 b8 02 01"),
            ([1, 0, 1, 1, 1], 1, "03 1d"),
            ([UInt32](repeating: 0, count: 1000), 1, "d0 0f 00"),
            ([0, 1, 1, 1, 0], 1, "03 0e"),
        ] as [([UInt32], Int, String)])
    func `runs are written as the format's examples`(
        values: [UInt32], width: Int, expected: String
    ) {
        var output = Bytes()
        values.withUnsafeBufferPointer {
            RunLengthEncoding.append($0, width: width, to: &output)
        }
        let array = output.array
        #expect(array == Self.bytes(expected))
    }

    @Test func `structures are written as the protocol's examples`() {
        var writer = ThriftWriter()
        writer.element { writer in
            writer.int32(1, 1)
            writer.text(3, "k")
            writer.boolean(4, true)
        }
        #expect(writer.bytes.array == Self.bytes("15 02 28 01 6b 11 00"))
        writer.removeAll()
        writer.int32(1, 1)
        writer.int32(20, 1)
        #expect(writer.bytes.array == Self.bytes("15 02 05 28 02"))
    }

    @Test func `numbers go big endian into wide decimals, and little endian into narrow ones`()
        throws
    {
        var writer = try ParquetWriter(
            [
                ParquetColumn("p", .decimal18(scale: 8)), ParquetColumn("q", .decimal38(scale: 8)),
                ParquetColumn("b", .boolean), ParquetColumn("s", .string),
            ], codec: .none, createdBy: "x version 1 (build 1)")
        var output = Bytes()
        writer.columns[0].append(6_500_383_000_000 as Int64)
        writer.columns[1].append(wide: 6_500_383_000_000)
        writer.columns[2].append(true)
        writer.columns[3].append("sbe")
        try writer.endRows(to: &output)
        try writer.finish(to: &output)
        let file = output.array
        for part in [
            "c0 05 05 7d e9 05 00 00", "00 00 00 00 00 00 00 00 00 00 05 e9 7d 05 05 c0",
            // The elements of the schema as pyarrow writes them, with our field ids.
            "15 04 25 00 18 01 70 25 0a 15 10 15 24 15 02 1c 5c 15 10 15 24 00 00 00",
            "15 0e 15 20 15 00 18 01 71 25 0a 15 10 15 4c 15 04 1c 5c 15 10 15 4c 00 00 00",
            "03 00 00 00 73 62 65",
        ] {
            let wanted = Self.bytes(part)
            #expect(
                (0...(file.count - wanted.count)).contains {
                    file[$0..<($0 + wanted.count)].elementsEqual(wanted)
                }, "\(part)")
        }
    }
}
