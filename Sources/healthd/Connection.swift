import Encoding
import NIOCore
import NIOHTTP1
import Posix

/// Answers the requests of one connection, one after another, and ends it when the other side
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
            judge(received, context)
        case .body(let bytes):
            body += bytes.readableBytes
            if body > Self.maximumBody { refuse(413, "requests have no body here", context) }
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

    /// Ends the sending side first: closing at once, with bytes of the client unread, would take the
    /// answer away from it as well (RFC 9112, section 9.6).
    private func hangUp(_ context: ChannelHandlerContext) {
        expect(min(requestTime, .seconds(2)), context)
        context.close(mode: .output, promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: - Time

    private func expect(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    // MARK: - Answers

    /// Answers at once where the head alone shows that there is nothing to wait for.
    private func judge(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if head.method == .CONNECT {
            return refuse(405, "this is not a proxy", context, [("Allow", Router.allowed)])
        }
        guard head.version != .http1_0 else { return }
        let codings = head.headers[canonicalForm: "Transfer-Encoding"].map { $0.lowercased() }
        let expectations = head.headers[canonicalForm: "Expect"].map { $0.lowercased() }
        let length = head.headers.first(name: "Content-Length").flatMap { Int($0) } ?? 0
        if codings.contains(where: { $0 != "chunked" }) {
            refuse(501, "only the chunked transfer coding is supported", context)
        } else if expectations.contains(where: { $0 != "100-continue" }) {
            refuse(417, "only Expect: 100-continue is supported", context)
        } else if length > Self.maximumBody {
            refuse(413, "requests have no body here", context)
        } else if !expectations.isEmpty, length > 0 || !codings.isEmpty {
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
    }

    private func request(_ head: HTTPRequestHead) -> Request {
        let target = RequestTarget(head.uri, isOptions: head.method == .OPTIONS)
        var request = Request(
            method: head.method.rawValue, path: target?.path ?? head.uri,
            accept: head.headers["Accept"].joined(separator: ","),
            acceptEncoding: head.headers["Accept-Encoding"].joined(separator: ","),
            authorization: head.headers.first(name: "Authorization") ?? "",
            hosts: head.headers["Host"].map(\.trimmedFieldValue), isMetricsPort: isMetrics)
        if target == nil {
            request.fault = "the target is not a path or a URL"
        } else if request.hosts.count > 1 {
            request.fault = "there is more than one Host"
        } else if request.hosts.isEmpty, head.version != .http1_0 {
            request.fault = "HTTP/1.1 needs a Host"
        } else if let host = request.hosts.first, !HostCheck.isValid(host) {
            request.fault = "the Host is not a host and a port"
        }
        // A request that came through a proxy, or was meant for one.
        if let host = target?.host {
            request.hosts = [host]
            if !HostCheck.isValid(host) { request.fault = "the target's host is not valid" }
        }
        return request
    }

    /// Answers before the request is whole, and ends the connection: the rest is not read.
    private func refuse(
        _ status: Int, _ reason: String, _ context: ChannelHandlerContext,
        _ headers: [(String, String)] = []
    ) {
        guard var head else { return }
        self.head = nil
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        var answer = Response.error(status, reason)
        for (name, value) in headers { answer.headers[name] = value }
        send(answer, to: head, context)
    }

    private func headers(_ answer: Response) -> HTTPHeaders {
        var headers = HTTPHeaders([
            ("Content-Type", answer.contentType), ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Date", Timestamp.http(seconds: Clock.realtimeNanoseconds() / 1_000_000_000)),
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
        if !head.isKeepAlive {
            headers.add(name: "Connection", value: "close")
        } else if head.version == .http1_0 {
            headers.add(name: "Connection", value: "keep-alive")
        }
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
            guard isKept, case .success = result else { return connection.hangUp(context) }
            connection.expect(Self.idleTime, context)
        }
    }
}
