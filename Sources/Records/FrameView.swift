public import Identity

/// One frame, lent: its bytes and the prefix that every record starts with.
///
/// Whoever made it has checked that the prefix is inside, so reading it needs no further check.
@frozen
public struct FrameView: ~Escapable {
    /// The whole frame, framing header included.
    public let bytes: RawSpan

    @inlinable
    @_lifetime(copy checked)
    init(checked: RawSpan) { bytes = checked }

    /// Looks at bytes as one frame.
    ///
    /// - Parameter offset: of the frame in its stream, for error messages.
    /// - Throws: ``FrameError`` when the bytes are not exactly one frame of ours.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, at offset: Int64 = 0) throws(FrameError) {
        let length = try Self.length(bytes, at: offset)
        guard let length, length == bytes.byteCount else {
            throw .truncated(
                offset: offset, have: bytes.byteCount, need: length ?? Frame.headerLength)
        }
        self.bytes = bytes
    }

    /// Looks at bytes as one frame whose headers are as they nearly always are; nil for all others, of
    /// which ``init(_:at:)`` says what they are.
    @inlinable
    @_lifetime(copy bytes)
    public init?(usual bytes: RawSpan) {
        guard Self.usualLength(bytes) == bytes.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Looks at the first of the frames that some bytes begin with.
    ///
    /// - Throws: ``FrameError`` when they do not begin with a whole frame.
    @inlinable
    @inline(__always)
    @_lifetime(copy bytes)
    public init(firstIn bytes: RawSpan) throws(FrameError) {
        guard let length = try Self.length(bytes, at: 0), length <= bytes.byteCount else {
            throw try Self.cut(bytes)
        }
        self.bytes = bytes.extracting(0..<length)
    }

    /// What is wrong with bytes that begin with a part of a frame.
    @usableFromInline
    @inline(never)
    static func cut(_ bytes: RawSpan) throws(FrameError) -> FrameError {
        let length = try length(bytes, at: 0)
        return .truncated(offset: 0, have: bytes.byteCount, need: length ?? Frame.headerLength)
    }

    /// The length of the frame that some bytes begin with.
    ///
    /// - Parameter offset: of the bytes in their stream, for error messages.
    /// - Returns: nil when the frame is not there to its end.
    /// - Throws: ``FrameError`` when the bytes do not begin a frame.
    public static func wholeLength(
        _ bytes: RawSpan, at offset: Int64
    ) throws(FrameError) -> Int? {
        guard let length = try length(bytes, at: offset), length <= bytes.byteCount else {
            return nil
        }
        return length
    }

    // MARK: - The prefix

    /// The template id: which kind of record.
    @inlinable public var template: UInt16 { load(Frame.headerLength + 2) }
    /// The version of records.xml that the writer knew.
    @inlinable public var schemaVersion: UInt16 { load(Frame.headerLength + 6) }
    /// Bytes of the root block on the wire.
    @inlinable public var blockLength: UInt16 { load(Frame.headerLength) }
    /// Exchange time, µs since the epoch, UTC.
    @inlinable public var eventTime: Int64 { prefix.eventTime }
    /// When the bytes arrived here, ns since the epoch, UTC.
    @inlinable public var ingestTime: Int64 { prefix.ingestTime }
    /// First id that this record covers.
    @inlinable public var firstID: Int64 { prefix.firstId }
    /// Last id that this record covers.
    @inlinable public var lastID: Int64 { prefix.lastId }
    /// Whose record.
    @inlinable public var symbol: SymbolName { SymbolName(words: prefix.symbolWords) }
    /// The interval code for klines, else 0.
    @inlinable public var series: UInt16 { prefix.series }
    /// 1 = Binance Spot.
    @inlinable public var venue: UInt8 { prefix.venue.rawValue }
    /// How the record got here: 1 sbe, 2 rest, 3 archive, 4 repair.
    @inlinable public var source: UInt8 { prefix.source.rawValue }
    /// Power of ten of the prices.
    @inlinable public var priceExponent: Int8 { prefix.priceExponent }
    /// Power of ten of the quantities.
    @inlinable public var quantityExponent: Int8 { prefix.quantityExponent }
    /// See `recordFlags` in records.xml.
    @inlinable public var flags: UInt16 { prefix.flags.rawValue }

    /// The fields that every record begins with.
    @inlinable var prefix: PrefixView {
        @_lifetime(copy self)
        @inline(__always) get { unsafe PrefixView(bytes, at: Frame.blockOffset) }
    }

    /// From the message header on, for a generated decoder.
    @inlinable public var message: RawSpan {
        @_lifetime(copy self)
        get { bytes.extracting(Frame.headerLength..<bytes.byteCount) }
    }

    @inlinable
    @inline(__always)
    func load<Value: BitwiseCopyable>(_ offset: Int) -> Value {
        unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Value.self)
    }

    // MARK: - Checking

    /// The length of the frame that `bytes` start with, once its headers were found good.
    ///
    /// - Returns: nil when too few bytes are there to tell.
    @inlinable
    @inline(__always)
    static func length(_ bytes: RawSpan, at offset: Int64) throws(FrameError) -> Int? {
        if let length = usualLength(bytes) { return length }
        return try carefulLength(bytes, at: offset)
    }

    /// The length of a frame whose headers are good, in a few compares where it is asked for; nil
    /// for all others, of which ``carefulLength(_:at:)`` says what they are.
    @inlinable
    @inline(__always)
    static func usualLength(_ bytes: RawSpan) -> Int? {
        guard bytes.byteCount >= Frame.blockOffset else { return nil }
        let length = UInt32(
            bigEndian: unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt32.self)
        )
        let type = UInt16(
            bigEndian: unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: 4, as: UInt16.self)
        )
        let block = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: 6, as: UInt16.self)
        let schema = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: 10, as: UInt16.self)
        guard type == Frame.encodingType, schema == Frame.schemaID,
            length >= Frame.minimumLength, length <= Frame.maximumLength,
            block >= Frame.prefixLength, Frame.blockOffset + Int(block) <= Int(length)
        else { return nil }
        return Int(length)
    }

    @usableFromInline
    @inline(never)
    static func carefulLength(_ bytes: RawSpan, at offset: Int64) throws(FrameError) -> Int? {
        guard bytes.byteCount >= Frame.headerLength else { return nil }
        let type = UInt16(
            bigEndian: unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: 4, as: UInt16.self)
        )
        guard type == Frame.encodingType else {
            throw FrameError.noFrame(in: bytes, at: offset, encodingType: type)
        }
        let length = UInt32(
            bigEndian: unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: 0, as: UInt32.self)
        )
        guard length >= Frame.shortestOldLength, length <= Frame.maximumLength else {
            throw .badLength(offset: offset, length: length)
        }
        guard bytes.byteCount >= Frame.blockOffset else { return Int(length) }
        let block = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: 6, as: UInt16.self)
        let schema = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: 10, as: UInt16.self)
        guard schema == Frame.schemaID else {
            if schema == OldFrame.schemaID { throw .oldSchema(offset: offset) }
            throw .foreignSchema(offset: offset, schemaID: schema)
        }
        guard length >= Frame.minimumLength else {
            throw .badLength(offset: offset, length: length)
        }
        guard block >= Frame.prefixLength, Frame.blockOffset + Int(block) <= Int(length) else {
            throw .badBlock(offset: offset, blockLength: block)
        }
        return Int(length)
    }
}
