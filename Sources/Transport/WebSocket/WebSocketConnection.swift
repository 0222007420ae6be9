import CCurl
import Glibc
import Posix

/// A connection with a WebSocket on it. curl opens it, so that proxies, the certificate's check,
/// server names and the race of IPv6 with IPv4 are as in every other tool; the frames are ours.
///
/// Nothing here waits: the owner polls ``descriptor`` and calls ``open()``, ``read()`` and
/// ``flush()``.
public struct WebSocketConnection: ~Copyable {
    /// How far it is.
    public enum Phase: Sendable {
        /// Address, TCP, TLS; there is no descriptor to poll yet, so ask every few milliseconds.
        case connecting
        /// The request is on its way, or its answer.
        case shaking
        /// Messages may come.
        case open
    }

    /// How far it is.
    public private(set) var phase = Phase.connecting
    /// What to poll for reading; −1 while connecting.
    public private(set) var descriptor: Int32 = -1
    /// Its frames.
    public var socket: WebSocket

    private let multi: UnsafeMutableRawPointer
    private let handle: UnsafeMutableRawPointer
    private let url: URLParts
    private let shake = WebSocketHandshake()
    private let deadline: Int64
    private var answer = Bytes(capacity: 4096)

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - url: `ws://` or `wss://`, with path and query as they are to be sent.
    ///   - headers: of the opening request.
    ///   - authorities: a file of certificate authorities instead of the system's.
    ///   - timeout: seconds until the WebSocket has to be open.
    ///   - maximumMessage: bytes; a longer message ends the connection.
    public init(
        url text: String, headers: [(String, String)], authorities: String? = nil,
        timeout: Double = 10, maximumMessage: Int = 1 << 20
    ) throws(WebSocketFailure) {
        guard let url = URLParts(text),
            headers.allSatisfy({ !($0.0 + $0.1).contains(where: \.isNewline) })
        else {
            throw .transport(
                TransportError(kind: .badRequest, url: text, reason: "not a ws:// or wss:// URL"))
        }
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK,
            let multi = curl_multi_init()
        else {
            throw .transport(TransportError(kind: .library, url: text, reason: "no memory"))
        }
        guard let handle = curl_easy_init() else {
            curl_multi_cleanup(multi)
            throw .transport(TransportError(kind: .library, url: text, reason: "no memory"))
        }
        ccurl_setopt_string(handle, CURLOPT_URL, url.base)
        ccurl_setopt_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_setopt_long(handle, CURLOPT_CONNECT_ONLY, 1)
        ccurl_setopt_long(handle, CURLOPT_NOSIGNAL, 1)
        ccurl_setopt_long(handle, CURLOPT_TCP_KEEPALIVE, 1)
        ccurl_setopt_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        ccurl_setopt_long(handle, CURLOPT_CONNECTTIMEOUT_MS, Int(timeout * 1000))
        // A proxy for http:// would get a plain GET; a WebSocket needs a tunnel.
        ccurl_setopt_long(handle, CURLOPT_HTTPPROXYTUNNEL, 1)
        if let authorities { ccurl_setopt_string(handle, CURLOPT_CAINFO, authorities) }
        curl_multi_add_handle(multi, handle)
        self.multi = multi
        self.handle = handle
        self.url = url
        deadline = Clock.monotonicNanoseconds() + Int64(timeout * 1e9)
        socket = WebSocket(maximumMessage: maximumMessage)
        answer.append(
            utf8: shake.request(authority: url.authority, target: url.target, headers: headers))
    }

    deinit {
        curl_multi_remove_handle(multi, handle)
        curl_easy_cleanup(handle)
        curl_multi_cleanup(multi)
    }

    // MARK: - Opening

    /// Goes on with opening, as far as that is possible without waiting.
    ///
    /// - Throws: why it will not open.
    public mutating func open() throws(WebSocketFailure) {
        if phase == .connecting { try connect() }
        if phase == .shaking { try readAnswer() }
        if phase != .open && Clock.monotonicNanoseconds() > deadline {
            throw failure(.timeout, "no WebSocket in time")
        }
    }

