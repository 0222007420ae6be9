import CCurl
import COpenSSL
import Glibc
import Posix

/// A connected socket, with TLS where the URL asks for it, that curl opens: proxies, the
/// certificate's check, server names and the race of IPv6 with IPv4 are as in every other tool.
///
/// Nothing here waits: the owner polls ``descriptor``.
struct CurlConnection: ~Copyable {
    /// Bytes that TLS gets with one system call, several records of 16 KiB or hundreds of small
    /// ones.
    private static let ahead: Int32 = 128 << 10

    let url: URLParts
    /// What to poll for reading; −1 while connecting.
    private(set) var descriptor: Int32 = -1
    private let multi: UnsafeMutableRawPointer
    private let handle: UnsafeMutableRawPointer
    private let authorities: String?
    /// The session and the buffer between it and the socket; see ``readAhead()``.
    private var buffered: (tls: OpaquePointer, buffer: OpaquePointer)?

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - url: `ws://`, `wss://` or their HTTP counterparts.
    ///   - authorities: a file of certificate authorities instead of the system's.
    ///   - timeout: seconds until the connection has to be there.
    init(url text: String, authorities: String?, timeout: Double) throws(TransportError) {
        guard let url = URLParts(text) else {
            throw TransportError(kind: .badRequest, url: text, reason: "not a ws:// or wss:// URL")
        }
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK,
            let multi = curl_multi_init()
        else { throw TransportError(kind: .libcurl, url: text, reason: "out of memory") }
        guard let handle = curl_easy_init() else {
            curl_multi_cleanup(multi)
            throw TransportError(kind: .libcurl, url: text, reason: "out of memory")
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
            throw error
        }
        ccurl_setopt_tls_function(handle) { _, context, _ in
            if let context { CurlConnection.allowMoving(OpaquePointer(context)) }
            return CURLE_OK
        }
        curl_multi_add_handle(multi, handle)
        self.url = url
        self.multi = multi
        self.handle = handle
        self.authorities = authorities
    }

    deinit {
        curl_multi_remove_handle(multi, handle)
        curl_easy_cleanup(handle)
        curl_multi_cleanup(multi)
    }

