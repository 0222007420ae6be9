import Encoding
import NIOCore
import NIOHTTP1
import Posix

/// Answers what is not a request of HTTP/1 with the status that says why, and ends the connection:
/// what comes after it cannot be told apart any more.
final class RequestErrors: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// True while an answer is under way, in whose middle another one cannot begin.
    private var isAnswering = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isAnswering = head.status.code >= 200
        case .body: break
        case .end: isAnswering = false
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError, !isAnswering {
            let (status, reason) = Self.meaning(of: error)
            let answer = Response.error(status, reason)
            let head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: status),
                headers: [
                    "Content-Type": answer.contentType, "Connection": "close",
                    "Date": Timestamp.http(seconds: Clock.realtimeNanoseconds() / 1_000_000_000),
                    "Content-Length": "\(answer.body.readableBytes)",
                ])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
        context.fireErrorCaught(error)
    }

    private static func meaning(of error: HTTPParserError) -> (Int, String) {
        switch error {
        case .invalidMethod: (501, "the method is not known here")
        case .invalidVersion: (505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        case .headerOverflow: (431, "the header is too long")
        default: (400, "this is not a request of HTTP/1.1")
        }
    }
}
