public import Avro
public import Posix
import SBE

extension FrameView {
    /// Appends the record in Avro's binary encoding, under ``AvroForm/schema(template:)``.
    ///
    /// - Throws: ``FrameError/badMessage(_:)``; nothing was appended then.
    public func appendAvro(to bytes: inout Bytes) throws(FrameError) {
        let start = bytes.count
        var sink = AvroSink(bytes: consume bytes)
        let failure: FrameError?
        do throws(FrameError) {
            try describe(to: &sink)
            failure = nil
        } catch { failure = error }
        bytes = sink.close()
        if let failure {
            bytes.truncate(to: start)
            throw failure
        }
    }
}

/// The Avro schemas of our records. The fields that consumers of the replaced service know come
/// first, with exactly their types; the exact digits follow.
public enum AvroForm {
    /// The schema of a template's records; one for all templates that are not known here.
    public static func schema(template: UInt16) -> AvroSchema {
        var sink = SchemaSink()
        let kind = Kind(rawValue: template)
        do {
            let sample = try Self.sample(template)
            try FrameView(sample.span).describe(to: &sink)
        } catch { preconditionFailure("the sample of template \(template) is no record: \(error)") }
        return AvroSchema(
            name: kind?.schemaName ?? "Unknown", namespace: "market.bronze",
            documentation: kind?.documentation ?? "A record of a newer schema, as a whole frame",
            fields: sink.fields)
    }

    /// An empty record of a template, which has all of its fields.
    private static func sample(_ template: UInt16) throws -> Bytes {
        var bytes = Bytes()
        let prefix = RecordPrefix(
            sequence: SequenceID(
                template: template, symbol: SymbolName(first: 65, second: 0, third: 0)),
            eventTime: 0, ingestTime: 0, ids: 0...0, source: .rest)
        try bytes.appendFrame(upTo: 512, prefix: prefix) { room throws(SBEError) in
            switch Kind(rawValue: template) {
            case .trade: try TradeEncoder(room).encodedLength
            case .aggTrade: try AggTradeEncoder(room).encodedLength
            case .kline: try KlineEncoder(room).encodedLength
            case .bestBidAsk: try BestBidAskEncoder(room).encodedLength
            case .depthDiff: try DepthDiffEncoder(room).encodedLength
            case .depthSnapshot: try DepthSnapshotEncoder(room).encodedLength
            case .gap: try GapEncoder(room).encodedLength
            case .raw: try RawEncoder(room).encodedLength
            case nil: try TradeEncoder(room).encodedLength
            }
        }
        if Kind(rawValue: template) == nil {
            bytes.store(bits: template, at: Frame.headerLength + 2)
        }
        return bytes
    }
}

extension Kind {
    fileprivate var schemaName: String {
        let name = self.name
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    fileprivate var documentation: String {
        switch self {
        case .trade: "One trade"
        case .aggTrade: "Trades of one taker order at one price and time"
        case .kline: "A candlestick"
        case .bestBidAsk: "Best bid and ask"
        case .depthDiff: "Changed levels of the book"
        case .depthSnapshot: "Levels of the book, best first"
        case .gap: "Ids that are missing"
        case .raw: "The venue's message, byte for byte"
        }
    }
}

/// Fields in Avro's binary encoding: names are in the schema.
private struct AvroSink: FieldSink, ~Copyable {
    var bytes: Bytes

    consuming func close() -> Bytes { bytes }

    mutating func long(_ name: StaticString, _ value: Int64) { bytes.append(avro: value) }
    mutating func exponent(_ name: StaticString, _ value: Int8) { bytes.append(avro: Int64(value)) }

    mutating func decimal(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        bytes.append(avro: ExactDecimal.double(mantissa: mantissa, exponent: exponent))
    }

    mutating func wideDecimal(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        bytes.append(avro: ExactDecimal(mantissa: mantissa, exponent: exponent).double)
    }

    mutating func mantissa(_ name: StaticString, _ value: Int64) { bytes.append(avro: value) }

