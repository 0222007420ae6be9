import AWS
import Encoding

/// Where objects are, as a person writes it.
public enum ObjectURL: Equatable, Sendable {
    /// A directory, or one file.
    case file(String)
    /// A bucket that is read with credentials, and a prefix without slashes at its ends.
    case bucket(String, prefix: String)
    /// A bucket that anyone may read. `endpoint` is `http[s]://host[:port]`, nil for AWS's own in
    /// `region`.
    case publicBucket(String, prefix: String, endpoint: String?, region: String)

    /// Takes `s3://BUCKET/PREFIX`, `file:///DIRECTORY`, a path, or the `https://` URL of a bucket that
    /// anyone may read: `https://BUCKET.s3.REGION.amazonaws.com/PREFIX` or
    /// `https://HOST/BUCKET/PREFIX`.
    public init(_ text: String) throws(AccessError) {
        if text.hasPrefix("s3://") {
            let (bucket, prefix) = Self.split(text.dropFirst(5))
            if let refusal = Self.refusal(ofBucket: bucket) {
                throw AccessError(.badURL, "\(text): \(refusal)")
            }
            self = .bucket(bucket, prefix: prefix)
        } else if text.hasPrefix("https://") || text.hasPrefix("http://") {
            self = try Self.publicBucket(text)
        } else if text.hasPrefix("file://") {
            var path = String(text.dropFirst(7))
            if path.hasPrefix("localhost/") { path.removeFirst("localhost".count) }
            guard !path.isEmpty else {
                throw AccessError(
                    .badURL, "\"\(text)\" does not name a directory: file:///DIRECTORY")
            }
            self = .file(Self.trimmed(path))
        } else if Self.isURL(text) {
            throw AccessError(
                .badURL, "\"\(text)\": URLs of objects begin with s3://, https:// or file://")
        } else {
            guard !text.isEmpty else { throw AccessError(.badURL, "the path is empty") }
            self = .file(Self.trimmed(text))
        }
    }

    /// True for a text that is a URL, of whatever scheme, rather than a path.
    public static func isURL(_ text: String) -> Bool {
        text.drop { $0.isLetter || $0.isNumber }.hasPrefix("://")
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    private static func split(_ rest: Substring) -> (bucket: String, prefix: String) {
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        return (
            String(parts.first ?? ""),
            parts.dropFirst().filter { !$0.isEmpty }.joined(separator: "/")
        )
    }

    private static func refusal(ofBucket bucket: String) -> String? {
        bucket.isEmpty
            ? "no bucket is named: s3://BUCKET/PREFIX" : S3Client.refusal(ofBucket: bucket)
    }

    private static func publicBucket(_ text: String) throws(AccessError) -> ObjectURL {
        let scheme = text.hasPrefix("https://") ? "https://" : "http://"
        let rest = text.dropFirst(scheme.count)
        guard !rest.contains("?"), !rest.contains("#"), !rest.contains("@") else {
            throw AccessError(
                .badURL, "\(text): a URL of objects has no query, fragment or user name")
        }
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        let host = String(parts.first ?? "")
        var names: [String] = []
        for part in parts.dropFirst() where !part.isEmpty {
            guard let name = String(part).percentDecoded else {
                throw AccessError(.badURL, "\(text): \"\(part)\" is not percent-encoded text")
            }
            names.append(name)
        }
        guard !host.isEmpty else { throw AccessError(.badURL, "\(text): no host is named") }
        if let (bucket, region) = amazon(host) {
            if let bucket {
                return .publicBucket(
                    bucket, prefix: names.joined(separator: "/"), endpoint: nil, region: region)
            }
            guard let bucket = names.first else {
                throw AccessError(.badURL, "\(text): no bucket is named")
            }
            return .publicBucket(
                bucket, prefix: names.dropFirst().joined(separator: "/"), endpoint: nil,
                region: region)
        }
        guard let bucket = names.first else {
            throw AccessError(.badURL, "\(text): no bucket is named: https://HOST/BUCKET/PREFIX")
        }
        if let refusal = S3Client.refusal(ofBucket: bucket) {
            throw AccessError(.badURL, "\(text): \(refusal)")
        }
        return .publicBucket(
            bucket, prefix: names.dropFirst().joined(separator: "/"), endpoint: scheme + host,
            region: "us-east-1")
    }

    /// Bucket and region of one of AWS's hosts: `BUCKET.s3.REGION.amazonaws.com`, also without bucket
    /// or region; nil for any other host.
    ///
    /// Source: Amazon S3 User Guide, "Virtual hosting of buckets".
    private static func amazon(_ host: String) -> (bucket: String?, region: String)? {
        guard host.hasSuffix(".amazonaws.com") || host.hasSuffix(".amazonaws.com.cn") else {
            return nil
        }
        let labels = host.split(separator: ".")
        guard let place = labels.lastIndex(where: { $0 == "s3" || $0.hasPrefix("s3-") }) else {
            return nil
        }
        let bucket = labels[..<place].joined(separator: ".")
        var region = "us-east-1"
        if let next = labels[(place + 1)...].first(where: { $0 != "dualstack" }),
            next != "amazonaws"
        {
            region = String(next)
        } else if labels[place].hasPrefix("s3-") {
            region = String(labels[place].dropFirst(3))
        }
        return (bucket.isEmpty ? nil : bucket, region)
    }

    /// What a person would type.
    public var description: String {
        func joined(_ prefix: String) -> String { prefix.isEmpty ? "" : "/\(prefix)" }
        return switch self {
        case .file(let path): path
        case .bucket(let name, let prefix): "s3://\(name)\(joined(prefix))"
        case .publicBucket(let name, let prefix, let endpoint, let region):
            endpoint.map { "\($0)/\(name)\(joined(prefix))" }
                ?? "https://\(name).s3.\(region).amazonaws.com\(joined(prefix))"
        }
    }
}
