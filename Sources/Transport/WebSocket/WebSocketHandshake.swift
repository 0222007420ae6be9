import COpenSSL
import Encoding
import Posix

/// The opening handshake of a client: the request's bytes, and what the server answered.
///
/// Source: RFC 6455, section 4; only HTTP/1.1, no extension, no subprotocol.
struct WebSocketHandshake {
    /// A longer answer is refused: no server has so much to say.
    static let maximumHeader = 16 << 10

    /// 24 unpredictable characters of base64.
    let key: String

    init() {
        var generator = SystemRandomNumberGenerator()
        let random = (0..<16).map { _ in UInt8.random(in: 0 ... .max, using: &generator) }
        key = Base64.text(random)
    }

    /// The request.
    ///
    /// - Parameters:
    ///   - authority: host, and port where it is not the scheme's.
    ///   - target: path and query, as sent.
    func request(authority: String, target: String, headers: [(String, String)]) -> String {
        var text = "GET \(target) HTTP/1.1\r\nHost: \(authority)\r\n"
        text += "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \(key)\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return text + "\r\n"
    }

    /// Judges the header block of the answer, without the empty line at its end.
    func judge(_ header: [UInt8]) throws(WebSocketRefusal) {
        guard let response = HTTPHead(header) else {
            throw WebSocketRefusal(status: 0, reason: "the answer is not HTTP/1.1")
        }
        guard response.status == 101 else {
            throw WebSocketRefusal(
                status: response.status, reason: "HTTP \(response.status)",
                retryAfter: response["retry-after"].flatMap { UInt32($0) }.map { Double($0) })
        }
        func refuse(_ reason: String) -> WebSocketRefusal {
            WebSocketRefusal(status: 0, reason: "status 101 with \(reason)")
        }
        guard response.version == "HTTP/1.1" else { throw refuse("\(response.version)") }
        guard response.has("websocket", in: "upgrade") else {
            throw refuse("no Upgrade: websocket")
        }
        guard response.has("upgrade", in: "connection") else {
            throw refuse("no Connection: Upgrade")
        }
        guard response.values("sec-websocket-accept") == [Self.accept(key)] else {
            throw refuse("a wrong Sec-WebSocket-Accept")
        }
        guard response["sec-websocket-extensions"] == nil else {
            throw refuse("an extension that was not offered")
        }
        guard response["sec-websocket-protocol"] == nil else {
            throw refuse("a subprotocol that was not offered")
        }
    }

    /// What the server has to make of the key.
    static func accept(_ key: String) -> String {
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        _ = SHA1(text, text.count, &digest)
        return Base64.text(digest)
    }
}

/// Why a WebSocket did not open.
public struct WebSocketRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// The HTTP status; 0 when the answer was none, or broke RFC 6455.
    public let status: Int
    /// What the server said.
    public var reason: String
    /// Seconds that it wants to be left alone.
    public var retryAfter: Double?

    /// Why, with the status.
    public var description: String { "the WebSocket was refused: \(reason)" }
}
