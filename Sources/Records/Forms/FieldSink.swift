import Identity

/// Takes the fields of a record in the order of its public forms. JSON, Avro and the Avro schema
/// are three of these, so that a field is named in one place.
protocol FieldSink: ~Copyable {
    /// A whole number.
    mutating func long(_ name: StaticString, _ value: Int64)
    /// A power of ten.
    mutating func exponent(_ name: StaticString, _ value: Int8)
    /// A price or quantity: exact decimal text in JSON, a double in Avro.
    mutating func decimal(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8)
    /// A volume, which may be wider than 64 bits.
    mutating func wideDecimal(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8)
    /// The exact digits of a decimal that came before; JSON has them already.
    mutating func mantissa(_ name: StaticString, _ value: Int64)
    /// The exact digits of a wide decimal that came before: decimal text in Avro.
    mutating func wideMantissa(_ name: StaticString, _ value: Int128)
    /// The same price as a decimal; JSON needs no third form.
    mutating func exactPrice(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8)
    /// The same quantity as a decimal.
    mutating func exactQuantity(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8)
    /// The same volume as a decimal; it may be wider than 64 bits.
    mutating func exactVolume(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8)
    /// The event time, µs since the epoch.
    mutating func eventTime(_ microseconds: Int64)
    /// ns since the epoch: more digits than most readers of JSON keep of a number.
    mutating func nanoseconds(_ name: StaticString, _ value: Int64)
    /// True or false.
    mutating func boolean(_ name: StaticString, _ value: Bool)
    /// True, false, or not known.
    mutating func optionalBoolean(_ name: StaticString, _ value: Bool?)
    /// One of a few words.
    mutating func word(_ name: StaticString, _ value: StaticString)
    /// A word that is not known here, by its number: "unknown", and the number as far as the form has
    /// room for it.
    ///
    /// - Parameter number: the name of the number's own field, where the form has one.
    mutating func unnamed(_ name: StaticString, _ code: UInt8, number: StaticString)
    /// The interval of a kline.
    mutating func interval(_ value: StaticString)
    /// The number of what other fields do not tell, such as a word that is not known here; only
    /// JSON has it, and only where it is needed to make the same record of it again.
    mutating func code(_ name: StaticString, _ value: Int64)
    /// The series of a record whose other fields do not tell it.
    mutating func series(_ value: UInt16)
    /// A second id, of a kind whose records have one.
    mutating func secondID(_ name: StaticString, _ value: Int64)
    /// A symbol.
    mutating func symbol(_ name: StaticString, _ value: SymbolName)
    /// One side of a book.
    mutating func levels(_ name: StaticString, _ levels: [BookLevel], _ frame: borrowing FrameView)
    /// Words of any length, UTF-8; JSON leaves out those that are empty.
    mutating func text(_ name: StaticString, _ value: RawSpan)
    /// A foreign message.
    mutating func bytes(_ name: StaticString, _ value: RawSpan)
}

extension FieldSink where Self: ~Copyable {
    mutating func code(_ name: StaticString, _ value: Int64) {}
    mutating func unnamed(_ name: StaticString, _ code: UInt8, number: StaticString) {
        word(name, "unknown")
        self.code(number, Int64(code))
    }
    mutating func series(_ value: UInt16) { code("series", Int64(value)) }
    mutating func secondID(_ name: StaticString, _ value: Int64) { code(name, value) }
    mutating func exactPrice(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {}
    mutating func exactQuantity(_ name: StaticString, _ mantissa: Int64, _ exponent: Int8) {}
    mutating func exactVolume(_ name: StaticString, _ mantissa: Int128, _ exponent: Int8) {}
}
