import Encoding

/// AWS's request signature, version 4, in the `Authorization` header.
///
/// Source: AWS IAM User Guide, "Create a signed AWS API request". Signs every header that it is
/// given but those that proxies change. Each step can be looked at, so that a test tells which
/// one went wrong.
struct SigV4 {
    /// How the path goes into the canonical request.
    enum PathRule {
        /// S3: exactly as sent, that is, percent-encoded once.
        case asSent
        /// Every other service: encoded (again), dot segments and doubled slashes removed or not.
        case encoded(normalising: Bool)
    }

    /// The parts of a request that the signature covers.
    struct Request {
        var method: String
        var path: String
        /// Names and values, not encoded.
        var query: [(String, String)] = []
        /// With `host` and `x-amz-date`.
        var headers: [(String, String)]
        /// Hexadecimal SHA-256 of the body, or one of S3's words.
        var payloadHash: String
    }

    let canonicalRequest: String
    let stringToSign: String
    let signature: String
    /// The value of the `Authorization` header.
    let authorization: String

    /// Signs.
    ///
    /// - Parameter timestamp: the value of `x-amz-date`, `YYYYMMDD'T'HHMMSS'Z'`.
    init(
        _ request: Request, credentials: Credentials, region: String, service: String,
        timestamp: String, pathRule: PathRule
    ) {
        let headers = SigV4.canonicalHeaders(request.headers)
        let signedNames = headers.map(\.name).joined(separator: ";")
        canonicalRequest = [
            request.method, SigV4.canonicalPath(request.path, pathRule),
            SigV4.canonicalQuery(request.query),
            headers.map { "\($0.name):\($0.value)\n" }.joined(), signedNames, request.payloadHash,
        ].joined(separator: "\n")
        let day = String(timestamp.prefix(8))
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let digest = Hex.text(SHA256.of(Array(canonicalRequest.utf8)))
        stringToSign = "AWS4-HMAC-SHA256\n\(timestamp)\n\(scope)\n\(digest)"
        var key = Array("AWS4\(credentials.secretAccessKey)".utf8)
        for part in [day, region, service, "aws4_request"] {
            key = SHA256.authentication(of: Array(part.utf8), key: key)
        }
        signature = Hex.text(SHA256.authentication(of: Array(stringToSign.utf8), key: key))
        authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
            + "SignedHeaders=\(signedNames), Signature=\(signature)"
    }

    /// The query as it is signed, and sent: encoded and sorted by byte.
    static func canonicalQuery(_ query: [(String, String)]) -> String {
        query.map { ($0.0.percentEncoded(), $0.1.percentEncoded()) }
            .sorted {
                Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8))
                    || $0.0 == $1.0 && $0.1 < $1.1
            }
            .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    // MARK: - Steps

    /// Headers that are changed on the way.
    private static let unsigned: Set<String> = [
        "authorization", "user-agent", "connection", "transfer-encoding", "expect",
        "x-amzn-trace-id",
    ]

    private static func canonicalHeaders(
        _ headers: [(String, String)]
    ) -> [(name: String, value: String)] {
        var values: [String: [String]] = [:]
        for (name, value) in headers {
            let name = name.lowercased()
            guard !unsigned.contains(name) else { continue }
            let words = value.split(whereSeparator: { $0 == " " || $0 == "\t" || $0.isNewline })
            values[name, default: []].append(words.joined(separator: " "))
        }
        return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
    }

    private static func canonicalPath(_ path: String, _ rule: PathRule) -> String {
        guard !path.isEmpty else { return "/" }
        switch rule {
        case .asSent: return path
        case .encoded(let normalising):
            return (normalising ? normalised(path) : path).percentEncoded(keeping: "-._~/")
        }
    }

    /// Removes dot segments (RFC 3986, section 5.2.4) and doubled slashes.
    private static func normalised(_ path: String) -> String {
        var segments: [Substring] = []
        for segment in path.split(separator: "/") where segment != "." {
            if segment == ".." { _ = segments.popLast() } else { segments.append(segment) }
        }
        let isFolder = path.hasSuffix("/") || path.hasSuffix("/.") || path.hasSuffix("/..")
        let joined = "/" + segments.joined(separator: "/")
        return isFolder && joined != "/" ? joined + "/" : joined
    }
}
