import CCurl
import COpenSSL
import Glibc
import Posix

extension WebSocketConnection {
    /// Bytes that one ``read()`` takes at least, if they are there: with the messages made of
    /// them they still fit a processor's cache.
    private static var batch: Int { 192 << 10 }
    /// Bytes that TLS gets with one system call, several records of 16 KiB or hundreds of small
    /// ones.
    private static var ahead: Int32 { 128 << 10 }

    /// Lets TLS send from a buffer that has moved since the last attempt.
    ///
    /// - Parameter context: an `SSL_CTX`.
    static func allowMoving(_ context: OpaquePointer) {
        copenssl_set_mode(
            context, Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE))
    }

    /// Puts a buffer between TLS and the socket, so that it does not need two system calls for
    /// each record. OpenSSL's own read-ahead would move all that is in its buffer for each record,
    /// which costs more than the calls when records are small.
    func readFar() {
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
    }

    /// Reads what is there into the WebSocket, up to about 200 KB: see ``hasMore``.
    ///
    /// - Returns: bytes; 0 when nothing was there.
    /// - Throws: `.ended` when the other side is gone.
    public mutating func read() throws(WebSocketFailure) -> Int {
        var total = 0
        hasMore = false
        while total < Self.batch {
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
        hasMore = true
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

    enum Received {
        case bytes(Int)
        case nothing
        case ended
        case failed(String)
    }

    static func receive(
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

    func send(_ bytes: RawSpan) throws(WebSocketFailure) -> Int {
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

    func failure(_ kind: TransportError.Kind, _ reason: String) -> WebSocketFailure {
        .transport(TransportError(kind: kind, url: url.base, reason: reason))
    }
}
