import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Posix
import ServerTLS

/// Listens for WebSocket clients on 127.0.0.1 and hands them to the hub.
final class StreamServer: Sendable {
    private let channel: any Channel

    /// Frames of a client over this are refused; its requests are far shorter.
    private static let longestFrame = 1 << 20

    /// Listens; clients run on the hub's own loop.
    ///
    /// - Parameters:
    ///   - port: 0 takes a free one.
    ///   - tls: nil for plain TCP.
    init(port: Int, _ hub: StreamHub, tls: TLSContext? = nil) throws {
        // A flood needs more on the way than the default of 64 KiB; culling needs it small.
        let mark = hub.options.flood > 0 ? 1 << 20 : 64 << 10
        channel = try ServerBootstrap(group: hub.loop)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: mark / 2, high: mark))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            TLSServerHandler(context: tls))
                    }
                    try Self.prepare(channel, hub)
                }
            }
            .bind(host: "127.0.0.1", port: port).wait()
    }

    /// The port that it listens on.
    var port: Int { channel.localAddress?.port ?? 0 }

    private static func prepare(_ channel: any Channel, _ hub: StreamHub) throws {
        let refusal = NIOLoopBound(Refusal(), eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: longestFrame, automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                let address = channel.remoteAddress?.ipAddress ?? ""
                if let (status, text) = hub.judge(head, from: address) {
                    refusal.value.reply = (status, text)
                    return channel.eventLoop.makeSucceededFuture(nil)
                }
                return channel.eventLoop.makeSucceededFuture([:])
            },
            upgradePipelineHandler: { channel, head in
                guard case .accepted(let streams, let shape) = Handshake(head, hub.options)
                else { return channel.close() }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    pipeline.removeHandler(refusal.value, promise: nil)
                    try pipeline.addHandler(
                        StreamConnection(hub, streams, shape))
                }
            })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
        try channel.pipeline.syncOperations.addHandler(refusal.value)
    }
}

/// Answers requests that do not become a WebSocket, and closes.
private final class Refusal: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    var reply = (status: 400, text: "Not a WebSocket handshake")

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        var headers = HTTPHeaders([
            ("Content-Type", "text/plain"), ("Content-Length", "\(reply.text.utf8.count)"),
            ("Connection", "close"),
        ])
        if reply.status == 429 || reply.status == 503 {
            headers.add(name: "Retry-After", value: "1")
        }
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
