/// A file to be stored as an object.
public struct ObjectUpload: Sendable {
    /// The file; it must not change until the upload has ended.
    public var path: String
    /// Where to.
    public var bucket: String
    /// 1 to 1024 bytes of UTF-8.
    public var key: String
    /// For example `application/avro`.
    public var contentType: String
    /// User metadata: names without `x-amz-meta-`, lower-case; values in ASCII.
    public var metadata: [(String, String)]
    /// Further headers, such as `x-amz-storage-class` or `x-amz-server-side-encryption`.
    public var headers: [(String, String)]
    /// Never replace an object that is there.
    public var onlyIfAbsent: Bool

    /// Describes an upload.
    public init(
        path: String, bucket: String, key: String,
        contentType: String = "application/octet-stream", metadata: [(String, String)] = [],
        headers: [(String, String)] = [], onlyIfAbsent: Bool = true
    ) {
        self.path = path
        self.bucket = bucket
        self.key = key
        self.contentType = contentType
        self.metadata = metadata
        self.headers = headers
        self.onlyIfAbsent = onlyIfAbsent
    }
}

/// How an upload ended.
public enum PutOutcome: Sendable, Equatable {
    /// The object is stored now.
    case created
    /// An object with the same bytes was there: of an earlier run, or of an attempt whose reply
    /// was lost.
    case existedSame
    /// An object with other bytes is there and stays.
    case existedOther
}
