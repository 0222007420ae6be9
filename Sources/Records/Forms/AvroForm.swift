public import Avro
import Encoding
public import Identity
public import Posix
import SBE

extension FrameView {
    /// Appends the record in Avro's binary encoding, under ``AvroForm/schema(template:)``.
    ///
    /// - Parameter saysSequence: true when what the record is written into says its sequence, as the
    ///   header of an object does (``AvroForm/metadata(of:)``). A record on its own has to say that
    ///   by its fields.
    /// - Throws: ``FrameError/badMessage(_:)``, also for what the fields of the schema cannot hold:
    ///   a number with too many digits, or a part of the record's identity. Nothing was appended
    ///   then.
    public func appendAvro(
        to bytes: inout Bytes, inFileThatSaysSequence saysSequence: Bool = false
    ) throws(FrameError) {
        unsafe try bytes.append(room: avroRoom) { (room) throws(FrameError) in
            guard let start = room.baseAddress else { return 0 }
            var sink = unsafe AvroSink(next: start, saysSequence: saysSequence)
            try describe(to: &sink)
            if let name = sink.unsaid {
                throw .badMessage("\(name) has no field in the Avro form that could hold it")
            }
            if let name = sink.unfit {
                throw .badMessage(
                    "\(name) has more digits than decimal(\(AvroForm.decimalPrecision), "
                        + "\(AvroForm.decimalScale)) holds")
            }
            return unsafe sink.next - start
        }
    }

    /// At least as many bytes as the record takes in Avro, so that one check for room is enough.
    ///
    /// Of the fields of fixed number, klines have most: 24 longs of at most 10 bytes, 9 doubles,
    /// 8 decimals of 16 bytes, 4 numbers of at most 40 digits, 2 words, and a symbol that is written
    /// as 32 bytes: below 850. A level has 16 bytes or more in a frame and at most 68 in Avro; a
    /// foreign message, or a frame of a newer schema, is copied. Of text, a byte that is not UTF-8
    /// becomes the three of U+FFFD.
    private var avroRoom: Int {
        let factor =
            switch kind {
            case .depthDiff, .depthSnapshot: 5
            case .gap: 3
            default: 1
            }
        return 1024 + bytes.byteCount * factor
    }
}

/// The Avro schemas of our records. The fields that consumers of the replaced service know come
/// first, with exactly their types; the exact digits follow.
public enum AvroForm {
    /// Digits of the exact decimals.
    static let decimalPrecision = 38
    /// Digits behind the point of the exact decimals: what the venue has at the most.
    static let decimalScale = 8
    /// 10^38 − 1.
    static let largestDecimal: UInt128 = 99_999_999_999_999_999_999_999_999_999_999_999_999

    /// The schema of a template's records; one for all templates that are not known here.
    public static func schema(template: UInt16) -> AvroSchema {
        var sink = AvroSchemaSink()
        let kind = RecordKind(rawValue: template)
        describeSample(template, to: &sink)
        return AvroSchema(
            name: kind?.schemaName ?? "Unknown", namespace: "market.bronze",
            documentation: kind?.documentation ?? "A record of a newer schema, as a whole frame",
            fields: sink.fields)
    }

    /// What the header of a file with one sequence has to say, because no field of its records can:
    /// nothing for nearly all sequences.
    public static func metadata(of sequence: SequenceID) -> [(name: String, value: String)] {
        var metadata: [(name: String, value: String)] = []
        let isSaid =
            switch RecordKind(rawValue: sequence.template) {
            case .depthSnapshot, .gap, nil: true
            case .kline: KlineInterval(code: sequence.series) != nil
            case .trade, .aggTrade, .bestBidAsk, .depthDiff, .raw: sequence.series == 0
            }
        if !isSaid { metadata.append((seriesKey, "\(sequence.series)")) }
        if !sequence.symbol.isUTF8 {
            metadata.append((symbolKey, Base64.text(Array(sequence.symbol.bytes))))
        }
        return metadata
    }

    /// In the metadata of a file: the series of its records.
    static let seriesKey = "market.series"
    /// In the metadata of a file: the bytes of its symbol, which are not UTF-8, in base64.
    static let symbolKey = "market.symbol_bytes"

