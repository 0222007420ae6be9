// The steps by which a generated encoder makes sure of its room before it writes.

extension MutableRawSpan {
    /// Checks that `length` bytes can be written at `offset`, which is inside the span.
    @inlinable
    @inline(__always)
    public func requireRoom(
        _ length: Int, at offset: Int, _ message: String, _ part: String
    ) throws(SBEError) {
        guard byteCount &- offset >= length else {
            try Failure.noRoom(message, part, offset, length, byteCount &- offset)
        }
    }

    /// Checks a group's count and that its entries' blocks can be written.
    ///
    /// - Parameters:
    ///   - offset: of the group header.
    ///   - header: bytes of the group header.
    ///   - entry: bytes that an entry takes at least.
    ///   - rest: bytes that whatever follows the group takes at least.
    @inlinable
    @inline(__always)
    public func requireRoom(
        forEntries count: Int, limit: Int, at offset: Int, header: Int, entry: Int, rest: Int,
        _ message: String, _ part: String
    ) throws(SBEError) {
        guard count >= 0, count <= limit else {
            try Failure.tooManyEntries(message, part, offset, count, limit)
        }
        let (length, overflow) = entry.multipliedReportingOverflow(by: count)
        let left = byteCount &- offset &- header &- rest
        guard !overflow, length <= left else {
            let need = overflow ? Int.max : length
            try Failure.noRoom(message, part, offset, need, Swift.max(left, 0))
        }
    }

    /// Checks that variable data or a char array is not longer than allowed.
    @inlinable
    @inline(__always)
    public func requireLength(
        _ length: Int, atMost limit: Int, at offset: Int, _ message: String, _ part: String
    ) throws(SBEError) {
        guard length <= limit else { try Failure.tooLong(message, part, offset, length, limit) }
    }
}
