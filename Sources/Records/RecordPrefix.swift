public import Identity

/// The fields that every record begins with, for a record that is being made.
public struct RecordPrefix: Sendable {
    /// The sequence that the record belongs to.
    public var sequence: SequenceID
    /// Exchange time, µs since the epoch, UTC.
    public var eventTime: Int64
    /// When the bytes arrived here, ns since the epoch, UTC.
    public var ingestTime: Int64
    /// First and last id that the record covers.
    public var ids: ClosedRange<Int64>
    /// How the record got here.
    public var source: SourceCode
    /// Powers of ten of prices and quantities.
    public var exponents: (price: Int8, quantity: Int8)
    /// See `recordFlags` in records.xml.
    public var flags: RecordFlags

    /// Puts a prefix together.
    @inlinable
    public init(
        sequence: SequenceID, eventTime: Int64, ingestTime: Int64, ids: ClosedRange<Int64>,
        source: SourceCode, exponents: (price: Int8, quantity: Int8) = (0, 0),
        flags: RecordFlags = []
    ) {
        self.sequence = sequence
        self.eventTime = eventTime
        self.ingestTime = ingestTime
        self.ids = ids
        self.source = source
        self.exponents = exponents
        self.flags = flags
    }
}

extension MutableRawSpan {
    /// Writes the 64 bytes that every root block begins with.
    ///
    /// - Precondition: the span is a message of records.xml, from its header on, with room for
    ///   the prefix; an encoder has begun it.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func store(_ prefix: RecordPrefix) {
        precondition(byteCount >= 8 + Frame.prefixLength)
        unsafe storeBytes(of: prefix.eventTime, toUncheckedByteOffset: 8, as: Int64.self)
        unsafe storeBytes(of: prefix.ingestTime, toUncheckedByteOffset: 16, as: Int64.self)
        unsafe storeBytes(of: prefix.ids.lowerBound, toUncheckedByteOffset: 24, as: Int64.self)
        unsafe storeBytes(of: prefix.ids.upperBound, toUncheckedByteOffset: 32, as: Int64.self)
        let symbol = prefix.sequence.symbol.words
        unsafe storeBytes(of: symbol.0, toUncheckedByteOffset: 40, as: UInt64.self)
        unsafe storeBytes(of: symbol.1, toUncheckedByteOffset: 48, as: UInt64.self)
        unsafe storeBytes(of: symbol.2, toUncheckedByteOffset: 56, as: UInt64.self)
        unsafe storeBytes(of: prefix.sequence.series, toUncheckedByteOffset: 64, as: UInt16.self)
        unsafe storeBytes(of: prefix.sequence.venue, toUncheckedByteOffset: 66, as: UInt8.self)
        unsafe storeBytes(of: prefix.source.rawValue, toUncheckedByteOffset: 67, as: UInt8.self)
        unsafe storeBytes(of: prefix.exponents.price, toUncheckedByteOffset: 68, as: Int8.self)
        unsafe storeBytes(of: prefix.exponents.quantity, toUncheckedByteOffset: 69, as: Int8.self)
        unsafe storeBytes(of: prefix.flags.rawValue, toUncheckedByteOffset: 70, as: UInt16.self)
    }
}
