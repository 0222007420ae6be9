extension Bytes {
    /// Appends bytes in base64 with padding (RFC 4648, section 4).
    ///
    /// Six bytes at a time, twelve bits to a table look-up of two characters.
    public mutating func append(base64 source: RawSpan) {
        // Eight bytes are stored at a time, the last ones in part over free space.
        append(room: (source.byteCount + 2) / 3 * 4 + 8) { room in
            source.withUnsafeBytes { source in
                Base64Table.pairs.withUnsafeBufferPointer { pairs in
                    Self.encode(source, pairs, room)
                }
            }
        }
    }

    private static func encode(
        _ source: UnsafeRawBufferPointer, _ pairs: UnsafeBufferPointer<UInt16>,
        _ room: UnsafeMutableRawBufferPointer
    ) -> Int {
        var index = 0
        var place = 0
        while index + 8 <= source.count {
            let word = UInt64(
                bigEndian: source.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let text =
                UInt64(pairs[Int(word >> 52)])
                | UInt64(pairs[Int(word >> 40 & 0xFFF)]) << 16
                | UInt64(pairs[Int(word >> 28 & 0xFFF)]) << 32
                | UInt64(pairs[Int(word >> 16 & 0xFFF)]) << 48
            room.storeBytes(of: text, toByteOffset: place, as: UInt64.self)
            index += 6
            place += 8
        }
        while index < source.count {
            let left = min(3, source.count - index)
            var group = Int(source[index]) << 16
            if left > 1 { group |= Int(source[index + 1]) << 8 }
            if left > 2 { group |= Int(source[index + 2]) }
            let text = UInt32(pairs[group >> 12]) | UInt32(pairs[group & 0xFFF]) << 16
            room.storeBytes(of: text, toByteOffset: place, as: UInt32.self)
            for missing in left..<3 { room[place + 1 + missing] = UInt8(ascii: "=") }
            index += 3
            place += 4
        }
        return place
    }
}

private enum Base64Table {
    /// The two characters of each twelve bits, the first one in the low byte.
    static let pairs: [UInt16] = {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        return (0..<4096).map { UInt16(digits[$0 >> 6]) | UInt16(digits[$0 & 63]) << 8 }
    }()
}