    mutating func wideMantissa(_ name: StaticString, _ value: Int128) {
        let digits = Array("\(value)".utf8)
        bytes.append(avro: unsafe digits.span.bytes)
    }

    mutating func nanoseconds(_ name: StaticString, _ value: Int64) { bytes.append(avro: value) }
    mutating func boolean(_ name: StaticString, _ value: Bool) { bytes.append(avro: value) }

    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?) {
        bytes.append(avro: value == nil ? Int64(0) : 1)
        if let value { bytes.append(avro: value) }
    }

    mutating func word(_ name: StaticString, _ value: StaticString) { bytes.append(avro: value) }

    mutating func symbol(_ name: StaticString, _ value: SymbolName) {
        bytes.append(avro: Int64(value.length))
        bytes.append(value)
    }

    mutating func levels(
        _ name: StaticString, _ levels: [Level], _ frame: borrowing FrameView
    ) {
        if !levels.isEmpty { bytes.append(avro: Int64(levels.count)) }
        for level in levels {
            decimal("", level.price, frame.priceExponent)
            decimal("", level.quantity, frame.quantityExponent)
            bytes.append(avro: level.price)
            bytes.append(avro: level.quantity)
        }
        bytes.append(avro: Int64(0))
    }

    mutating func bytes(_ name: StaticString, _ value: RawSpan) { bytes.append(avro: value) }
}

/// Fields as declarations.
private struct SchemaSink: FieldSink, ~Copyable {
    var fields: [AvroSchema.Field] = []

    private mutating func add(_ name: StaticString, _ type: AvroSchema.FieldType) {
        fields.append(AvroSchema.Field("\(name)", type))
    }

    mutating func long(_ name: StaticString, _ value: Int64) { add(name, .long) }
    mutating func exponent(_ name: StaticString, _ value: Int8) { add(name, .int) }
    mutating func decimal(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        add(name, .double)
    }
    mutating func wideDecimal(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        add(name, .double)
    }
    mutating func mantissa(_ name: StaticString, _ value: Int64) { add(name, .long) }
    mutating func wideMantissa(_ name: StaticString, _ value: Int128) { add(name, .string) }
    mutating func nanoseconds(_ name: StaticString, _ value: Int64) { add(name, .long) }
    mutating func boolean(_ name: StaticString, _ value: Bool) { add(name, .boolean) }
    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?) {
        add(name, .optional(.boolean))
    }
    mutating func word(_ name: StaticString, _ value: StaticString) { add(name, .string) }
    mutating func symbol(_ name: StaticString, _ value: SymbolName) { add(name, .string) }
    mutating func levels(
        _ name: StaticString, _ levels: [Level], _ frame: borrowing FrameView
    ) {
        let level = AvroSchema(
            name: "\(name)" == "bids" ? "Bid" : "Ask",
            fields: [
                AvroSchema.Field("price", .double), AvroSchema.Field("qty", .double),
                AvroSchema.Field("price_mantissa", .long), AvroSchema.Field("qty_mantissa", .long),
            ])
        add(name, .array(of: level))
    }
    mutating func bytes(_ name: StaticString, _ value: RawSpan) { add(name, .bytes) }
}

extension SymbolName {
    /// Bytes of the text.
    var length: Int {
        if third != 0 { return 24 - third.leadingZeroBitCount / 8 }
        if second != 0 { return 16 - second.leadingZeroBitCount / 8 }
        return 8 - first.leadingZeroBitCount / 8
    }
}

extension Bytes {
    /// Appends a symbol's text.
    mutating func append(_ symbol: SymbolName) {
        let length = symbol.length
        unsafe append(room: SymbolName.capacity) { room in
            unsafe room.storeBytes(of: symbol.first, as: UInt64.self)
            unsafe room.storeBytes(of: symbol.second, toByteOffset: 8, as: UInt64.self)
            unsafe room.storeBytes(of: symbol.third, toByteOffset: 16, as: UInt64.self)
            return length
        }
    }
}
