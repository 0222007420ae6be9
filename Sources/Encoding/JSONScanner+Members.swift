/// Objects and arrays, member by member.
extension JSONScanner {
    /// Where a loop over the members of an object, or the elements of an array, is.
    ///
    /// ```swift
    /// var members = JSONScanner.Place()
    /// while let key = try scanner.nextKey(&members) {
    ///     if scanner.equals(key, "id") { id = try scanner.integer() } else { try scanner.skip() }
    /// }
    /// ```
    public struct Place {
        @usableFromInline var isInside = false

        /// Before the opening bracket.
        @inlinable public init() {}
    }

    /// Moves to the next member of an object, past its opening brace and its key.
    ///
    /// - Returns: the bytes between the quotes of the key; nil when the object closed.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func nextKey(_ place: inout Place) throws(Failure) -> Range<Int>? {
        guard try enter(&place, "{", "}") else { return nil }
        return try key()
    }

    /// Moves to the next element of an array, past its opening bracket.
    ///
    /// - Returns: false when the array closed.
    @inlinable @inline(__always) @_lifetime(self: copy self)
    public mutating func nextElement(_ place: inout Place) throws(Failure) -> Bool {
        try enter(&place, "[", "]")
    }

    @inlinable @inline(__always) @_lifetime(self: copy self)
    mutating func enter(
        _ place: inout Place, _ open: Unicode.Scalar, _ close: Unicode.Scalar
    ) throws(Failure) -> Bool {
        var isFirst = !place.isInside
        if isFirst { try take(UInt8(ascii: open)) }
        place.isInside = true
        return try more(&isFirst, until: UInt8(ascii: close))
    }
}
