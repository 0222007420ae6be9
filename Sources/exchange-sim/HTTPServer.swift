import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves HTTP/1.1 on 127.0.0.1 from one event loop; every request goes to one function.
final class HTTPServer: Sendable {
    /// What a request is answered with, now or later.
    typealias Handler = @Sendable (HTTPRequestHead, any EventLoop) -> EventLoopFuture<Reply>

    private let channel: any Channel

    /// Listens.
    ///
    /// - Parameter port: 0 takes a free one.
    init(port: Int, group: MultiThreadedEventLoopGroup, handler: @escaping Handler) throws {
        channel = try ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Responder(handler))
                }
            }
            .bind(host: "127.0.0.1", port: port).wait()
    }

    /// The port that it listens on.
    var port: Int { channel.localAddress?.port ?? 0 }
}

/// Answers the requests of one connection, one after another.
private final class Responder: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let handler: HTTPServer.Handler
    private var head: HTTPRequestHead?

    init(_ handler: @escaping HTTPServer.Handler) { self.handler = handler }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let received): head = received
        case .body: break
        case .end:
            guard let head else { return }
            let isKept = head.isKeepAlive
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            handler(head, context.eventLoop).hop(to: context.eventLoop).whenSuccess { reply in
                let (responder, context) = bound.value
                guard reply.delay > 0 else { return responder.send(reply, isKept, context) }
                context.eventLoop.scheduleTask(in: .milliseconds(Int64(reply.delay * 1000))) {
                    let (responder, context) = bound.value
                    responder.send(reply, isKept, context)
                }
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func send(_ reply: Reply, _ isKept: Bool, _ context: ChannelHandlerContext) {
        var headers = HTTPHeaders([
            ("Content-Type", reply.contentType), ("Content-Length", "\(reply.body.count)"),
        ])
        for (name, value) in reply.headers { headers.add(name: name, value: value) }
        let closes = !isKept || reply.closesAfter != nil
        if closes { headers.add(name: "Connection", value: "close") }
        let status = HTTPResponseStatus(statusCode: reply.status)
        context.write(
            wrapOutboundOut(
                .head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
            promise: nil)
        let body = context.channel.allocator.buffer(
            bytes: reply.body.prefix(reply.closesAfter ?? .max))
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        if reply.closesAfter != nil {
            context.flush()
            context.close(promise: nil)
        } else {
            let channel = context.channel
            context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
                if closes { channel.close(promise: nil) }
            }
        }
    }
}
