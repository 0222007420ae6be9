public import Posix

/// Avro's binary encoding. Source: Apache Avro 1.11 specification, "Binary Encoding".
extension Bytes {
    /// Appends an int or long: zig-zag, seven bits to a byte, low bits first.
    @inlinable
    @inline(__always)
    public mutating func append(avro value: Int64) {
        unsafe append(room: VariableLength.room) { room in
            guard let start = room.baseAddress else { return 0 }
            return unsafe VariableLength.write(value, to: start)
        }
    }

    /// Appends a double: eight bytes, little-endian.
    @inlinable
    public mutating func append(avro value: Double) { append(bits: value.bitPattern) }

    /// Appends a boolean: one byte.
    @inlinable
    public mutating func append(avro value: Bool) { append(value ? 1 : 0) }

    /// Appends a string or bytes: the length, then the bytes.
    @inlinable
    public mutating func append(avro bytes: RawSpan) {
        append(avro: Int64(bytes.byteCount))
        append(bytes)
    }

    /// Appends a string.
    @inlinable
    public mutating func append(avro text: StaticString) {
        append(avro: Int64(text.utf8CodeUnitCount))
        append(text)
    }
}