    /// Gives the fields of a template's records to a sink, with values that mean nothing.
    static func describeSample<Sink: FieldSink & ~Copyable>(
        _ template: UInt16, to sink: inout Sink
    ) {
        do {
            let sample = try sample(template)
            try FrameView(sample.span).describe(to: &sink)
        } catch {
            preconditionFailure("the sample of template \(template) is not a record: \(error)")
        }
    }

    /// An empty record of a template, which has all of its fields.
    private static func sample(_ template: UInt16) throws -> Bytes {
        var bytes = Bytes()
        let prefix = RecordPrefix(
            sequence: SequenceID(
                template: template, symbol: SymbolName(words: (65, 0, 0, 0))),
            eventTime: 0, ingestTime: 0, ids: 0...0, source: .rest)
        try bytes.appendFrame(upTo: 512, prefix: prefix) { room throws(SBEError) in
            switch RecordKind(rawValue: template) {
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
        if RecordKind(rawValue: template) == nil {
            bytes.store(bits: template, at: Frame.headerLength + 2)
        }
        return bytes
    }
}

extension RecordKind {
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

/// Fields in Avro's binary encoding, written into memory that has room for the whole record: names
/// are in the schema.
@safe
private struct AvroSink: FieldSink, ~Copyable {
    /// Where the next field goes.
    private(set) var next: UnsafeMutableRawPointer
    /// The first field that its decimal does not hold.
    private(set) var unfit: StaticString?
    /// A part of the record's identity that no field holds.
    private(set) var unsaid: StaticString?
    private let saysSequence: Bool

    init(next: UnsafeMutableRawPointer, saysSequence: Bool) {
        unsafe self.next = unsafe next
        self.saysSequence = saysSequence
    }

    mutating func series(_ value: UInt16) { if !saysSequence { unsaid = "series" } }
    mutating func secondID(_ name: StaticString, _ value: Int64) { unsaid = name }

    @inline(__always)
    private mutating func put<Value: BitwiseCopyable>(_ value: Value) {
        unsafe next.storeBytes(of: value, as: Value.self)
        unsafe next += MemoryLayout<Value>.size
    }

    /// As `Bytes.append(avro:)`, without a loop: the groups of seven bits of a number are spread over
    /// its bytes by three shifts, and its length is counted, not found. Up to ten bytes are written; those
    /// behind the number are of the next field.
    @inline(__always)
    private mutating func put(long value: Int64) {
        let rest = UInt64(bitPattern: value &<< 1 ^ value &>> 63)
        if rest < 0x80 { return put(UInt8(truncatingIfNeeded: rest)) }
        var groups = rest & 0x0FFF_FFFF | (rest & 0x00FF_FFFF_F000_0000) &<< 4
        groups = groups & 0x0000_3FFF_0000_3FFF | (groups & 0x0FFF_C000_0FFF_C000) &<< 2
        groups = groups & 0x007F_007F_007F_007F | (groups & 0x3F80_3F80_3F80_3F80) &<< 1
        let last = ((63 &- rest.leadingZeroBitCount) &* 37) &>> 8
        if last < 8 {
            unsafe next.storeBytes(
                of: groups | 0x8080_8080_8080_8080 & ~(UInt64.max &<< UInt64(last &* 8)),
                as: UInt64.self)
        } else {
            unsafe next.storeBytes(of: groups | 0x8080_8080_8080_8080, as: UInt64.self)
            let more = rest &>> 56
            unsafe next.storeBytes(
                of: UInt16(
                    truncatingIfNeeded: more & 0x7F | (more &>> 7) &<< 8 | (last > 8 ? 0x80 : 0)),
                toByteOffset: 8, as: UInt16.self)
        }
        unsafe next += last &+ 1
    }

    @inline(__always)
    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        put(long: Int64(bytes.count))
        guard let source = bytes.baseAddress else { return }
        unsafe next.copyMemory(from: source, byteCount: bytes.count)
        unsafe next += bytes.count
    }

    @inline(__always)
    mutating func long(_ name: StaticString, _ value: Int64) { put(long: value) }
    @inline(__always)
    mutating func exponent(_ name: StaticString, _ value: Int8) { put(long: Int64(value)) }

    @inline(__always)
    mutating func decimal(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        put(ExactDecimal.double(mantissa: mantissa, exponent: exponent).bitPattern)
    }

    mutating func wideDecimal(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        put(ExactDecimal(mantissa: mantissa, exponent: exponent).double.bitPattern)
    }

    @inline(__always)
    mutating func mantissa(_ name: StaticString, _ value: Int64) { put(long: value) }

    mutating func wideMantissa(_ name: StaticString, _ value: Int128) {
        put("\(value)")
    }

    @inline(__always)
    mutating func exactPrice(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        put(decimal: mantissa, exponent, name)
    }

    @inline(__always)
    mutating func exactQuantity(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        put(decimal: mantissa, exponent, name)
    }

    /// Sixteen bytes, the highest first.
    @inline(__always)
    private mutating func put(decimal mantissa: Int64, _ exponent: Int8, _ name: StaticString) {
        guard Int(exponent) == -AvroForm.decimalScale else {
            return exactVolume(name, Int128(mantissa), exponent)
        }
        put(mantissa >> 63)
        put(mantissa.bigEndian)
    }

    mutating func exactVolume(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        let decimal = ExactDecimal(mantissa: mantissa, exponent: exponent)
        let unscaled = decimal.rescaled(to: Int8(-AvroForm.decimalScale))
        if unscaled.map({ $0.magnitude > AvroForm.largestDecimal }) ?? true, unfit == nil {
            unfit = name
        }
        put((unscaled ?? 0).bigEndian)
    }

    @inline(__always)
    mutating func eventTime(_ microseconds: Int64) { put(long: microseconds) }
    @inline(__always)
    mutating func interval(_ value: StaticString) { word("", value) }
    @inline(__always)
    mutating func nanoseconds(_ name: StaticString, _ value: Int64) { put(long: value) }
    @inline(__always)
    mutating func boolean(_ name: StaticString, _ value: Bool) { put(value ? 1 as UInt8 : 0) }

    @inline(__always)
    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?) {
        put(long: value == nil ? 0 : 1)
        if let value { put(value ? 1 as UInt8 : 0) }
    }

    @inline(__always)
    mutating func word(_ name: StaticString, _ value: StaticString) {
        // Words are short: a loop costs less than the call that copies.
        let length = value.utf8CodeUnitCount
        put(long: Int64(length))
        let (source, target) = unsafe (value.utf8Start, next)
        for index in 0..<length {
            unsafe target.storeBytes(of: source[index], toByteOffset: index, as: UInt8.self)
        }
        unsafe next += length
    }

    mutating func unnamed(_ name: StaticString, _ code: UInt8, number: StaticString) {
        put(UnnamedCode.text(code))
    }

    @inline(__always)
    mutating func symbol(_ name: StaticString, _ value: SymbolName) {
        guard value.isUTF8 else { return putRepaired(name, value) }
        let length = value.count
        put(long: Int64(length))
        unsafe next.storeBytes(of: value.words, as: (UInt64, UInt64, UInt64, UInt64).self)
        unsafe next += length
    }

    mutating func levels(
        _ name: StaticString, _ levels: [BookLevel], _ frame: borrowing FrameView
    ) {
        if !levels.isEmpty { put(long: Int64(levels.count)) }
        for level in levels {
            decimal("", level.price, frame.priceExponent)
            decimal("", level.quantity, frame.quantityExponent)
            put(long: level.price)
            put(long: level.quantity)
            put(decimal: level.price, frame.priceExponent, name)
            put(decimal: level.quantity, frame.quantityExponent, name)
        }
        put(long: 0)
    }

    /// A symbol that no reader of Avro would take as it is.
    @inline(never)
    private mutating func putRepaired(_ name: StaticString, _ value: SymbolName) {
        if !saysSequence { unsaid = name }
        put(value.description)
    }

    private mutating func put(_ text: String) {
        var text = text
        text.withUTF8 { unsafe put(UnsafeRawBufferPointer($0)) }
    }

    /// Strings of Avro are UTF-8: one that is not makes the whole file unreadable for others.
    mutating func text(_ name: StaticString, _ value: RawSpan) {
        put(unsafe value.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
    }

    mutating func bytes(_ name: StaticString, _ value: RawSpan) {
        unsafe value.withUnsafeBytes { unsafe put($0) }
    }
}
