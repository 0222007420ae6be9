import Avro
import Identity
import ObjectReading
import Posix
import Records
import Testing

/// Objects back into the frames that they were made of.
struct ObjectReaderTests {
    struct Case: CustomTestStringConvertible {
        let kind: RecordKind
        let format: ObjectReader.Format
        let compression: Compression
        var testDescription: String { "\(kind) \(format) \(compression)" }
    }

    static let cases = RecordKind.allCases.flatMap { kind in
        [ObjectReader.Format.frames, .ndjson, .avro, .parquet].flatMap { format in
            Compression.allCases.map { Case(kind: kind, format: format, compression: $0) }
        }
    }

    static func read(_ input: any ObjectInput) throws(ObjectError) -> [UInt8] {
        var reader = ObjectReader(input)
        var frames = Bytes()
        while try reader.read(into: &frames) {}
        return frames.array
    }

    @Test(arguments: cases)
    func `every kind comes back byte for byte from every format and codec`(_ one: Case) throws {
        let frames = try SampleObjects.frames(one.kind, count: 40)
        let object = try SampleObjects.object(frames, one.kind, one.format, one.compression)
        let expected = Array(
            repeatElement(frames, count: SampleObjects.copies(one.format)).joined())
        #expect(try Self.read(MemoryInput(object, name: "o")) == expected)
        #expect(try Self.read(DripInput(object, step: 7)) == expected)
    }

    /// Every second record from a source, and of gap records with a reason, that no word is known for.
    private static func unnamed(_ frames: [UInt8]) throws -> [UInt8] {
        var frames = frames
        var start = 0
        var number: UInt8 = 0
        while start < frames.count {
            let rest = Array(frames[start...])
            let view = try FrameView(firstIn: rest.span.bytes)
            let (end, isGap) = (start + view.bytes.byteCount, view.kind == .gap)
            number &+= 1
            if number % 2 == 0 {
                frames[start + Frame.blockOffset + 67] = 5 + number
                if isGap { frames[start + Frame.blockOffset + 74] = 255 - number }
                let one = Array(frames[start..<end])
                let changed = try FrameView(one.span.bytes)
                try #require(changed.source == 5 + number)
                try #require(!isGap || changed.gapReason.rawValue == 255 - number)
            }
            start = end
        }
        return frames
    }

    @Test(arguments: cases.filter { $0.compression == .none })
    func `sources and reasons of a newer schema come back from every format`(_ one: Case) throws {
        let frames = try Self.unnamed(SampleObjects.frames(one.kind, count: 40))
        let object = try SampleObjects.object(frames, one.kind, one.format, one.compression)
        let expected = Array(
            repeatElement(frames, count: SampleObjects.copies(one.format)).joined())
        #expect(try Self.read(MemoryInput(object, name: "o")) == expected)
    }

    @Test(arguments: cases.filter { $0.kind == .trade || $0.kind == .depthDiff })
    func `an object that is cut anywhere is an error, after the records before the cut`(
        _ one: Case
    ) throws {
        let frames = try SampleObjects.frames(one.kind, count: 12)
        let object = try SampleObjects.object(frames, one.kind, one.format, one.compression)
        let whole = frames.count * SampleObjects.copies(one.format)
        var silent: [Int] = []
        for length in 1..<object.count {
            var reader = ObjectReader(MemoryInput(Array(object.prefix(length)), name: "o"))
            var read = Bytes()
            do throws(ObjectError) {
                while try reader.read(into: &read) {}
                if read.count != whole { silent.append(length) }
            } catch {
                #expect(error.description.hasPrefix("o: "))
                #expect(read.count <= whole)
            }
        }
        // Frames, lines and whole compressed pieces end where they end: such a cut shows only in the
        // ids or in a manifest.
        let allowed =
            switch (one.format, one.compression) {
            case (.frames, .none), (.ndjson, .none): 24
            case (.avro, _): 2
            default: 1
            }
        #expect(silent.count <= allowed, "\(silent)")
    }

    @Test(arguments: cases.filter { $0.kind == .trade && $0.compression != .none })
    func `a changed byte of a compressed object never gives other records in silence`(
        _ one: Case
    ) throws {
        let frames = try SampleObjects.frames(one.kind, count: 12)
        let object = try SampleObjects.object(frames, one.kind, one.format, one.compression)
        let expected = Array(
            repeatElement(frames, count: SampleObjects.copies(one.format)).joined())
        var changed: [Int] = []
        for place in object.indices {
            var bytes = object
            bytes[place] ^= 0x10
            guard let read = try? Self.read(MemoryInput(bytes, name: "o")) else { continue }
            if read != expected { changed.append(place) }
        }
        // Raw deflate, as Avro has it, and the heads and feet of Avro and Parquet have no checksum:
        // `prices and quantities of Avro do not change in silence` is what can be said of that.
        let hasChecksum = one.format == .frames || one.format == .ndjson
        #expect(!hasChecksum || changed.isEmpty, "\(one.testDescription): \(changed)")
    }

    /// Prices and quantities of each record, in their order.
    private static func numbers(_ frames: [UInt8]) throws -> [[Int64]] {
        var rest = frames.span.bytes
        var numbers: [[Int64]] = []
        while rest.byteCount > 0 {
            let frame = try FrameView(firstIn: rest)
            var own = [Int64(frame.priceExponent), Int64(frame.quantityExponent)]
            if frame.kind == .trade {
                let trade = try TradeDecoder(frame.message)
                own += [trade.price, trade.quantity]
            } else {
                let book = try DepthDiffDecoder(frame.message)
                for level in 0..<book.bids.count {
                    own += [book.bids[level].price, book.bids[level].quantity]
                }
                for level in 0..<book.asks.count {
                    own += [book.asks[level].price, book.asks[level].quantity]
                }
            }
            numbers.append(own)
            rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
        }
        return numbers
    }

