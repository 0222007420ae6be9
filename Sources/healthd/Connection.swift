import NIOCore
import NIOHTTP1

/// Router the requests of one connection, one after another, and ends it when the other side
/// takes too long: over a request, over reading an answer, or between two requests.
final class Connection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Time between two requests.
    private static let idleTime = TimeAmount.seconds(75)
    /// Requests have no body that matters; this many bytes of one are read over.
    private static let maximumBody = 64 << 10

    private let router: Router
    private let connections: ConnectionLimit
    private let subscribers: EventSubscribers
    private let isMetrics: Bool
    /// Time for a whole request from its first byte, or from the opening of the connection; and for
    /// a client to read an answer.
    private let requestTime: TimeAmount
    private var head: HTTPRequestHead?
    private var body = 0
    /// In the connections.
    private var number = 0
    private var deadline: Scheduled<Void>?

    init(
        _ router: Router, _ connections: ConnectionLimit, _ subscribers: EventSubscribers,
        isMetrics: Bool,
        requestTime: TimeAmount
    ) {
        self.router = router
        self.connections = connections
        self.subscribers = subscribers
        self.isMetrics = isMetrics
        self.requestTime = requestTime
    }

    func channelActive(context: ChannelHandlerContext) {
        number = connections.add(context.channel)
        expect(requestTime, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        connections.remove(number)
        subscribers.remove(number)
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let received):
            head = received
            body = 0
            expect(requestTime, context)
        case .body(let bytes):
            body += bytes.readableBytes
            if body > Self.maximumBody { context.close(promise: nil) }
        case .end:
            guard let head else { return }
            self.head = nil
            let answer = router.respond(to: request(head))
            if answer.isLive, head.method != .HEAD {
                follow(answer, head, context)
            } else {
                send(answer, to: head, context)
            }
        }
    }

    /// Bytes that are not HTTP were answered with 400 by the handler before this one.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: - Time

    private func expect(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    // MARK: - Router

    private func request(_ head: HTTPRequestHead) -> Request {
        let path = head.uri.prefix { $0 != "?" && $0 != "#" }
        return Request(
            method: head.method.rawValue, path: String(path),
            accept: head.headers["Accept"].joined(separator: ","),
            authorization: head.headers.first(name: "Authorization") ?? "",
            hosts: head.headers["Host"], isMetricsPort: isMetrics)
    }

    private func headers(_ answer: Response) -> HTTPHeaders {
        var headers = HTTPHeaders([
            ("Content-Type", answer.contentType), ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ])
        for (name, value) in answer.headers { headers.add(name: name, value: value) }
        return headers
    }

    /// Begins an answer that has no end: the connection hears of every change from now on.
    private func follow(
        _ answer: Response, _ head: HTTPRequestHead, _ context: ChannelHandlerContext
    ) {
        guard subscribers.add(context.channel, number: number) else {
            return send(.error(503, "too many pages are open"), to: head, context)
        }
        deadline?.cancel()
        let response = HTTPResponseHead(
            version: head.version, status: .ok, headers: headers(answer))
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
    }

    private func send(
        _ answer: Response, to head: HTTPRequestHead, _ context: ChannelHandlerContext
    ) {
        var headers = headers(answer)
        headers.add(name: "Content-Length", value: "\(answer.body.readableBytes)")
        if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
        let response = HTTPResponseHead(
            version: head.version, status: HTTPResponseStatus(statusCode: answer.status),
            headers: headers)
        context.write(wrapOutboundOut(.head(response)), promise: nil)
        if head.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
        }
        expect(requestTime, context)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let isKept = head.isKeepAlive
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { result in
            let (connection, context) = bound.value
            guard isKept, case .success = result else { return context.close(promise: nil) }
            connection.expect(Self.idleTime, context)
        }
    }
}