    /// Lets TLS send from a buffer that has moved since the last attempt.
    ///
    /// - Parameter context: an `SSL_CTX`.
    private static func allowMoving(_ context: OpaquePointer) {
        copenssl_set_mode(
            context, Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE))
    }

    // MARK: - Connecting

    /// Goes on with connecting, as far as that is possible without waiting.
    ///
    /// - Returns: true when the connection is there.
    mutating func connect() throws(TransportError) -> Bool {
        var running: Int32 = 0
        guard curl_multi_perform(multi, &running) == CURLM_OK else {
            throw error(.libcurl, "libcurl failed")
        }
        var left: Int32 = 0
        guard let message = curl_multi_info_read(multi, &left) else { return false }
        let code = ccurl_message_result(message)
        guard code == CURLE_OK else {
            if let refusal = Route.refusal(of: handle) { throw error(refusal.kind, refusal.reason) }
            throw error(
                Transfer.kind(of: code), Transfer.reason(of: code, authorities: authorities))
        }
        var number: curl_socket_t = -1
        ccurl_getinfo_socket(handle, &number)
        guard number >= 0 else { throw error(.libcurl, "libcurl has no socket") }
        descriptor = number
        var on: Int32 = 1
        setsockopt(
            number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return true
    }

    /// True when TLS reads from a buffer.
    var readsAhead: Bool { buffered != nil }

    /// Puts a buffer between TLS and the socket, so that it does not need two system calls for
    /// each record. OpenSSL's own read-ahead would move all that is in its buffer for each record,
    /// which costs more than the calls when records are small.
    ///
    /// To be called once something was sent, and before anything is read: of a connection that is only
    /// there curl has no session to give (7.88), of one that was used it has.
    mutating func readAhead() {
        guard url.isTLS, buffered == nil else { return }
        var pointer: UnsafeMutableRawPointer?
        ccurl_getinfo_pointer(handle, CURLINFO_TLS_SSL_PTR, &pointer)
        guard let session = pointer?.assumingMemoryBound(to: curl_tlssessioninfo.self).pointee,
            session.backend == CURLSSLBACKEND_OPENSSL, let internals = session.internals
        else { return }
        let tls = OpaquePointer(internals)
        guard let source = SSL_get_rbio(tls), let buffer = BIO_new(BIO_f_buffer()) else { return }
        copenssl_set_read_buffer_size(buffer, Self.ahead)
        // The session drops its own reference to the source for the one to the buffer.
        BIO_up_ref(source)
        SSL_set0_rbio(tls, BIO_push(buffer, source))
        buffered = (tls, buffer)
    }

    // MARK: - Bytes

    /// What reading gave.
    enum Received {
        case bytes(Int)
        case nothing
        case ended
        case failed(String)
    }

    /// The reading side, for closures that must not touch the connection itself; not to be used after
    /// the connection is gone.
    struct Reader {
        let isTLS: Bool
        fileprivate let handle: UnsafeMutableRawPointer
        fileprivate let descriptor: Int32
        fileprivate let buffered: (tls: OpaquePointer, buffer: OpaquePointer)?

        /// True when nothing that came is left in the buffers of TLS: only polling can tell of more,
        /// and asking the socket would be a system call for nothing.
        var isDrained: Bool {
            guard let buffered else { return false }
            return SSL_pending(buffered.tls) == 0 && BIO_ctrl_pending(buffered.buffer) == 0
        }

        /// Reads what is there, without waiting.
        func receive(into room: UnsafeMutableRawBufferPointer) -> Received {
            if !isTLS {
                while true {
                    let count = recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
                    if count > 0 { return .bytes(count) }
                    if count == 0 { return .ended }
                    if errno == EAGAIN { return .nothing }
                    if errno != EINTR { return .failed(String(cString: strerror(errno))) }
                }
            }
            if let buffered { return Self.receive(from: buffered.tls, into: room) }
            var count = 0
            let code = curl_easy_recv(handle, room.baseAddress, room.count, &count)
            switch code {
            case CURLE_OK: return count > 0 ? .bytes(count) : .ended
            case CURLE_AGAIN: return .nothing
            default: return .failed(String(cString: curl_easy_strerror(code)))
            }
        }

        /// What curl does, without its way there: that looks the connection up and clears the queue of
        /// errors each time, which takes as long as a short message takes to be decrypted.
        private static func receive(
            from tls: OpaquePointer, into room: UnsafeMutableRawBufferPointer
        ) -> Received {
            if ERR_peek_error() != 0 { ERR_clear_error() }
            let count = SSL_read(tls, room.baseAddress, Int32(clamping: room.count))
            if count > 0 { return .bytes(Int(count)) }
            switch SSL_get_error(tls, count) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .nothing
            case SSL_ERROR_ZERO_RETURN: return .ended
            default:
                if count == 0, ERR_peek_error() == 0 { return .ended }
                return .failed(String(cString: curl_easy_strerror(CURLE_RECV_ERROR)))
            }
        }
    }

    var reader: Reader {
        Reader(isTLS: url.isTLS, handle: handle, descriptor: descriptor, buffered: buffered)
    }

    /// Sends as much as goes out without waiting.
    ///
    /// - Returns: bytes; 0 when the connection takes no more now.
    func send(_ bytes: RawSpan) throws(TransportError) -> Int {
        var count = 0
        let code = bytes.withUnsafeBytes {
            curl_easy_send(handle, $0.baseAddress, $0.count, &count)
        }
        switch code {
        case CURLE_OK: return count
        case CURLE_AGAIN: return 0
        default: throw error(.broken, String(cString: curl_easy_strerror(code)))
        }
    }

    /// A failure of this connection.
    func error(_ kind: TransportError.Kind, _ reason: String) -> TransportError {
        TransportError(kind: kind, url: url.base, reason: reason)
    }
}
