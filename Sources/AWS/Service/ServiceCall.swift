import Encoding
import Posix
import Transport

/// One call to a service, before it is signed.
struct ServiceCall {
    /// What the signature says of the body.
    enum Payload {
        /// Hexadecimal SHA-256.
        case hash(String)
        /// S3 over TLS only: a checksum header stands in.
        case unsigned
    }

    var operation: String
    /// For messages, such as `bucket/key`.
    var subject: String
    var method: String
    var endpoint: Endpoint
    /// `Host` header.
    var authority: String
    /// As sent: percent-encoded.
    var path: String
    var query: [(String, String)] = []
    var headers: [(String, String)] = []
    var body: HTTPRequest.Body = .none
    var payload: Payload = .hash(ServiceCall.emptyHash)
    /// False for the calls that bring their own proof, such as AssumeRoleWithWebIdentity.
    var isSigned = true
    var timeout: Double = 30
    /// False for addresses of the own machine.
    var usesProxy = true
    /// Seconds in which hardly anything moves that end an attempt; 0 for no limit.
    var stallTimeout: Double = 0
    var maximumResponse = 1 << 20
    /// Conflicts end the call instead of being tried again.
    var conflictIsFinal = false
    /// The service may say 200 and put an error into the body.
    var mayHideError = false

    /// SHA-256 of nothing.
    static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// The request to send.
    ///
    /// - Parameter now: seconds since the epoch by the service's clock.
    func signed(
        credentials: Credentials, region: String, service: String, now: Int64
    ) -> HTTPRequest {
        let timestamp = Timestamp.basic(seconds: now)
        var headers = headers + [("x-amz-date", timestamp)]
        let hash: String
        switch payload {
        case .hash(let text): hash = text
        case .unsigned: hash = "UNSIGNED-PAYLOAD"
        }
        if service == "s3" { headers.append(("x-amz-content-sha256", hash)) }
        if let token = credentials.sessionToken { headers.append(("x-amz-security-token", token)) }
        let signature = SigV4(
            SigV4.Request(
                method: method, path: endpoint.prefix + path, query: query,
                headers: headers + [("host", authority)], payloadHash: hash),
            credentials: credentials, region: region, service: service, timestamp: timestamp,
            pathRule: service == "s3" ? .asSent : .encoded(normalising: true))
        headers.append(("Authorization", signature.authorization))
        return request(headers)
    }

    /// The request without a signature.
    func unsigned() -> HTTPRequest { request(headers) }

    private func request(_ headers: [(String, String)]) -> HTTPRequest {
        var url = "\(endpoint.isTLS ? "https" : "http")://\(authority)\(endpoint.prefix)\(path)"
        if !query.isEmpty { url += "?" + SigV4.canonicalQuery(query) }
        return HTTPRequest(
            method: method, url: url, headers: headers, body: body, timeout: timeout,
            connectTimeout: 5, stallTimeout: stallTimeout, maximumResponse: maximumResponse,
            usesProxy: usesProxy)
    }
}
