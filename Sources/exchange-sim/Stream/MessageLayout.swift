import Glibc

/// How messages look: exponents, and a schema newer than the one that is known today.
struct MessageLayout {
    var scale = DecimalScale(price: -8, quantity: -8)
    /// The version in the message header.
    var version: UInt16 = 0
    /// Bytes that follow the known fields of the root block.
    var padding = 0

    /// True when messages are not those of version 0.
    var isChanged: Bool { version != 0 || padding != 0 }

    /// Makes a newer message of one that was written `padding` bytes into the room: header and
    /// root block move to the front, and unknown fields fill the hole after them.
    func widen(_ room: UnsafeMutableRawBufferPointer) {
        guard let base = room.baseAddress else { return }
        let block = Int(room.loadUnaligned(fromByteOffset: padding, as: UInt16.self).littleEndian)
        memmove(base, base + padding, 8 + block)
        memset(base + 8 + block, 0xA5, padding)
        room.storeBytes(of: UInt16(block + padding).littleEndian, as: UInt16.self)
        room.storeBytes(of: version.littleEndian, toByteOffset: 6, as: UInt16.self)
    }
}
