/// Where Kinesis is and how it is spoken to.
public struct KinesisConfiguration: Sendable {
    /// The region that signatures name.
    public var region: String
    /// Instead of AWS's own endpoint: `http[s]://host[:port][/prefix]`, for a local server.
    public var endpoint: String?
    /// A file of certificate authorities instead of the system's.
    public var authorities: String?
    /// Time for one request, seconds.
    public var requestTimeout = 10.0
    /// Most connections.
    public var connections = 32

    /// AWS's Kinesis in a region, or a local server.
    public init(region: String, endpoint: String? = nil) {
        self.region = region
        self.endpoint = endpoint
    }

    /// Reads `AWS_REGION`, `AWS_ENDPOINT_URL_KINESIS`, `AWS_ENDPOINT_URL` and `AWS_CA_BUNDLE`,
    /// then the profile's `region` and `endpoint_url`.
    ///
    /// - Throws: when no region is set, or a profile file cannot be read.
    public init(environment: Environment) throws(AWSError) {
        region = try Region.resolve(environment)
        if !environment.isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            endpoint = environment["AWS_ENDPOINT_URL_KINESIS"] ?? environment["AWS_ENDPOINT_URL"]
            if endpoint == nil { endpoint = try Profile(environment).settings["endpoint_url"] }
        }
        authorities = environment["AWS_CA_BUNDLE"]
    }
}
