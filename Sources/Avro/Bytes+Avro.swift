public import Posix

/// Avro's binary encoding. Source: Apache Avro 1.11 specification, "Binary Encoding".
extension Bytes {
    /// Appends an int or long: zig-zag, seven bits to a byte, low bits first.
    @inlinable
    @inline(__always)
    public mutating func append(avro value: Int64) {
        var rest = UInt64(bitPattern: value &<< 1 ^ value &>> 63)
        if rest < 0x80 { return append(UInt8(truncatingIfNeeded: rest)) }
        append(room: 10) { room in
            var length = 0
            while rest >= 0x80 {
                room[length] = UInt8(truncatingIfNeeded: rest) | 0x80
                rest &>>= 7
                length &+= 1
            }
            room[length] = UInt8(truncatingIfNeeded: rest)
            return length &+ 1
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