    private mutating func connect() throws(WebSocketFailure) {
        var running: Int32 = 0
        guard curl_multi_perform(multi, &running) == CURLM_OK else {
            throw failure(.library, "libcurl could not go on")
        }
        var left: Int32 = 0
        guard let message = curl_multi_info_read(multi, &left) else { return }
        let code = ccurl_message_result(message)
        guard code == CURLE_OK else {
            throw failure(Transfer.kind(of: code), String(cString: curl_easy_strerror(code)))
        }
        var number: curl_socket_t = -1
        ccurl_getinfo_socket(handle, &number)
        guard number >= 0 else { throw failure(.library, "libcurl has no socket") }
        descriptor = number
        var on: Int32 = 1
        setsockopt(
            number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        // A new connection takes a request of this size whole.
        guard try send(answer.span) == answer.count else {
            throw failure(.broken, "the opening request could not be sent")
        }
        answer.removeAll()
        phase = .shaking
    }

    private mutating func readAnswer() throws(WebSocketFailure) {
        var room = [UInt8](repeating: 0, count: 4096)
        while let count = try receive(&room) {
            guard count > 0 else { throw refusal(ofEnded: true) }
            answer.append(room.span.bytes.extracting(first: count))
            if let end = Self.headerEnd(in: answer) {
                try judge(end, hasMore: true)
                if phase == .open { return }
            } else if answer.count > WebSocketHandshake.maximumHeader {
                throw .refused(
                    WebSocketRefusal(status: 0, reason: "the answer's header does not end"))
            }
        }
    }

    private mutating func judge(_ end: Int, hasMore: Bool) throws(WebSocketFailure) {
        let header = Array(answer.array[..<end])
        let rest = Array(answer.array[(end + 4)...])
        do throws(WebSocketRefusal) { try shake.judge(header) } catch {
            guard error.status > 0 else { throw .refused(error) }
            // The reason stands in the body; a short one is worth waiting for.
            let length = HTTPHead(header)["content-length"].flatMap { Int($0) } ?? 0
            if hasMore && rest.count < min(length, 1024) { return }
            var error = error
            let words = String(decoding: rest.prefix(300), as: UTF8.self)
            if !words.isEmpty { error.reason += ": \(words)" }
            throw .refused(error)
        }
        socket.receive(rest.span.bytes)
        answer.removeAll()
        phase = .open
    }

    private mutating func refusal(ofEnded: Bool) -> WebSocketFailure {
        if let end = Self.headerEnd(in: answer) {
            do throws(WebSocketFailure) { try judge(end, hasMore: false) } catch { return error }
        }
        return failure(.broken, "the server closed the connection while it was opening")
    }

    private static func headerEnd(in bytes: borrowing Bytes) -> Int? {
        let span = bytes.span
        var index = 0
        while index + 4 <= span.byteCount {
            // "\r\n\r\n" as the machine loads it.
            if span.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self) == 0x0A0D_0A0D {
                return index
            }
            index += 1
        }
        return nil
    }

    // MARK: - Bytes

    /// Bytes after which ``read()`` returns though more may be there.
    public static let readLimit = 1 << 20

    /// Reads what is there, up to ``readLimit``, into the WebSocket.
    ///
    /// - Returns: bytes; 0 when nothing was there.
    /// - Throws: `.ended` when the other side is gone.
    public mutating func read() throws(WebSocketFailure) -> Int {
        var total = 0
        while total < Self.readLimit {
            let (handle, descriptor, isTLS) = (handle, descriptor, url.isTLS)
            var outcome = Received.nothing
            var asked = 0
            socket.receive(room: 64 << 10) { room in
                asked = room.count
                outcome = Self.receive(room, handle, descriptor, isTLS)
                if case .bytes(let count) = outcome { return count }
                return 0
            }
            switch outcome {
            case .nothing: return total
            case .ended:
                if total > 0 { return total }
                throw .ended
            case .failed(let reason):
                if total > 0 { return total }
                throw failure(.broken, reason)
            case .bytes(let count):
                total += count
                // A plain socket that gave less than it could is empty.
                if !isTLS && count < asked { return total }
            }
        }
        return total
    }

