public import AWS
public import Posix

/// One object of a listing.
public struct ObjectEntry: Equatable, Sendable {
    /// Relative to the URL that was listed, without a slash in front; empty where the URL names the
    /// object itself.
    public let key: String
    /// Bytes.
    public let length: Int64
    /// What tells one content from another; empty for files.
    public let etag: String
    /// When it was stored, seconds since the epoch; nil when that is not known.
    public let modified: Int64?
}

/// How S3 is reached, and as whom.
public struct S3Reach {
    /// Region, endpoint and limits.
    public var configuration: S3Configuration
    /// Who asks.
    public var credentials: CredentialsProvider

    /// Puts both together.
    public init(_ configuration: S3Configuration, _ credentials: CredentialsProvider) {
        self.configuration = configuration
        self.credentials = credentials
    }
}

/// A kind of place that objects are read from.
protocol ObjectPlace: AnyObject {
    func list(prefix: String) throws(AccessError) -> [ObjectEntry]
    func facts(of key: String) throws(AccessError) -> ObjectEntry?
    func read(
        _ key: String, at offset: Int64, count: Int, etag: String, appendingTo bytes: inout Bytes
    ) throws(AccessError)
    func read(
        _ keys: [String], etags: [String], limit: Int,
        _ body: (Int, Result<[UInt8], AccessError>) -> Void
    ) throws(AccessError)
}

/// A directory or a bucket that objects are read from.
///
/// One thread. Nothing is written, and what is not asked for is not read.
public final class ObjectSource {
    private let place: any ObjectPlace
    /// What a person would type.
    public let url: String
    /// True for a bucket: each call takes its time.
    public let isRemote: Bool

    /// Opens a place; nothing is asked of it yet.
    ///
    /// - Parameters:
    ///   - policy: how calls of a public bucket are tried again.
    ///   - reach: called for `s3://` only: a directory and a public bucket need no credentials.
    public init(
        _ url: ObjectURL, policy: RetryPolicy = RetryPolicy(), s3 reach: () throws -> S3Reach
    ) throws {
        self.url = url.description
        if case .file = url { isRemote = false } else { isRemote = true }
        switch url {
        case .file(let path): place = DirectorySource(path)
        case .bucket(let bucket, let prefix):
            place = try BucketSource(try reach(), bucket: bucket, prefix: prefix)
        case .publicBucket(let bucket, let prefix, let endpoint, let region):
            var configuration = S3Configuration(region: region, endpoint: endpoint)
            configuration.isAnonymous = true
            configuration.policy = policy
            let anyone = CredentialsProvider(
                Credentials(accessKeyID: "", secretAccessKey: "", source: "none"))
            place = try BucketSource(
                S3Reach(configuration, anyone), bucket: bucket, prefix: prefix)
        }
    }

    /// The objects whose keys begin with a prefix, sorted by key as bytes.
    ///
    /// Files whose name or directory begins with a dot are left out: they are no objects. Where the
    /// URL names a single file, that is the one entry, and its key is empty.
    public func list(prefix: String = "") throws(AccessError) -> [ObjectEntry] {
        try place.list(prefix: prefix)
    }

    /// What is known of one object; nil when there is none of that key.
    public func facts(of key: String) throws(AccessError) -> ObjectEntry? {
        try place.facts(of: key)
    }

    /// Reads a part of an object.
    ///
    /// - Parameters:
    ///   - offset: of the first byte, from 0.
    ///   - count: bytes to read; fewer come only at the object's end.
    ///   - etag: of the object that is meant; empty takes whatever is there.
    /// - Throws: ``AccessError/Reason/changed`` when it was replaced.
    public func read(
        _ key: String, at offset: Int64, count: Int, etag: String = "",
        appendingTo bytes: inout Bytes
    ) throws(AccessError) {
        try place.read(key, at: offset, count: count, etag: etag, appendingTo: &bytes)
    }

    /// Reads whole objects, of a bucket many at a time.
    ///
    /// - Parameters:
    ///   - etags: of the objects that are meant, one for each; none takes whatever is there.
    ///   - limit: longest object to take, bytes.
    ///   - body: gets each object's place among the keys and its content, in any order.
    /// - Throws: when the place cannot be reached; what is wrong with one object is in its result.
    public func read(
        _ keys: [String], etags: [String] = [], limit: Int,
        _ body: (Int, Result<[UInt8], AccessError>) -> Void
    ) throws(AccessError) {
        try place.read(keys, etags: etags, limit: limit, body)
    }

    /// Reads a whole object.
    ///
    /// - Parameter limit: longest object to take, bytes; a longer one is an error.
    public func read(_ key: String, limit: Int) throws(AccessError) -> [UInt8] {
        guard let facts = try facts(of: key) else {
            throw AccessError(.notFound, "\(url)/\(key): no such object")
        }
        guard facts.length <= Int64(limit) else {
            throw AccessError(
                .protocolBroken,
                "\(url)/\(key): \(facts.length) bytes are over the limit of \(limit)")
        }
        var bytes = Bytes(capacity: Int(facts.length))
        try read(key, at: 0, count: Int(facts.length), etag: facts.etag, appendingTo: &bytes)
        return bytes.array
    }
}
