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
    /// True when bytes may be there that polling does not show, because they are decrypted, or wait
    /// in the buffer of TLS: ``read()`` comes first, then the next poll.
    public internal(set) var hasMore = false
    /// Its frames.
    public var socket: WebSocket

    private let multi: UnsafeMutableRawPointer
    let handle: UnsafeMutableRawPointer
    let url: URLParts
    private let shake = WebSocketHandshake()
    private let deadline: Int64
    private var answer = Bytes(capacity: 4096)
    /// Where the answer's header ends, once it is there.
    private var headerEnd: Int?

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
            throw .transport(TransportError(kind: .libcurl, url: text, reason: "no memory"))
        }
        guard let handle = curl_easy_init() else {
            curl_multi_cleanup(multi)
            throw .transport(TransportError(kind: .libcurl, url: text, reason: "no memory"))
        }
        ccurl_setopt_string(handle, CURLOPT_URL, url.base)
        ccurl_setopt_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_setopt_long(handle, CURLOPT_CONNECT_ONLY, 1)
        ccurl_setopt_long(handle, CURLOPT_NOSIGNAL, 1)
        // Else closing waits for a name server that does not answer.
        ccurl_setopt_quick_exit(handle)
        ccurl_setopt_long(handle, CURLOPT_TCP_KEEPALIVE, 1)
        ccurl_setopt_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        ccurl_setopt_long(handle, CURLOPT_CONNECTTIMEOUT_MS, Int(timeout * 1000))
        // A proxy for http:// would get a plain GET; a WebSocket needs a tunnel.
        ccurl_setopt_long(handle, CURLOPT_HTTPPROXYTUNNEL, 1)
        do throws(TransportError) {
            try Route.set(on: handle, to: text, authorities: authorities)
        } catch {
            curl_easy_cleanup(handle)
            curl_multi_cleanup(multi)
            throw .transport(error)
        }
        ccurl_setopt_tls_function(handle) { _, context, _ in
            if let context { WebSocketConnection.allowMoving(OpaquePointer(context)) }
            return CURLE_OK
        }
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
            try judgeWhatCame()
            throw failure(.timeout, "no WebSocket in time")
        }
    }

    private mutating func connect() throws(WebSocketFailure) {
        var running: Int32 = 0
        guard curl_multi_perform(multi, &running) == CURLM_OK else {
            throw failure(.libcurl, "libcurl could not go on")
        }
        var left: Int32 = 0
        guard let message = curl_multi_info_read(multi, &left) else { return }
        let code = ccurl_message_result(message)
        guard code == CURLE_OK else {
            if let refusal = Route.refusal(of: handle) {
                throw failure(refusal.kind, refusal.reason)
            }
            throw failure(Transfer.kind(of: code), String(cString: curl_easy_strerror(code)))
        }
        var number: curl_socket_t = -1
        ccurl_getinfo_socket(handle, &number)
        guard number >= 0 else { throw failure(.libcurl, "libcurl has no socket") }
        descriptor = number
        var on: Int32 = 1
        setsockopt(
            number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        // A new connection takes a request of this size whole.
        guard try send(answer.span) == answer.count else {
            throw failure(.broken, "the opening request could not be sent")
        }
        answer.removeAll()
        if url.isTLS { readFar() }
        phase = .shaking
    }

    private mutating func readAnswer() throws(WebSocketFailure) {
        while phase == .shaking {
            let (before, handle, descriptor, isTLS) = (answer.count, handle, descriptor, url.isTLS)
            var outcome = Received.nothing
            answer.append(room: 4096) { room in
                outcome = Self.receive(room, handle, descriptor, isTLS)
                if case .bytes(let count) = outcome { return count }
                return 0
            }
            switch outcome {
            case .nothing: return
            case .bytes: break
            case .ended:
                try judgeWhatCame()
                throw failure(.broken, "the server closed the connection while it was opening")
            case .failed(let reason):
                try judgeWhatCame()
                throw failure(.broken, reason)
            }
            if let end = Self.headerEnd(in: answer, from: max(0, before - 3)) { headerEnd = end }
            if let headerEnd {
                try judge(headerEnd, isWhole: false)
            } else if answer.count > WebSocketHandshake.maximumHeader {
                throw .refused(
                    WebSocketRefusal(status: 0, reason: "the answer's header does not end"))
            }
        }
    }

    /// - Parameter isWhole: no more will come.
    private mutating func judge(_ end: Int, isWhole: Bool) throws(WebSocketFailure) {
        let header = answer.span(0..<end).withUnsafeBytes { Array($0) }
        let rest = answer.span((end + 4)..<answer.count).withUnsafeBytes { Array($0) }
        do throws(WebSocketRefusal) { try shake.judge(header) } catch {
            guard error.status > 0 else { throw .refused(error) }
            // The reason is in the body; a short one is worth waiting for.
            let length = HTTPHead(header)?["content-length"].flatMap { Int($0) } ?? 0
            if !isWhole && rest.count < min(length, 1024) { return }
            var error = error
            let words = Self.words(rest.prefix(300))
            if !words.isEmpty { error.reason += ": \(words)" }
            throw .refused(error)
        }
        socket.receive(rest.span.bytes)
        answer.removeAll()
        hasMore = true
        phase = .open
    }

    /// A refusal that came is worth more than the news that no more of it will come.
    private mutating func judgeWhatCame() throws(WebSocketFailure) {
        if let headerEnd { try judge(headerEnd, isWhole: true) }
    }

    /// A body's text, fit for one line of a log.
    private static func words(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map {
            $0.properties.generalCategory == .control ? " " : String($0)
        }
        return text.joined()
    }

    private static func headerEnd(in bytes: borrowing Bytes, from start: Int) -> Int? {
        let span = bytes.span
        var index = start
        while index + 4 <= span.byteCount {
            // "\r\n\r\n" as the machine loads it.
            if span.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self) == 0x0A0D_0A0D {
                return index
            }
            index += 1
        }
        return nil
    }
}
