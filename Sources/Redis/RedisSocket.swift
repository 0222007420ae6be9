import COpenSSL
import Glibc
import Posix

/// A connected socket that never waits longer than it is told, with TLS where that is asked for.
final class RedisSocket {
    private let descriptor: Descriptor
    private var session: OpaquePointer?
    /// Which event the last call waited for: POLLIN or POLLOUT.
    private var wanted = Int16(POLLIN)

    /// Connects.
    ///
    /// - Parameters:
    ///   - deadline: monotonic ns; the resolver of the system may take longer.
    ///   - authorities: a PEM file of whom to trust instead of the system's; nil for those.
    init(
        _ endpoint: RedisAddress.Endpoint, authorities: String?, by deadline: Int64
    ) throws(RedisFailure) {
        switch endpoint {
        case .unix(let path):
            descriptor = try Self.connect(unix: path, by: deadline)
        case .tcp(let host, let port, let isSecure):
            descriptor = try Self.connect(host, port, by: deadline)
            if isSecure { try handshake(host, authorities, by: deadline) }
        }
    }

    deinit {
        if let session { SSL_free(session) }
    }

    // MARK: - Bytes

    /// Writes what it can now.
    ///
    /// - Returns: how many bytes; 0 when it would have to wait.
    func write(_ bytes: UnsafeRawBufferPointer) throws(RedisFailure) -> Int {
        if let session {
            let count = SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count))
            if count > 0 { return Int(count) }
            try noteTLS(count)
            return 0
        }
        let count = send(descriptor.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        if count >= 0 { return count }
        guard errno == EAGAIN || errno == EINTR else { throw Self.lost() }
        wanted = Int16(POLLOUT)
        return 0
    }

    /// Reads what there is.
    ///
    /// - Returns: how many bytes; 0 when it would have to wait.
    func read(_ room: UnsafeMutableRawBufferPointer) throws(RedisFailure) -> Int {
        if let session {
            let count = SSL_read(session, room.baseAddress, Int32(clamping: room.count))
            if count > 0 { return Int(count) }
            try noteTLS(count)
            return 0
        }
        let count = recv(descriptor.raw, room.baseAddress, room.count, 0)
        if count > 0 { return count }
        if count == 0 { throw RedisFailure(.unreachable, "it closed the connection") }
        guard errno == EAGAIN || errno == EINTR else { throw Self.lost() }
        wanted = Int16(POLLIN)
        return 0
    }

    /// Waits until what the last call wanted may go on.
    func wait(by deadline: Int64) throws(RedisFailure) {
        try Self.wait(descriptor.raw, wanted, by: deadline)
    }

    private static func wait(_ raw: Int32, _ events: Int16, by deadline: Int64) throws(RedisFailure)
    {
        while true {
            let left = (deadline - Clock.monotonicNanoseconds()) / 1_000_000
            guard left >= 0 else { throw RedisFailure(.slow, "it did not answer in time") }
            var watched = pollfd(fd: raw, events: events, revents: 0)
            let ready = poll(&watched, 1, Int32(clamping: left + 1))
            if ready > 0 { return }
            if ready < 0, errno != EINTR { throw lost() }
        }
    }

    private static func lost(_ code: Int32 = errno) -> RedisFailure {
        RedisFailure(.unreachable, String(cString: strerror(code)))
    }

    // MARK: - Connecting

    private static func connect(unix path: String, by deadline: Int64) throws(RedisFailure)
        -> Descriptor
    {
        let socket = try open(AF_UNIX)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { room in
            room.copyBytes(from: path.utf8.prefix(room.count - 1))
        }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw lost() }
        return socket
    }

    private static func connect(
        _ host: String, _ port: UInt16, by deadline: Int64
    ) throws(RedisFailure) -> Descriptor {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0, let first = list else {
            throw RedisFailure(.unreachable, "\(host): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(first) }
        var failure = RedisFailure(.unreachable, "\(host) has no address")
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            do throws(RedisFailure) {
                let socket = try open(entry.pointee.ai_family)
                if Glibc.connect(socket.raw, entry.pointee.ai_addr, entry.pointee.ai_addrlen) != 0 {
                    guard errno == EINPROGRESS else { throw lost() }
                    try wait(socket.raw, Int16(POLLOUT), by: deadline)
                    var code: Int32 = 0
                    var length = socklen_t(MemoryLayout<Int32>.size)
                    getsockopt(socket.raw, SOL_SOCKET, SO_ERROR, &code, &length)
                    guard code == 0 else { throw lost(code) }
                }
                var on: Int32 = 1
                let size = socklen_t(MemoryLayout<Int32>.size)
                setsockopt(socket.raw, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
                setsockopt(socket.raw, SOL_SOCKET, SO_KEEPALIVE, &on, size)
                return socket
            } catch { failure = error }
        }
        throw failure
    }

    private static func open(_ family: Int32) throws(RedisFailure) -> Descriptor {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let raw = socket(family, kind, 0)
        guard raw >= 0 else { throw lost() }
        return Descriptor(adopting: raw, name: "the Redis server")
    }

    // MARK: - TLS

    private func handshake(
        _ host: String, _ authorities: String?, by deadline: Int64
    ) throws(RedisFailure) {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw Self.tlsFailure() }
        // The session keeps it.
        defer { SSL_CTX_free(context) }
        copenssl_set_minimum_version(context, TLS1_2_VERSION)
        copenssl_set_mode(
            context, Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE))
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        let hasTrust =
            authorities.map { SSL_CTX_load_verify_file(context, $0) == 1 }
            ?? (SSL_CTX_set_default_verify_paths(context) == 1)
        guard hasTrust, let session = SSL_new(context) else { throw Self.tlsFailure() }
        self.session = session
        var address = in6_addr()
        let isNumeric =
            inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
        if isNumeric {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host)
        } else {
            SSL_set1_host(session, host)
            copenssl_set_server_name(session, host)
        }
        SSL_set_fd(session, descriptor.raw)
        SSL_set_connect_state(session)
        while true {
            let result = SSL_do_handshake(session)
            if result == 1 { return }
            try noteTLS(result)
            try wait(by: deadline)
        }
    }

    /// Notes what a call of the session waits for.
    private func noteTLS(_ result: Int32) throws(RedisFailure) {
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ: wanted = Int16(POLLIN)
        case SSL_ERROR_WANT_WRITE: wanted = Int16(POLLOUT)
        case SSL_ERROR_ZERO_RETURN: throw RedisFailure(.unreachable, "it closed the connection")
        case SSL_ERROR_SYSCALL: throw RedisFailure(.unreachable, "the connection was lost")
        default: throw Self.tlsFailure(session)
        }
    }

    private static func tlsFailure(_ session: OpaquePointer? = nil) -> RedisFailure {
        if let session, SSL_get_verify_result(session) != Int(X509_V_OK) {
            let reason = X509_verify_cert_error_string(SSL_get_verify_result(session))
            return RedisFailure(
                .tls, "its certificate is not trusted: \(reason.map { String(cString: $0) } ?? "")")
        }
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(ERR_get_error(), &text, text.count)
        ERR_clear_error()
        let words = String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return RedisFailure(.tls, "TLS: \(words)")
    }
}
