import Avro
import Identity
import Posix

/// Takes the fields of a record as declarations of an Avro schema.
struct AvroSchemaSink: FieldSink, ~Copyable {
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
    mutating func exactPrice(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        add(name, .exact("\(name)"))
    }
    mutating func exactQuantity(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {
        add(name, .exact("\(name)"))
    }
    mutating func exactVolume(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {
        add(name, .exact("\(name)"))
    }
    mutating func eventTime(_ microseconds: Int64) { add("event_time", .timestampMicroseconds) }
    mutating func interval(_ value: StaticString) { add("kline_interval", .string) }
    mutating func nanoseconds(_ name: StaticString, _ value: Int64) { add(name, .long) }
    mutating func boolean(_ name: StaticString, _ value: Bool) { add(name, .boolean) }
    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?) {
        add(name, .optional(.boolean))
    }
    mutating func word(_ name: StaticString, _ value: StaticString) { add(name, .string) }
    mutating func symbol(_ name: StaticString, _ value: SymbolName) { add(name, .string) }
    mutating func levels(
        _ name: StaticString, _ levels: [BookLevel], _ frame: borrowing FrameView
    ) {
        let side = "\(name)" == "bids" ? "Bid" : "Ask"
        let level = AvroSchema(
            name: side,
            fields: [
                AvroSchema.Field("price", .double), AvroSchema.Field("qty", .double),
                AvroSchema.Field("price_mantissa", .long), AvroSchema.Field("qty_mantissa", .long),
                AvroSchema.Field("price_exact", .exact("\(side)_price_exact")),
                AvroSchema.Field("qty_exact", .exact("\(side)_qty_exact")),
            ])
        add(name, .array(of: level))
    }
    mutating func text(_ name: StaticString, _ value: RawSpan) { add(name, .string) }
    mutating func bytes(_ name: StaticString, _ value: RawSpan) { add(name, .bytes) }
}

extension AvroSchema.FieldType {
    /// The decimal of a field, whose type has a name of its own: `price_exact` is a `PriceExact`.
    fileprivate static func exact(_ field: String) -> Self {
        let words = field.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }
        return .decimal(
            typeName: words.joined(), precision: AvroForm.decimalPrecision,
            scale: AvroForm.decimalScale)
    }
}
