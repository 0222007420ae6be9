import CCurl
import Glibc
import Posix

/// One exchange on a curl handle. A class, since curl's callbacks get its address.
final class Transfer {
    let token: Int
    let handle: UnsafeMutableRawPointer
    private let request: HTTPRequest
    private let authorities: String?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var status: [UInt8] = []
    private var headers: [(String, String)] = []
    private var body: [UInt8] = []
    private var isTooLarge = false
    /// What of the request's body is still to be sent, in the file or the array.
    private var position: Int64 = 0
    private var left: Int64 = 0
    private var file: Int32 = -1
    private var fileFailure: String?

    init(
        _ request: HTTPRequest, token: Int, handle: UnsafeMutableRawPointer, authorities: String?
    ) throws(TransportError) {
        self.request = request
        self.token = token
        self.handle = handle
        self.authorities = authorities
        try configureBody()
        let context = Unmanaged.passUnretained(self).toOpaque()
        set(CURLOPT_URL, request.url)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        // A signature covers the path as it is written: curl must not tidy `/../` away.
        set(CURLOPT_PATH_AS_IS, 1)
        try Route.set(
            on: handle, to: request.url, authorities: authorities, usesProxy: request.usesProxy)
        set(CURLOPT_CUSTOMREQUEST, request.method)
        if request.method == "HEAD" { set(CURLOPT_NOBODY, 1) }
        set(CURLOPT_NOSIGNAL, 1)
        // A resolver that does not answer is left behind: else every timeout, and the end of the
        // program, would wait for it.
        ccurl_setopt_quick_exit(handle)
        set(CURLOPT_ACCEPT_ENCODING, "")
        set(CURLOPT_TIMEOUT_MS, Int(request.timeout * 1000))
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(request.connectTimeout * 1000))
        set(CURLOPT_TCP_KEEPALIVE, 1)
        if request.stallTimeout > 0 {
            set(CURLOPT_LOW_SPEED_LIMIT, 1000)
            set(CURLOPT_LOW_SPEED_TIME, max(1, Int(request.stallTimeout)))
        }
        // Large services have many addresses, which change: names are asked for again after a
        // minute, connections are replaced after five.
        set(CURLOPT_DNS_CACHE_TIMEOUT, 60)
        set(CURLOPT_MAXLIFETIME_CONN, 300)
        for (name, value) in request.headers + [("Expect", "")] {
            // A header without value is sent as "Name;"; "Name:" would take a default one away.
            let isDefault = name == "Expect"
            headerList = curl_slist_append(
                headerList, value.isEmpty && !isDefault ? "\(name);" : "\(name): \(value)")
        }
        ccurl_setopt_list(handle, CURLOPT_HTTPHEADER, headerList)
        ccurl_setopt_function(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.from(context).receive(bytes, size * count)
        }
        ccurl_setopt_pointer(handle, CURLOPT_WRITEDATA, context)
        ccurl_setopt_function(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            Transfer.from(context).receiveHeader(bytes, size * count)
        }
        ccurl_setopt_pointer(handle, CURLOPT_HEADERDATA, context)
        ccurl_setopt_function(handle, CURLOPT_READFUNCTION) { bytes, size, count, context in
            Transfer.from(context).supply(bytes, size * count)
        }
        ccurl_setopt_pointer(handle, CURLOPT_READDATA, context)
        ccurl_setopt_seek_function(handle) { context, offset, origin in
            Transfer.from(context).rewind(to: Int64(offset), from: origin)
        }
        ccurl_setopt_pointer(handle, CURLOPT_SEEKDATA, context)
    }

    deinit {
        if file >= 0 { close(file) }
        freeLists()
    }

    func freeLists() {
        curl_slist_free_all(headerList)
        headerList = nil
    }

    private func configureBody() throws(TransportError) {
        switch request.body {
        case .none: return
        case .bytes(let bytes): left = Int64(bytes.count)
        case .buffer(let buffer): left = Int64(buffer.count)
        case .file(let path, let offset, let length):
            file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else {
                throw TransportError(
                    kind: .unreadable, url: shownURL, reason: "\(SystemError("open", path))")
            }
            position = offset
            left = length
        }
        set(CURLOPT_UPLOAD, 1)
        // Fewer, larger writes; curl's own buffer has 64 KiB.
        if left > 64 << 10 { set(CURLOPT_UPLOAD_BUFFERSIZE, 512 << 10) }
        ccurl_setopt_offset(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(left))
    }

    // MARK: - Callbacks

    private static func from(_ context: UnsafeMutableRawPointer?) -> Transfer {
        guard let context else { preconditionFailure("curl lost the context") }
        return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    private func receive(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard body.count + count <= request.maximumResponse else {
            isTooLarge = true
            return 0
        }
        body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
        return count
    }

    private func receiveHeader(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        let line = UnsafeRawBufferPointer(start: bytes, count: count)
        if line.starts(with: "HTTP/".utf8) {
            // A further header block: an interim response came before.
            headers.removeAll()
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")), headers.count < 256 {
            headers.append(
                (Self.trimmed(line[..<colon]), Self.trimmed(line[line.index(after: colon)...])))
        }
        return count
    }

    /// Text without the spaces around it (RFC 9110, section 5.5) and without the line's end.
    private static func trimmed(_ text: Slice<UnsafeRawBufferPointer>) -> String {
        func isSpace(_ byte: UInt8) -> Bool {
            byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
        }
        var rest = text
        while let first = rest.first, isSpace(first) { rest.removeFirst() }
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return String(decoding: UnsafeRawBufferPointer(rebasing: rest), as: UTF8.self)
    }

    private func supply(_ room: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard let room, left > 0 else { return 0 }
        let wanted = Int(min(left, Int64(count)))
        var supplied = wanted
        if file >= 0 {
            repeat {
                supplied = pread(file, room, wanted, Int(position))
            } while supplied < 0 && errno == EINTR
            guard supplied > 0 else {
                fileFailure =
                    supplied == 0
                    ? "the file became shorter during the upload" : String(cString: strerror(errno))
                return Int(CURL_READFUNC_ABORT)
            }
        } else if case .bytes(let bytes) = request.body {
            bytes.withUnsafeBytes { source in
                guard let base = source.baseAddress else { return }
                memcpy(room, base + Int(position), wanted)
            }
        } else if case .buffer(let buffer) = request.body {
            buffer.copy(Int(position)..<Int(position) + wanted, to: UnsafeMutableRawPointer(room))
        }
        position += Int64(supplied)
        left -= Int64(supplied)
        return supplied
    }

    /// A kept connection that was closed at the other end is found out while sending: curl then
    /// sends the body again on a new one.
    private func rewind(to offset: Int64, from origin: Int32) -> Int32 {
        let start: Int64
        let length: Int64
        switch request.body {
        case .none: (start, length) = (0, 0)
        case .bytes(let bytes): (start, length) = (0, Int64(bytes.count))
        case .buffer(let buffer): (start, length) = (0, Int64(buffer.count))
        case .file(_, let offset, let count): (start, length) = (offset, count)
        }
        guard origin == SEEK_SET, (0...length).contains(offset) else { return CURL_SEEKFUNC_FAIL }
        position = start + offset
        left = length - offset
        return CURL_SEEKFUNC_OK
    }

    // MARK: - Result

    func result(_ code: CURLcode) -> Result<HTTPResponse, TransportError> {
        if code == CURLE_OK {
            var status = 0
            ccurl_getinfo_long(handle, CURLINFO_RESPONSE_CODE, &status)
            return .success(HTTPResponse(status: status, headers: headers, body: body))
        }
        if isTooLarge {
            return failure(
                .tooLarge, "the response is longer than \(request.maximumResponse) bytes")
        }
        if let fileFailure { return failure(.unreadable, fileFailure) }
        var sent = 0
        ccurl_getinfo_long(handle, CURLINFO_REQUEST_SIZE, &sent)
        if let refusal = Route.refusal(of: handle) { return failure(refusal.kind, refusal.reason) }
        // An answer that is no HTTP at all; before sending it is the URL that is wrong.
        let isAnswer = code == CURLE_UNSUPPORTED_PROTOCOL && sent > 0
        let kind = isAnswer ? .broken : Self.kind(of: code)
        return failure(kind, Self.reason(of: code, authorities: authorities))
    }

    /// A code of curl's in words; where a file of authorities is the reason, with its name.
    static func reason(of code: CURLcode, authorities: String?) -> String {
        code == CURLE_SSL_CACERT_BADFILE
            ? Authorities.objection(to: authorities) : String(cString: curl_easy_strerror(code))
    }

    /// What a code of curl's means to a caller.
    static func kind(of code: CURLcode) -> TransportError.Kind {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
        // A handshake that breaks off is the network's doing; a certificate is a setting's.
        case CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR: .connect
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR:
            .tls
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .badRequest
        default: .broken
        }
    }

    private func failure(
        _ kind: TransportError.Kind, _ reason: String
    ) -> Result<HTTPResponse, TransportError> {
        .failure(TransportError(kind: kind, url: shownURL, reason: reason))
    }

    private var shownURL: String { String(request.url.prefix { $0 != "?" }) }

    // MARK: - Options

    private func set(_ option: CURLoption, _ value: Int) {
        ccurl_setopt_long(handle, option, value)
    }
    private func set(_ option: CURLoption, _ value: String) {
        ccurl_setopt_string(handle, option, value)
    }
}
