import NIOCore

/// Writes request lines so that the parser behind this takes all that a server should take.
///
/// The lines of a connection's first head may end with LF alone (RFC 9112, section 2.2): this is what
/// people type into `nc` and what simple probes send, and the parser takes CR LF only. And a request of
/// HTTP/1.2 or a later minor version is served as one of 1.1 (RFC 9110, section 2.5), where the parser
/// knows 1.0 and 1.1 alone. No byte of a body is added or taken away.
final class RequestLines: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What a request line ends with, before the minor version.
    private static let version = Array(" HTTP/1.".utf8)

    private var isInFirstHead = true
    /// True after the first byte of the request line: empty lines before it do not end the head.
    private var hasBegun = false
    private var isLineEmpty = true
    /// True once a colon came before any space: a field's line, whose value means something else.
    private var isField = false
    /// True once a space came before any colon: a request line.
    private var isRequest = false
    /// Bytes of ``version`` that the line ends with so far.
    private var matched = 0
    /// A minor version over 1, kept until the next byte shows whether the line ends there.
    private var minor: UInt8?
    private var previous: UInt8 = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        var written = context.channel.allocator.buffer(capacity: bytes.readableBytes + 64)
        for byte in bytes.readableBytesView { write(byte, to: &written) }
        context.fireChannelRead(wrapInboundOut(written))
    }

    private func write(_ byte: UInt8, to written: inout ByteBuffer) {
        let (cr, lf) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
        if let digit = minor {
            minor = nil
            written.writeInteger(byte == cr || byte == lf ? UInt8(ascii: "1") : digit)
        }
        if byte == lf {
            if isInFirstHead {
                if previous != cr { written.writeInteger(cr) }
                if hasBegun && isLineEmpty { isInFirstHead = false }
            }
            (isLineEmpty, isField, isRequest, matched) = (true, false, false, 0)
        } else if byte != cr {
            (hasBegun, isLineEmpty) = (true, false)
            if isLaterMinor(byte) {
                (minor, previous) = (byte, byte)
                return
            }
        }
        previous = byte
        written.writeInteger(byte)
    }

    /// True for the digit of HTTP/1.2 to HTTP/1.9 in a request line.
    private func isLaterMinor(_ byte: UInt8) -> Bool {
        if !isRequest, !isField {
            isField = byte == UInt8(ascii: ":")
            isRequest = byte == UInt8(ascii: " ")
        }
        guard isRequest else { return false }
        if matched == Self.version.count {
            matched = 0
            return (UInt8(ascii: "2")...UInt8(ascii: "9")).contains(byte)
        }
        matched = byte == Self.version[matched] ? matched + 1 : byte == Self.version[0] ? 1 : 0
        return false
    }
}
