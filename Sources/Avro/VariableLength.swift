/// Longs in Avro's form, all their bytes at once.
///
/// A loop over seven bits a time ends after a number of rounds that differs from field to field, which
/// a processor guesses wrongly. Here the groups of bits are moved apart by three steps of shifts, and
/// eight bytes are stored (docs/performance.md).
public enum VariableLength {
    /// Bytes that ``write(_:to:)`` may store; at most ten of them are the long's.
    public static let room = 10

    /// Writes a long: zig-zag, seven bits to a byte, low bits first.
    ///
    /// Unsafe: the caller has made sure that there are ``room`` bytes.
    ///
    /// - Returns: its length; the bytes behind it may have changed.
    @unsafe
    @inlinable
    @inline(__always)
    public static func write(_ value: Int64, to place: UnsafeMutableRawPointer) -> Int {
        let bits = UInt64(bitPattern: value &<< 1 ^ value &>> 63)
        if bits < 0x80 {
            unsafe place.storeBytes(of: UInt8(truncatingIfNeeded: bits), as: UInt8.self)
            return 1
        }
        let spread = spread(bits)
        guard bits >> 56 == 0 else {
            let rest = bits >> 56
            unsafe place.storeBytes(of: spread | continuations, as: UInt64.self)
            // One bit more than seven is left at the most.
            let ninth = UInt16(truncatingIfNeeded: rest & 0x7F | (rest >> 7) &* 0x180)
            unsafe place.storeBytes(of: ninth, toByteOffset: 8, as: UInt16.self)
            return rest < 0x80 ? 9 : 10
        }
        // Times 37 by 256 is a seventh, rounded up, of any number of bits up to 64.
        let length = ((64 &- bits.leadingZeroBitCount) &* 37 &+ 219) >> 8
        let before = continuations & (1 << UInt64((length &- 1) &* 8) &- 1)
        unsafe place.storeBytes(of: spread | before, as: UInt64.self)
        return length
    }

    /// The bit that says that more bytes follow, in eight bytes.
    @usableFromInline static let continuations: UInt64 = 0x8080_8080_8080_8080

    /// The low 56 bits, seven in each byte.
    @inlinable
    @inline(__always)
    static func spread(_ bits: UInt64) -> UInt64 {
        var spread = bits & 0x0000_0000_0FFF_FFFF | (bits & 0x00FF_FFFF_F000_0000) &<< 4
        spread = spread & 0x0000_3FFF_0000_3FFF | (spread & 0x0FFF_C000_0FFF_C000) &<< 2
        spread = spread & 0x007F_007F_007F_007F | (spread & 0x3F80_3F80_3F80_3F80) &<< 1
        return spread
    }
}
