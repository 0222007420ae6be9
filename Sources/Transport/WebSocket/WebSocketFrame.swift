import Posix

/// One frame's header, and where its payload is or will be.
///
/// ```
/// byte 0  FIN 1, reserved 3, opcode 4      byte 1  MASK 1, length 7
/// length 126: uint16 follows, 127: uint64; then 4 bytes of mask when MASK is set
/// ```
///
/// Source: RFC 6455, section 5.2.
struct WebSocketFrame {
    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue & 8 != 0 }
    }

    let opcode: Opcode
    let isFinal: Bool
    /// May end behind the bytes that are there.
    let payload: Range<Int>

    /// Reads a header; nil when it is not there whole.
    ///
    /// - Throws: ``WebSocketError`` for what a server may not send.
    init?(in bytes: RawSpan, at start: Int) throws(WebSocketError) {
        let count = bytes.byteCount - start
        guard count >= 2 else { return nil }
        let first = bytes.unsafeLoad(fromUncheckedByteOffset: start, as: UInt8.self)
        let second = bytes.unsafeLoad(fromUncheckedByteOffset: start + 1, as: UInt8.self)
        guard first & 0x70 == 0 else {
            throw WebSocketError(1002, "reserved bits, though no extension was agreed on")
        }
        guard let opcode = Opcode(rawValue: first & 15) else {
            throw WebSocketError(1002, "the unknown opcode \(first & 15)")
        }
        guard second & 0x80 == 0 else { throw WebSocketError(1002, "a masked frame") }
        isFinal = first & 0x80 != 0
        self.opcode = opcode
        var length = Int(second)
        var header = 2
        if opcode.isControl {
            guard isFinal else { throw WebSocketError(1002, "a fragmented control frame") }
            guard length <= 125 else {
                throw WebSocketError(1002, "a control frame over 125 bytes")
            }
        }
        if length == 126 {
            header = 4
            guard count >= header else { return nil }
            length = Int(
                UInt16(
                    bigEndian: bytes.unsafeLoadUnaligned(
                        fromUncheckedByteOffset: start + 2, as: UInt16.self)))
            guard length > 125 else { throw WebSocketError(1002, "a length in too many bytes") }
        } else if length == 127 {
            header = 10
            guard count >= header else { return nil }
            let wide = UInt64(
                bigEndian: bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: start + 2, as: UInt64.self))
            guard wide > 0xFFFF else { throw WebSocketError(1002, "a length in too many bytes") }
            guard wide < 1 << 62 else { throw WebSocketError(1002, "a length of 2^62 or more") }
            length = Int(wide)
        }
        payload = (start + header)..<(start + header + length)
    }

    /// Appends a whole frame of a client, masked.
    static func append(_ opcode: Opcode, _ payload: RawSpan, mask: UInt32, to output: inout Bytes) {
        let count = payload.byteCount
        output.append(0x80 | opcode.rawValue)
        if count <= 125 {
            output.append(0x80 | UInt8(count))
        } else if count <= 0xFFFF {
            output.append(0x80 | 126)
            output.append(bits: UInt16(count).bigEndian)
        } else {
            output.append(0x80 | 127)
            output.append(bits: UInt64(count).bigEndian)
        }
        output.append(bits: mask)
        let wide = UInt64(mask) << 32 | UInt64(mask)
        output.append(room: count) { room in
            var index = 0
            while index + 8 <= count {
                let word = payload.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: index, as: UInt64.self)
                room.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
                index += 8
            }
            while index < count {
                let byte = payload.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
                room[index] = byte ^ UInt8(truncatingIfNeeded: mask >> (8 * UInt32(index % 4)))
                index += 1
            }
            return count
        }
    }
}