    /// Sends what the WebSocket has to send.
    ///
    /// - Returns: false when the connection takes no more now: poll for writing.
    public mutating func flush() throws(WebSocketFailure) -> Bool {
        while socket.outgoing.byteCount > 0 {
            let count = try send(socket.outgoing)
            if count == 0 { return false }
            socket.sent(count)
        }
        return true
    }

    private enum Received {
        case bytes(Int)
        case nothing
        case ended
        case failed(String)
    }

    private static func receive(
        _ room: UnsafeMutableRawBufferPointer, _ handle: UnsafeMutableRawPointer,
        _ descriptor: Int32, _ isTLS: Bool
    ) -> Received {
        if !isTLS {
            while true {
                let count = recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
                if count > 0 { return .bytes(count) }
                if count == 0 { return .ended }
                if errno == EAGAIN { return .nothing }
                if errno != EINTR { return .failed(String(cString: strerror(errno))) }
            }
        }
        var count = 0
        let code = curl_easy_recv(handle, room.baseAddress, room.count, &count)
        switch code {
        case CURLE_OK: return count > 0 ? .bytes(count) : .ended
        case CURLE_AGAIN: return .nothing
        default: return .failed(String(cString: curl_easy_strerror(code)))
        }
    }

    /// - Returns: nil when nothing is there, 0 at the end.
    private func receive(_ room: inout [UInt8]) throws(WebSocketFailure) -> Int? {
        let outcome = room.withUnsafeMutableBytes {
            Self.receive($0, handle, descriptor, url.isTLS)
        }
        switch outcome {
        case .bytes(let count): return count
        case .nothing: return nil
        case .ended: return 0
        case .failed(let reason): throw failure(.broken, reason)
        }
    }

    private func send(_ bytes: RawSpan) throws(WebSocketFailure) -> Int {
        var count = 0
        let code = bytes.withUnsafeBytes {
            curl_easy_send(handle, $0.baseAddress, $0.count, &count)
        }
        switch code {
        case CURLE_OK: return count
        case CURLE_AGAIN: return 0
        default: throw failure(.broken, String(cString: curl_easy_strerror(code)))
        }
    }

    private func failure(_ kind: TransportError.Kind, _ reason: String) -> WebSocketFailure {
        .transport(TransportError(kind: kind, url: url.base, reason: reason))
    }
}

/// Why a WebSocket does not open or does not go on.
public enum WebSocketFailure: Error, Sendable, CustomStringConvertible {
    /// Network or TLS.
    case transport(TransportError)
    /// The server does not want to open it.
    case refused(WebSocketRefusal)
    /// The server broke RFC 6455.
    case broken(WebSocketError)
    /// The connection ended without a close frame.
    case ended

    /// What happened.
    public var description: String {
        switch self {
        case .transport(let error): "\(error)"
        case .refused(let refusal): "\(refusal)"
        case .broken(let error): "\(error)"
        case .ended: "the connection ended without a close frame"
        }
    }
}

/// The parts of a `ws://` or `wss://` URL.
struct URLParts {
    let isTLS: Bool
    /// Host and port, as the `Host` header has them.
    let authority: String
    /// Path and query.
    let target: String

    init?(_ url: String) {
        let lower = url.lowercased()
        guard lower.hasPrefix("ws://") || lower.hasPrefix("wss://") else { return nil }
        isTLS = lower.hasPrefix("wss://")
        let rest = url.dropFirst(isTLS ? 6 : 5)
        authority = String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
        let path = rest.dropFirst(authority.count)
        target = path.hasPrefix("/") ? String(path) : "/" + path
        guard !authority.isEmpty, !authority.contains("@"),
            target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") })
        else { return nil }
    }

    /// For curl: where to connect to.
    var base: String { "\(isTLS ? "https" : "http")://\(authority)/" }
}
