// The steps by which a generated decoder walks a message once, checking each length before it is
// used. After the walk all accesses are in bounds.

extension RawSpan {
    /// Checks that `length` bytes follow `offset`, which is inside the span.
    @inlinable
    @inline(__always)
    public func require(
        _ length: Int, at offset: Int, _ message: String, _ part: String
    ) throws(SBEError) {
        guard byteCount &- offset >= length else {
            try Failure.truncated(message, part, offset, length, byteCount &- offset)
        }
    }

    /// Checks variable data whose length field was read.
    ///
    /// - Parameters:
    ///   - length: as announced; a length above `Int.max` has been clamped to it.
    ///   - offset: of the first content byte.
    ///   - limit: the schema's maxValue of the length.
    /// - Returns: the offset after it.
    @inlinable
    @inline(__always)
    public func endOfData(
        _ length: Int, at offset: Int, limit: Int, _ message: String, _ part: String
    ) throws(SBEError) -> Int {
        guard length <= limit else { try Failure.tooLong(message, part, offset, length, limit) }
        try require(length, at: offset, message, part)
        return offset &+ length
    }
}

/// What a group's header says.
@frozen
public struct GroupDimension: Equatable, Sendable {
    /// Bytes of an entry's block on the wire.
    public var blockLength: Int
    /// Entries.
    public var count: Int

    /// Dimensions as read; values above `Int.max` are clamped and so refused by the checks.
    @inlinable
    @inline(__always)
    public init(blockLength: some FixedWidthInteger, count: some FixedWidthInteger) {
        self.blockLength = Int(clamping: blockLength)
        self.count = Int(clamping: count)
    }

    /// Checks the entries' number and block length against the schema.
    ///
    /// - Parameters:
    ///   - fieldLength: bytes that an entry's fields take in the acting version.
    ///   - limit: the schema's maxValue of the count.
    ///   - offset: of the group header, for errors.
    @inlinable
    @inline(__always)
    public func check(
        fieldLength: Int, limit: Int, at offset: Int, _ message: String, _ part: String
    ) throws(SBEError) {
        guard count <= limit else {
            try Failure.tooManyEntries(message, part, offset, count, limit)
        }
        // An empty group may state any block length: nothing is read from it.
        guard blockLength >= fieldLength || count == 0 else {
            try Failure.shortBlock(message, part, offset, fieldLength, blockLength)
        }
    }

    /// Checks that the entries of a flat group, blocks and nothing else, are inside the bytes.
    ///
    /// - Parameter offset: of the first entry.
    /// - Returns: the offset after the last one.
    @inlinable
    @inline(__always)
    public func end(
        at offset: Int, in bytes: RawSpan, _ message: String, _ part: String
    ) throws(SBEError) -> Int {
        let (length, overflow) = blockLength.multipliedReportingOverflow(by: count)
        guard !overflow else {
            try Failure.truncated(message, part, offset, .max, bytes.byteCount &- offset)
        }
        try bytes.require(length, at: offset, message, part)
        return offset &+ length
    }
}
