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

    /// Kinesis where its location says.
    ///
    /// - Throws: when the location contradicts itself.
    public init(_ location: ServiceLocation) throws(AWSError) {
        region = location.region
        let resolved = try location.resolved()
        let scheme = resolved.isTLS ? "https" : "http"
        endpoint = "\(scheme)://\(resolved.authority())\(resolved.prefix)"
        authorities = location.authorities
    }
}
