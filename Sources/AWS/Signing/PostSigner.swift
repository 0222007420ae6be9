import Digests
import Encoding
import Posix

/// Signs the requests of a JSON service: `POST` to one path, a few headers, a body.
///
/// The same signature as ``SigV4``, which takes any request; here the key is kept from one request
/// to the next and nothing is sorted, since a sender signs thousands a second.
public struct PostSigner {
    /// Hosts, regions and services are fixed for a client.
    let authority: String
    let region: String
    let service: String
    let contentType: String
    /// As the canonical request has it: encoded twice, as for every service but S3.
    private let canonicalPath: String

    private var keyDay = ""
    private var keySecret = ""
    private var key: [UInt8] = []

    /// Signs for one host.
    ///
    /// - Parameters:
    ///   - authority: the `Host` header.
    ///   - path: as it is sent.
    ///   - region: what signatures name.
    ///   - service: likewise, such as `kinesis`.
    ///   - contentType: of every body.
    public init(
        authority: String, path: String, region: String, service: String, contentType: String
    ) {
        self.authority = authority
        self.region = region
        self.service = service
        self.contentType = contentType
        canonicalPath = path.percentEncoded(keeping: "-._~/")
    }

    /// The headers of a signed request.
    ///
    /// - Parameters:
    ///   - target: the value of `x-amz-target`.
    ///   - body: what is sent.
    ///   - credentials: what it is signed with.
    ///   - now: seconds since the epoch by the service's clock.
    public mutating func headers(
        target: String, body: RawSpan, credentials: Credentials, now: Int64
    ) -> [(String, String)] {
        let timestamp = Timestamp.basic(seconds: now)
        let day = String(timestamp.prefix(8))
        if day != keyDay || credentials.secretAccessKey != keySecret {
            key = Array("AWS4\(credentials.secretAccessKey)".utf8)
            for part in [day, region, service, "aws4_request"] {
                key = SHA256.authentication(of: Array(part.utf8), key: key)
            }
            (keyDay, keySecret) = (day, credentials.secretAccessKey)
        }
        var digest = Hash.sha256()
        digest.update(body)
        let bodyHash = Hex.text(digest.finish())
        var canonical = "POST\n\(canonicalPath)\n\ncontent-type:\(contentType)\nhost:\(authority)\n"
        canonical += "x-amz-date:\(timestamp)\n"
        var names = "content-type;host;x-amz-date"
        if let token = credentials.sessionToken {
            canonical += "x-amz-security-token:\(token)\n"
            names += ";x-amz-security-token"
        }
        names += ";x-amz-target"
        canonical += "x-amz-target:\(target)\n\n\(names)\n\(bodyHash)"
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let hash = Hex.text(SHA256.of(Array(canonical.utf8)))
        let text = "AWS4-HMAC-SHA256\n\(timestamp)\n\(scope)\n\(hash)"
        let signature = Hex.text(SHA256.authentication(of: Array(text.utf8), key: key))
        var headers = [
            ("Content-Type", contentType), ("X-Amz-Date", timestamp), ("X-Amz-Target", target),
        ]
        if let token = credentials.sessionToken { headers.append(("X-Amz-Security-Token", token)) }
        headers.append(
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
                    + "SignedHeaders=\(names), Signature=\(signature)"
            ))
        return headers
    }
}
