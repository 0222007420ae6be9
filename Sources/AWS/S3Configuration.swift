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

    /// AWS's S3 in a region, or a compatible store.
    public init(region: String, endpoint: String? = nil) {
        self.region = region
        self.endpoint = endpoint
    }

    /// Reads `AWS_REGION`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` and `AWS_CA_BUNDLE`, then
    /// the profile's `region` and `endpoint_url`.
    ///
    /// - Throws: when no region is set, or a profile file cannot be read.
    public init(environment: Environment) throws(AWSError) {
        region = try Region.resolve(environment)
        if !environment.isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            endpoint = environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"]
            if endpoint == nil { endpoint = try Profile(environment).settings["endpoint_url"] }
        }
        authorities = environment["AWS_CA_BUNDLE"]
    }
}
