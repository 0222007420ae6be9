@testable import Parquet
import Posix

/// xorshift64*: the same tables each run.
struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

/// A value as a test knows it.
enum Value: Equatable {
    case nothing
    case boolean(Bool)
    case number(Int64)
    case wide(Int128)
    case text([UInt8])
}

/// A table of invented columns and values.
struct RandomTable {
    var columns: [ParquetColumn] = []
    var values: [[Value]] = []
    let rows: Int

    /// Row counts at the edges of miniblocks, blocks, pages and groups.
    static let rowCounts = [
        0, 1, 2, 7, 8, 9, 31, 32, 33, 127, 128, 129, 130, 1000, 19_999, 20_000, 20_001, 40_001,
    ]

    init(seed: UInt64) {
        var random = Random(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        rows = Self.rowCounts.randomElement(using: &random) ?? 1
        let types: [ParquetType] = [
            .boolean, .int64, .timestamp, .decimal18(scale: 8), .decimal18(scale: 0),
            .decimal38(scale: 8), .decimal38(scale: 38), .string, .bytes,
        ]
        for number in 0..<Int.random(in: 1...9, using: &random) {
            let type = types.randomElement(using: &random) ?? .int64
            let isOptional = Bool.random(using: &random)
            columns.append(ParquetColumn("c\(number)", type, isOptional: isOptional))
            var own = Self.values(type, rows, &random)
            if isOptional { Self.takeAway(&own, &random) }
            values.append(own)
        }
    }

    private static func takeAway(_ values: inout [Value], _ random: inout Random) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: break
        case 1: for row in values.indices { values[row] = .nothing }
        case 2:
            for row in values.indices where Bool.random(using: &random) { values[row] = .nothing }
        default:
            // Long runs, so that whole pages are of nulls.
            for row in values.indices where row / 15_000 % 2 == 1 || row % 1000 < 300 {
                values[row] = .nothing
            }
        }
    }

    private static func values(
        _ type: ParquetType, _ rows: Int, _ random: inout Random
    ) -> [Value] {
        let form = Int.random(in: 0..<5, using: &random)
        var number = Int64.random(in: -1000...1000, using: &random)
        return (0..<rows).map { row in
            switch type {
            case .boolean: return .boolean(form == 0 ? true : Bool.random(using: &random))
            case .int64, .timestamp:
                switch form {
                case 0: break
                case 1: number += Int64.random(in: 0...3, using: &random)
                case 2: number &+= Int64.random(in: -(1 << 27)...(1 << 27 - 1), using: &random)
                case 3: number = [.min, .max, 0, -1, 1].randomElement(using: &random) ?? 0
                default: number = Int64.random(in: .min ... .max, using: &random)
                }
                // Readers make dates of times: those of 4 digits.
                if type == .timestamp { number = number % 60_000_000_000_000_000 }
                return .number(number)
            case .decimal18:
                let most: Int64 = 999_999_999_999_999_999
                return .number(
                    form == 0
                        ? [most, -most, 0, -1, 1].randomElement(using: &random) ?? 0
                        : Int64.random(in: -most...most, using: &random) >> Int64(form * 8))
            case .decimal38:
                let most = Int128("99999999999999999999999999999999999999") ?? 0
                return .wide(
                    form == 0
                        ? [most, -most, 0, -1, 1].randomElement(using: &random) ?? 0
                        : Int128(Int64.random(in: .min ... .max, using: &random))
                            * (form == 1 ? 1_000_000_000_000_000_000 : 1))
            case .string, .bytes, .foreign:
                return .text(text(row, form, type == .string, &random))
            }
        }
    }

    private static func text(
        _ row: Int, _ form: Int, _ isText: Bool, _ random: inout Random
    ) -> [UInt8] {
        switch form {
        case 0: return Array("BTCUSDT".utf8)
        case 1:
            return Array((["sbe", "rest", "", "archive"].randomElement(using: &random) ?? "").utf8)
        case 2: return Array("\(UInt64.random(in: 0...1 << 40, using: &random))".utf8)
        case 3 where isText:
            return Array(
                String(
                    repeating: ["é", "z", "~", "漢"].randomElement(using: &random) ?? "",
                    count: row % 100
                ).utf8)
        default:
            let length = Int.random(in: 0...90, using: &random)
            return (0..<length).map { _ in
                isText
                    ? UInt8.random(in: 32...126, using: &random)
                    : [0, 255, 7, 254].randomElement(using: &random) ?? 0
            }
        }
    }

    /// The table as a file.
    func file(codec: ParquetCodec = .zstd, order: Int? = nil) throws -> [UInt8] {
        var writer = try ParquetWriter(
            columns, order: order, codec: codec,
            createdBy: "bitcoin-ingestor version 0.0.0 (build test)")
        var output = Bytes()
        for row in 0..<rows {
            for (column, builder) in writer.columns.enumerated() {
                switch values[column][row] {
                case .nothing: builder.appendNothing()
                case .boolean(let value): builder.append(value)
                case .number(let value): builder.append(value)
                case .wide(let value): builder.append(wide: value)
                case .text(let value): value.withUnsafeBytes { builder.append($0) }
                }
            }
            try writer.endRows(to: &output)
        }
        try writer.finish(metadata: [("rows", "\(rows)"), ("empty", "")], to: &output)
        return output.array
    }

    /// The table as JSON, for readers in Python.
    var json: String {
        let texts = zip(columns, values).map { column, values in
            let all = values.map { value in
                switch value {
                case .nothing: "null"
                case .boolean(let value): "\(value)"
                case .number(let value): "\"\(value)\""
                case .wide(let value): "\"\(value)\""
                case .text(let bytes):
                    "\"" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                        + "\""
                }
            }
            return "{\"name\":\"\(column.name)\",\"type\":\"\(column.type)\","
                + "\"optional\":\(column.isOptional),\"values\":[\(all.joined(separator: ","))]}"
        }
        return "[\(texts.joined(separator: ","))]"
    }
}
