import Encoding

/// What is sent along with a body, and asked for.
public enum Checksum: String, CaseIterable, Sendable {
    /// CRC-32C, which S3 keeps and gives back.
    case crc32c
    /// `Content-MD5`, which every store knows.
    case md5
    /// Nothing; without TLS the signature still covers the body.
    case none
}

/// How an object that is there already is protected from being replaced.
public enum ConditionalWrites: String, CaseIterable, Sendable {
    /// `If-None-Match: *`: the store itself refuses, whoever writes at the same time.
    case header
    /// Asks with HEAD first, for stores that refuse or ignore the header. Two writers of one key at
    /// the same moment are not told apart.
    case head
}

/// How a store keeps an object: sent with PutObject and CreateMultipartUpload.
public struct ObjectStorage: Sendable, Equatable {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`; nil for the bucket's usual one.
    public var encryption: String?
    /// Id, ARN or alias of a key; with `aws:kms` only.
    public var keyID: String?
    /// One data key for many objects; with `aws:kms` only. Saves calls to KMS.
    public var usesBucketKey = false
    /// Such as `STANDARD_IA`; nil for the bucket's usual one.
    public var storageClass: String?
    /// Names and values; at most ten.
    public var tags: [(name: String, value: String)] = []

    /// As the bucket has it.
    public init() {}

    /// Whether two say the same.
    public static func == (one: Self, other: Self) -> Bool { one.headers == other.headers }

    var headers: [[String]] {
        var headers: [[String]] = []
        if let encryption { headers.append(["x-amz-server-side-encryption", encryption]) }
        if let keyID { headers.append(["x-amz-server-side-encryption-aws-kms-key-id", keyID]) }
        if usesBucketKey {
            headers.append(["x-amz-server-side-encryption-bucket-key-enabled", "true"])
        }
        if let storageClass { headers.append(["x-amz-storage-class", storageClass]) }
        if !tags.isEmpty {
            let text = tags.map {
                "\($0.name.percentEncoded())=\($0.value.percentEncoded())"
            }
            headers.append(["x-amz-tagging", text.joined(separator: "&")])
        }
        return headers
    }
}

/// Where S3 is and how it is spoken to.
public struct S3Configuration {
    /// The region that signatures name.
    public var region: String
    /// Instead of AWS's own endpoint: `http[s]://host[:port][/prefix]`, for a compatible store.
    public var endpoint: String?
    /// The bucket in the path instead of the host name; nil decides: path with an own endpoint.
    public var usesPathStyle: Bool?
    /// What goes along with a body so that damage on the way is found.
    public var checksum = Checksum.crc32c
    /// How an object that is there already is protected.
    public var conditionalWrites = ConditionalWrites.header
    /// Objects over this many bytes go in parts.
    public var multipartThreshold: Int64 = 16 << 20
    /// The usual length of a part; at least 5 MiB (S3's smallest part).
    public var partLength: Int64 = 16 << 20
    /// Parts of one object that are under way at once.
    public var parallelParts = 4
    /// Seconds in which hardly anything of a body moves that end an attempt.
    public var stallTimeout: Double = 30
    /// A file of certificate authorities instead of the system's.
    public var authorities: String?
    /// The account that must own the bucket, twelve digits.
    public var expectedBucketOwner: String?
    /// How objects are kept.
    public var storage = ObjectStorage()
    /// How calls are tried again.
    public var policy = RetryPolicy()
    /// Called when a bucket is in another region than the one that is set: its name, the region that
    /// was asked, and its own.
    public var onMove: (_ bucket: String, _ asked: String, _ region: String) -> Void = { _, _, _ in
    }

    /// True reads without credentials, what anyone may read.
    public var isAnonymous = false
    /// AWS's hosts with validated cryptography.
    public var usesFIPS = false
    /// AWS's hosts that have IPv6 addresses, too.
    public var usesDualStack = false

    /// AWS's S3 in a region, or a compatible store.
    public init(region: String, endpoint: String? = nil) {
        self.region = region
        self.endpoint = endpoint
    }

    /// S3 where its location says.
    public init(_ location: ServiceLocation) {
        region = location.region
        endpoint = location.endpoint
        authorities = location.authorities
        usesFIPS = location.usesFIPS
        usesDualStack = location.usesDualStack
    }
}
