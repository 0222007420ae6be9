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
    /// Writes the fields that every root block begins with.
    ///
    /// - Precondition: the span is a message of records.xml, from its header on, with room for
    ///   the prefix; an encoder has begun it.
    @inlinable
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func store(_ prefix: RecordPrefix) {
        let start = Frame.blockOffset - Frame.headerLength
        precondition(byteCount >= start + Frame.prefixLength)
        unsafe storePrefixView(
            at: start, eventTime: prefix.eventTime, ingestTime: prefix.ingestTime,
            firstId: prefix.ids.lowerBound, lastId: prefix.ids.upperBound,
            symbol: prefix.sequence.symbol.words, series: prefix.sequence.series,
            venue: VenueCode(rawValue: prefix.sequence.venue), source: prefix.source,
            priceExponent: prefix.exponents.price, quantityExponent: prefix.exponents.quantity,
            flags: prefix.flags)
    }
}