    @Test(arguments: [RecordKind.trade, .depthDiff])
    func `prices and quantities of Avro do not change in silence`(_ kind: RecordKind) throws {
        let frames = try SampleObjects.frames(kind, count: 3)
        let object = try SampleObjects.object(frames, kind, .avro, .none)
        let expected = try Self.numbers(frames + frames)
        var (silent, refused) = (0, 0)
        for place in object.indices {
            for bit in 0..<8 {
                var bytes = object
                bytes[place] ^= 1 << bit
                guard let read = try? Self.read(MemoryInput(bytes, name: "o")) else {
                    refused += 1
                    continue
                }
                silent += read == frames + frames ? 0 : 1
                let numbers = try Self.numbers(read)
                // A header that says other fields, or none, is another file.
                guard numbers.count == expected.count else { continue }
                #expect(numbers == expected, "byte \(place), bit \(bit)")
            }
        }
        print("\(kind): \(refused) refused, \(silent) changed ids, times or words")
    }

    @Test(
        arguments: [
            (Array("hello world, this is text\n".utf8), ObjectError.Reason.foreign, "neither"),
            (Array("{\"a\":1}\n".utf8), .damaged, "line 1: kind: is missing"),
            (Array("{\"kind\":\"tick\"}\n".utf8), .damaged, "not a kind of record"),
            (Array("Obj\u{1}".utf8) + [0x02], .damaged, "header"),
            (Array("PAR1 and nothing else".utf8), .cut, "PAR1"),
            ([0x1F, 0x8B, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], .damaged, "gzip"),
            // A block of a type that zstd has not.
            ([0x28, 0xB5, 0x2F, 0xFD, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], .damaged, "zstd"),
            ([0x28, 0xB5, 0x2F, 0xFD, 0, 0], .cut, "compressed data"),
            (
                [0, 0, 0, 110, 0xEB, 0x50, 72, 0, 1, 0, 1, 0, 0, 0]
                    + [UInt8](repeating: 0, count: 96),
                .foreign, "schema 1"
            ),
        ] as [([UInt8], ObjectError.Reason, String)])
    func `what is not an object of ours says why`(
        bytes: [UInt8], reason: ObjectError.Reason, words: String
    ) {
        let error = #expect(throws: ObjectError.self) {
            try Self.read(MemoryInput(bytes, name: "thing"))
        }
        #expect(error?.reason == reason, "\(String(describing: error))")
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }

    @Test func `an empty object has no records, in any compression`() throws {
        for compression in Compression.allCases {
            var object = Bytes()
            let compressor = try StreamCompressor(compression)
            try compressor.compress([UInt8]().span.bytes, ends: true, to: &object)
            #expect(try Self.read(MemoryInput(object.array, name: "o")).isEmpty)
        }
    }

    @Test func `a schema of somebody else, and a codec that is not known, are named`() throws {
        var object = Bytes()
        _ = AvroContainer(
            AvroSchema(name: "Weather", fields: [AvroSchema.Field("t", .double)]),
            compression: .none, sync: Array(0..<16), to: &object)
        let foreign = #expect(throws: ObjectError.self) {
            try Self.read(MemoryInput(object.array, name: "o"))
        }
        #expect(foreign?.reason == .foreign && foreign?.words.contains("Weather") == true)
        let trades = try SampleObjects.object(
            SampleObjects.frames(.trade, count: 1), .trade, .avro, .gzip)
        let codec = Array("deflate".utf8)
        let place = try #require(trades.indices.first { trades[$0...].starts(with: codec) })
        var snappy = trades
        snappy.replaceSubrange(place..<(place + 7), with: Array("snapppy".utf8))
        let unknown = #expect(throws: ObjectError.self) {
            try Self.read(MemoryInput(snappy, name: "o"))
        }
        #expect(unknown?.reason == .unsupported && unknown?.words.contains("snapppy") == true)
    }

    @Test func `a field that a later version adds is stepped over`() throws {
        let frames = try SampleObjects.frames(.trade, count: 3)
        let schema = AvroForm.schema(template: RecordKind.trade.rawValue)
        let later = AvroSchema(
            name: schema.name, namespace: schema.namespace,
            fields: schema.fields + [
                AvroSchema.Field(
                    "new_words",
                    .array(
                        of: AvroSchema(
                            name: "Word", fields: [AvroSchema.Field("w", .string)]))),
                AvroSchema.Field("new_number", .optional(.double)),
            ])
        var object = Bytes()
        let container = AvroContainer(
            later, compression: .none, sync: Array(0..<16), to: &object)
        var block = Bytes()
        var rest = frames.span.bytes
        while rest.byteCount > 0 {
            let frame = try FrameView(firstIn: rest)
            try frame.appendAvro(to: &block)
            block.append(avro: Int64(1))
            block.append(avro: "word")
            block.append(avro: Int64(0))
            block.append(avro: Int64(1))
            block.append(avro: 1.5)
            rest = rest.extracting(droppingFirst: frame.bytes.byteCount)
        }
        var scratch = Bytes()
        try container.append(
            block.span, records: 3, StreamCompressor(.none), scratch: &scratch, to: &object)
        #expect(try Self.read(MemoryInput(object.array, name: "o")) == frames)
    }
}
