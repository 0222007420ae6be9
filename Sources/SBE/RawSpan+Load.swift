// The primitives that generated decoders read fields with. Bounds are checked once, by the
// decoder's initialiser; from then on every access is a plain load.

extension RawSpan {
    /// A little-endian integer, not necessarily aligned.
    ///
    /// Unsafe: the caller has checked that its bytes are inside the span.
    @unsafe
    @inlinable
    @inline(__always)
    public func little<Value: FixedWidthInteger & BitwiseCopyable>(
        _ offset: Int, as type: Value.Type
    ) -> Value {
        Value(littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: type))
    }

    /// A big-endian integer, not necessarily aligned.
    ///
    /// Unsafe: the caller has checked that its bytes are inside the span.
    @unsafe
    @inlinable
    @inline(__always)
    public func big<Value: FixedWidthInteger & BitwiseCopyable>(
        _ offset: Int, as type: Value.Type
    ) -> Value {
        Value(bigEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: type))
    }

    /// The bytes from an offset on.
    ///
    /// Unsafe: the caller has checked that they are inside the span, which is not empty.
    @unsafe
    @inlinable
    @inline(__always)
    @_lifetime(copy self)
    public func part(_ offset: Int, length: Int) -> RawSpan {
        // Not extracting(unchecked:): that keeps a test for a null start in every loop over entries.
        let start = unsafe withUnsafeBytes { unsafe $0.baseAddress.unsafelyUnwrapped }
        let part = unsafe RawSpan(_unsafeStart: start + offset, byteCount: length)
        return unsafe _overrideLifetime(part, copying: self)
    }

    /// The content of a NUL-padded char array: the bytes before the first NUL.
    @inlinable
    public var beforeNUL: RawSpan {
        @_lifetime(copy self)
        get {
            guard !isEmpty else { return self }
            var length = 0
            while length < byteCount, unsafe little(length, as: UInt8.self) != 0 { length += 1 }
            return unsafe part(0, length: length)
        }
    }
}
