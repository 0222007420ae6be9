import NIOCore
import NIOWebSocket

/// Server frames of RFC 6455, written without a copy of the payload.
///
///      0                   1                   2                   3
///     +-+-+-+-+-------+-+-------------+-------------------------------+
///     |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
///     |I|S|S|S|  (4)  |A|     (7)     |    (16 for 126, 64 for 127)   |
///     +-+-+-+-+-------+-+-------------+-------------------------------+
enum WireFrame {
    /// Appends a header; the payload has to follow.
    @inline(__always)
    static func header(
        _ opcode: WebSocketOpcode, length: Int, isLast: Bool = true, to buffer: inout ByteBuffer
    ) {
        let first = UInt8(webSocketOpcode: opcode) | (isLast ? 0x80 : 0)
        if length < 126 {
            buffer.writeInteger(UInt16(first) << 8 | UInt16(length))
        } else if length <= 0xFFFF {
            buffer.writeInteger(UInt16(first) << 8 | 126)
            buffer.writeInteger(UInt16(length))
        } else {
            buffer.writeInteger(UInt16(first) << 8 | 127)
            buffer.writeInteger(UInt64(length))
        }
    }

    /// A whole frame.
    static func frame(_ opcode: WebSocketOpcode, _ payload: some Collection<UInt8>) -> ByteBuffer {
        var buffer = ByteBuffer()
        header(opcode, length: payload.count, to: &buffer)
        buffer.writeBytes(payload)
        return buffer
    }

    /// A close frame.
    static func close(_ code: UInt16, _ reason: String) -> ByteBuffer {
        frame(.connectionClose, [UInt8(code >> 8), UInt8(code & 255)] + Array(reason.utf8))
    }
}
