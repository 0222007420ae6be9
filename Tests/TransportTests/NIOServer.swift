import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// A WebSocket server of swift-nio's, which shares no code with the client.
///
/// `/echo` sends each frame back as it came; `/greet` sends a text in two fragments with a ping
/// between, and closes with 4001 once the pong is right.
final class NIOServer: Sendable {
    let port: Int
    private let channel: any Channel

    init() throws {
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: 1 << 24,
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeSucceededFuture(head.uri == "/no" ? nil : HTTPHeaders())
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Talker(head.uri))
                }
            })
        channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline(
                    withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        port = channel.localAddress?.port ?? 0
    }

    deinit { channel.close(promise: nil) }
}

private final class Talker: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let path: String

    init(_ path: String) { self.path = path }

    func handlerAdded(context: ChannelHandlerContext) {
        guard path == "/greet" else { return }
        send(WebSocketFrame(fin: false, opcode: .text, data: ByteBuffer(string: "ab")), context)
        send(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer(string: "ping!")), context)
        send(
            WebSocketFrame(fin: true, opcode: .continuation, data: ByteBuffer(string: "c€")),
            context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        let payload = frame.unmaskedData
        switch frame.opcode {
        case .pong where path == "/greet":
            var close = ByteBuffer(
                integer: UInt16(payload == ByteBuffer(string: "ping!") ? 4001 : 4002))
            close.writeString("bye")
            send(WebSocketFrame(fin: true, opcode: .connectionClose, data: close), context)
        case .connectionClose:
            if path != "/greet" {
                send(WebSocketFrame(fin: true, opcode: .connectionClose, data: payload), context)
            }
            context.close(promise: nil)
        case .ping: send(WebSocketFrame(fin: true, opcode: .pong, data: payload), context)
        case .text, .binary, .continuation:
            // A frame without a mask would be a client's error.
            let isMasked = frame.maskKey != nil
            let opcode = isMasked ? frame.opcode : .connectionClose
            send(WebSocketFrame(fin: frame.fin, opcode: opcode, data: payload), context)
        default: break
        }
    }

    private func send(_ frame: WebSocketFrame, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }
}
