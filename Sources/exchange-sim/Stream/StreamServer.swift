import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// Listens for WebSocket clients on 127.0.0.1 and hands them to the hub.
final class StreamServer: Sendable {
    private let channel: any Channel

    /// Listens; clients run on the hub's own loop.
    ///
    /// - Parameter port: 0 takes a free one.
    init(port: Int, _ hub: StreamHub) throws {
        channel = try ServerBootstrap(group: hub.loop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.prepare(channel, hub) }
            }
            .bind(host: "127.0.0.1", port: port).wait()
    }

    /// The port that it listens on.
    var port: Int { channel.localAddress?.port ?? 0 }

    private static func prepare(_ channel: any Channel, _ hub: StreamHub) throws {
        let refusal = Refusal()
        let bound = NIOLoopBound(refusal, eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: 1 << 20,
            shouldUpgrade: { channel, head in
                let handshake = Handshake(head, hub.options)
                if case .refused(let status, let text) = handshake {
                    bound.value.reply = (status, text)
                    return channel.eventLoop.makeSucceededFuture(nil)
                }
                return channel.eventLoop.makeSucceededFuture([:])
            },
            upgradePipelineHandler: { channel, head in
                guard case .accepted(let streams) = Handshake(head, hub.options) else {
                    return channel.close()
                }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    pipeline.removeHandler(bound.value, promise: nil)
                    try pipeline.addHandler(StreamConnection(hub, streams))
                }
            })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
        try channel.pipeline.syncOperations.addHandler(refusal)
    }
}

/// Answers requests that do not become a WebSocket, and closes.
private final class Refusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    var reply = (status: 400, text: "Not a WebSocket handshake")

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let headers = HTTPHeaders([
            ("Content-Type", "text/plain"), ("Content-Length", "\(reply.text.utf8.count)"),
            ("Connection", "close"),
        ])
        let status = HTTPResponseStatus(statusCode: reply.status)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(
            wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: reply.text)))), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The upgrade handler's refusal comes here too; the request itself follows.
        if error is HTTPServerUpgradeErrors || error is NIOWebSocketUpgradeError { return }
        context.close(promise: nil)
    }
}
