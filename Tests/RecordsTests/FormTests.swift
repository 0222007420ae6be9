import Avro
import Foundation
import Identity
import Posix
import TestSupport
import Testing

@testable import Records

/// JSON and Avro forms of records.
struct FormTests {
    private static func json(_ frame: [UInt8]) throws -> String {
        var text = Bytes()
        try FrameView(frame.span.bytes).appendJSON(to: &text)
        return String(decoding: text.array, as: UTF8.self)
    }

    private static func packed(_ line: String) throws -> [UInt8] {
        var bytes = Bytes()
        try JSONRecord.appendFrame(of: Array(line.utf8).span.bytes, to: &bytes)
        return bytes.array
    }

    @Test func `every kind survives JSON and back, to the byte`() throws {
        for frame in Sample.all {
            let line = try Self.json(frame)
            #expect(try Self.packed(line) == frame, "\(line)")
        }
    }

    @Test func `a trade has the names that consumers know, as exact numbers`() throws {
        let line = try Self.json(Sample.trade(id: 7))
        #expect(
            line.hasPrefix(
                #"{"kind":"trade","symbol":"BTCUSDT","event_ts":1704067200000,"ingest_ts":1704067200000,"#
                    + #""trade_id":7,"price":65000.10000000,"qty":0.50000000,"is_buyer_maker":false,"#
                    + #""source":"rest","is_best_match":null,"#))
    }

    @Test func `a number with more digits than a double holds stands there as a string, too`()
        throws
    {
        let line = try Self.json(Sample.trade(id: 1, price: 12_345_678_901_234_567))
        #expect(line.contains(#""price":123456789.01234567,"price_exact":"123456789.01234567""#))
        // What jq 1.6 makes of the number.
        let bent = line.replacingOccurrences(
            of: #""price":123456789.01234567"#, with: #""price":123456789.01234567e0"#)
        #expect(try Self.packed(bent) == Sample.trade(id: 1, price: 12_345_678_901_234_567))
        let changed = line.replacingOccurrences(
            of: #""price":123456789.0"#, with: #""price":923456789.0"#)
        #expect(throws: FieldFailure.self) { try Self.packed(changed) }
    }

    @Test func `members may stand in any order, and unknown ones are ignored`() throws {
        let line = try Self.json(Sample.trade(id: 7)).dropFirst(1).dropLast(2)
        let members =
            line.split(separator: ",").map(String.init).reversed()
            + ["\"more\":{\"a\":[1,{}]}"]
        #expect(try Self.packed("{\(members.joined(separator: ","))}") == Sample.trade(id: 7))
    }

    @Test func `each member that is needed is asked for by name`() throws {
        for frame in Sample.all {
            let line = try Self.json(frame)
            for key in ["symbol", "source", "event_time_us", "ingest_time_ns", "venue"]
            where !line.contains("\"unknown\"") {
                let broken = line.replacingOccurrences(of: "\"\(key)\":", with: "\"x\":")
                let failure = #expect(throws: FieldFailure.self) { try Self.packed(broken) }
                #expect(failure?.description == "\(key): is missing")
            }
        }
    }

    @Test func `altered lines are refused or packed, and leave nothing behind when refused`() throws
    {
        var random = SeededRandom(3)
        let lines = try Sample.all.map { Array(try Self.json($0).utf8) }
        for _ in 0..<4000 {
            guard var line = lines.randomElement(using: &random) else { return }
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                line[Int.random(in: 0..<line.count, using: &random)] = random.nextByte()
            }
            line.removeLast(Int.random(in: 0..<line.count, using: &random) / 8)
            var bytes = Bytes()
            bytes.append(1 as UInt8)
            do { try JSONRecord.appendFrame(of: line.span.bytes, to: &bytes) } catch {
                let count = bytes.count
                #expect(count == 1)
                continue
            }
            _ = try FrameView(Array(bytes.array.dropFirst()).span.bytes)
        }
    }

    @Test func `a message that breaks its template is an error in both forms`() throws {
        var frame = Sample.depth(.depthDiff, id: 1, levels: 2)
        frame[Frame.blockOffset + Frame.prefixLength + 2] = 200  // the number of bids
        for form in 0..<2 {
            var bytes = Bytes()
            #expect(throws: FrameError.self) {
                let view = try FrameView(frame.span.bytes)
                if form == 0 {
                    try view.appendJSON(to: &bytes)
                } else {
                    try view.appendAvro(to: &bytes)
                }
            }
            let count = bytes.count
            #expect(count == 0)
        }
    }

    /// A record is written after one check for room: no record may need more than that.
    @Test(arguments: [0, 1, 200, 5000])
    func `a book of the longest numbers keeps to the room that was made for it`(
        levels: Int
    ) throws {
        var frame = Sample.depth(.depthSnapshot, id: 1 << 40, levels: levels)
        let first = frame.count - 16 * levels
        for offset in first..<frame.count { frame[offset] = 0x80 }
        let view = try FrameView(frame.span.bytes)
        var one = Bytes(capacity: 1)
        try view.appendAvro(to: &one)
        let count = one.count
        #expect(count >= 68 * levels && count <= 1024 + 5 * frame.count)
    }

    @Test(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
    func `fastavro reads every kind under the schema in docs, with the same exact digits`() throws {
        let place = try TemporaryDirectory()
        for (index, frame) in Sample.all.enumerated() {
            let view = try FrameView(frame.span.bytes)
            var file = Bytes()
            let schema = AvroForm.schema(template: view.template)
            let container = AvroContainer(
                schema, compression: .none, sync: [UInt8](repeating: 7, count: 16), to: &file)
            var block = Bytes()
            var scratch = Bytes()
            try view.appendAvro(to: &block)
            try container.append(
                block.span, records: 1, StreamCompressor(.none), scratch: &scratch, to: &file)
            try Data(file.array).write(to: URL(fileURLWithPath: place.path("\(index).avro")))
            if let kind = RecordKind(rawValue: view.template) {
                let documented = try String(
                    contentsOf: packageRoot.appendingPathComponent(
                        "docs/schemas/\(kind.name).avsc"),
                    encoding: .utf8)
                #expect(documented == schema.prettyJSON, "run make generate")
            }
        }
        let outcome = try Program.run(
            try #require(Python.path), ["-c", Self.script, place.path, "\(Sample.all.count)"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.text.split(separator: "\n").map(String.init)
        #expect(lines[0].contains("'price_mantissa': 6500010000000"))
        #expect(lines[0].contains("'price_exact': Decimal('65000.10000000')"))
        #expect(lines[0].contains("'event_time': datetime.datetime(2024, 1, 1, 0, 0"))
        #expect(lines[1].contains("'price_mantissa': \(Int64.max)"))
        #expect(lines[1].contains("'price_exact': Decimal('92233720368547758.07000000')"))
        #expect(lines[3].contains("'volume_mantissa': '\(Int128.max / 2)'"))
        let volume = "\(Int128.max / 2)"
        #expect(
            lines[3].contains(
                "'volume_exact': Decimal('\(volume.dropLast(8)).\(volume.suffix(8))')"))
        #expect(
            lines[5].contains(
                "'bids': [{'price': 0.0, 'qty': 7e-08, 'price_mantissa': 0, 'qty_mantissa': 7, "
                    + "'price_exact': Decimal('0E-8'), 'qty_exact': Decimal('7E-8')}"))
    }

    /// Exponents of a price of 7, and whether decimal(38, 8) has room for it.
    @Test(
        arguments: [
            (-8, 7, true), (-9, 7, false), (-9, 70, true), (-128, 0, true), (0, 7, true),
            (29, 9, true), (30, 1, false), (127, 1, false), (127, 0, true), (-8, .min, true),
            (11, .max, true), (12, .max, false),
        ] as [(Int8, Int64, Bool)])
    func `a number that the decimals of Avro do not hold exactly is an error, never rounded`(
        exponent: Int8, mantissa: Int64, fits: Bool
    ) throws {
        let frame = Sample.trade(id: 1, price: mantissa, exponents: (exponent, -8))
        var bytes = Bytes()
        var failure: FrameError?
        do { try FrameView(frame.span.bytes).appendAvro(to: &bytes) } catch { failure = error }
        #expect((failure == nil) == fits, "\(String(describing: failure))")
        let count = bytes.count
        #expect((count > 0) == fits, "nothing is left behind")
        if let failure { #expect("\(failure)".contains("price_exact")) }
    }

    @Test func `lines of an object name kind and interval so that they differ from path keys`()
        throws
    {
        for frame in Sample.all {
            var text = Bytes()
            try FrameView(frame.span.bytes).appendJSON(to: &text, naming: .object)
            let line = String(decoding: text.array, as: UTF8.self)
            let names = try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            ).keys
            #expect(names.contains("record_kind"))
            let keys: Set = ["exchange", "kind", "instrument", "interval", "date", "hour", "month"]
            #expect(keys.isDisjoint(with: names), "\(line)")
            #expect(try Self.packed(line) == frame)
        }
    }

    @Test func `no column of a schema has the name of a path key, and no type name comes twice`() {
        for template in RecordKind.allCases.map(\.rawValue) + [77] {
            let json = AvroForm.schema(template: template).json
            let names = json.split(separator: "\"name\":\"").dropFirst().map {
                String($0.prefix { $0 != "\"" })
            }
            for key in ["exchange", "kind", "instrument", "interval", "date", "hour", "month"] {
                #expect(!names.contains(key), "\(template): \(key)")
            }
            let types = names.filter { $0.first?.isUppercase == true }
            #expect(Set(types).count == types.count, "\(types)")
        }
    }

    private static let script = """
        import fastavro, sys
        for index in range(int(sys.argv[2])):
            with open(f"{sys.argv[1]}/{index}.avro", "rb") as file:
                rows = list(fastavro.reader(file))
            assert len(rows) == 1, index
            print(rows[0])
        """
}
