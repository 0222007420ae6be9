// The primitives that generated encoders write fields with. Room is checked when a block, a group
// or variable data is begun; from then on every access is a plain store.

extension MutableRawSpan {
    /// Writes a little-endian integer, not necessarily aligned.
    ///
    /// Unsafe: the caller has checked that its bytes are inside the span.
    @unsafe
    @inlinable
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func storeLittle<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value, at offset: Int
    ) {
        unsafe storeBytes(
            of: value.littleEndian, toUncheckedByteOffset: offset, as: Value.self)
    }

    /// Writes a big-endian integer, not necessarily aligned.
    ///
    /// Unsafe: the caller has checked that its bytes are inside the span.
    @unsafe
    @inlinable
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func storeBig<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value, at offset: Int
    ) {
        unsafe storeBytes(of: value.bigEndian, toUncheckedByteOffset: offset, as: Value.self)
    }

    /// Zeroes a run of bytes.
    ///
    /// Unsafe: the caller has checked that they are inside the span.
    @unsafe
    @inlinable
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func zero(_ offset: Int, length: Int) {
        unsafe withUnsafeMutableBytes { all in
            let run = unsafe UnsafeMutableRawBufferPointer(
                rebasing: all[Range(uncheckedBounds: (offset, offset + length))])
            _ = unsafe run.initializeMemory(as: UInt8.self, repeating: 0)
        }
    }

    /// Copies bytes in.
    ///
    /// Unsafe: the caller has checked that there is room for them.
    @unsafe
    @inlinable
    @inline(__always)
    @_lifetime(self: copy self)
    public mutating func copy(_ bytes: RawSpan, to offset: Int) {
        unsafe withUnsafeMutableBytes { all in
            unsafe bytes.withUnsafeBytes { source in
                let run = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: all[Range(uncheckedBounds: (offset, offset + source.count))])
                unsafe run.copyMemory(from: source)
            }
        }
    }
}
