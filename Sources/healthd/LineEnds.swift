import NIOCore

/// Completes the lines of a connection's first head that end with LF alone.
///
/// RFC 9112, section 2.2, lets a server take them, and they are what people type into `nc` and what simple
/// probes send; the parser behind this takes CR LF only.
final class LineEnds: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var isInHead = true
    /// True after the first byte of the request line: empty lines before it do not end the head.
    private var hasBegun = false
    private var isLineEmpty = true
    private var previous: UInt8 = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isInHead else {
            context.fireChannelRead(data)
            return
        }
        let bytes = unwrapInboundIn(data)
        var completed = context.channel.allocator.buffer(capacity: bytes.readableBytes + 64)
        for byte in bytes.readableBytesView {
            if isInHead { note(byte, &completed) }
            completed.writeInteger(byte)
        }
        context.fireChannelRead(wrapInboundOut(completed))
    }

    private func note(_ byte: UInt8, _ completed: inout ByteBuffer) {
        let (cr, lf) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
        if byte == lf {
            if previous != cr { completed.writeInteger(cr) }
            if hasBegun && isLineEmpty { isInHead = false }
            isLineEmpty = true
        } else if byte != cr {
            hasBegun = true
            isLineEmpty = false
        }
        previous = byte
    }
}
