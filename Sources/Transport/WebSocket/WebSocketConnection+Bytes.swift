import CCurl
import COpenSSL
import Glibc
import Posix

extension WebSocketConnection {
    /// Bytes that one ``read()`` takes at least, if they are there: with the messages made of
    /// them they still fit a processor's cache.
    private static var batch: Int { 192 << 10 }
    /// Bytes that TLS reads at once, several records of 16 KiB.
    private static var ahead: Int { 128 << 10 }

    /// Lets TLS read many records with one system call, and send from a buffer that has moved.
    ///
    /// - Parameter context: an `SSL_CTX`.
    static func readFar(_ context: OpaquePointer) {
        SSL_CTX_set_default_read_buffer_len(context, ahead)
        copenssl_set_read_ahead(context, 1)
        // Else the buffer would be given back, and taken anew, whenever it is empty.
        copenssl_clear_mode(context, Int(SSL_MODE_RELEASE_BUFFERS))
        copenssl_set_mode(
            context, Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE))
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
