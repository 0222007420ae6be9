/// Where S3 is and how it is spoken to.
public struct S3Configuration {
    /// The region that signatures name.
    public var region: String
    /// Instead of AWS's own endpoint: `http[s]://host[:port][/prefix]`, for a compatible store.
    public var endpoint: String?
    /// The bucket in the path instead of the host name; nil decides: path with an own endpoint.
    public var usesPathStyle: Bool?
    /// Send and ask for CRC-32C checksums; some compatible stores refuse the headers.
    public var usesChecksums = true
    /// Objects over this many bytes go in parts; also the usual length of a part. At least 5 MiB
    /// (S3's smallest part).
    public var partLength: Int64 = 16 << 20
    /// A file of certificate authorities instead of the system's.
    public var authorities: String?
    /// The account that must own the bucket, twelve digits.
    public var expectedBucketOwner: String?
    /// How calls are tried again.
    public var policy = RetryPolicy()

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
