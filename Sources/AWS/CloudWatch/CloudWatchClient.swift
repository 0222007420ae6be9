import Encoding
public import Transport

/// Amazon CloudWatch's way in for data points. One thread.
///
/// Source: Amazon CloudWatch API Reference, 2010-08-01, "PutMetricData", in JSON 1.0.
public struct CloudWatchClient: ~Copyable {
    private var service: ServiceClient
    private let endpoint: Endpoint

    /// A client without connections.
    ///
    /// - Parameter location: of the service `monitoring`.
    /// - Throws: when the endpoint is no URL.
    public init(
        _ location: ServiceLocation, policy: RetryPolicy, credentials: CredentialsProvider
    ) throws(AWSError) {
        let endpoint = try location.resolved()
        let service = try ServiceClient(
            service: "monitoring", region: location.region, credentials: credentials,
            policy: policy, authorities: location.authorities, connections: 2)
        self.endpoint = endpoint
        self.service = service
    }

    /// Whether calls pass, now.
    public var circuit: CircuitBreaker.State { service.circuit }

    /// Retries that may still be spent, in tokens of 500.
    public var retryTokens: Int { service.retryTokens }

    /// The body of a call.
    ///
    /// - Parameter data: ``MetricDatum/json`` of each.
    public static func body(namespace: String, _ data: some Sequence<String>) -> [UInt8] {
        let list = data.joined(separator: ",")
        return Array(
            "{\"Namespace\":\(String(jsonQuoted: namespace)),\"MetricData\":[\(list)]}".utf8)
    }

    /// Sends data points, and again as the policy says. The service counts those twice whose
    /// answer was lost.
    ///
    /// - Parameters:
    ///   - body: of ``body(namespace:_:)``, perhaps compressed.
    ///   - isGzip: whether it is.
    ///   - subject: for messages.
    public mutating func put(
        _ body: [UInt8], isGzip: Bool, subject: String
    ) throws(AWSError) {
        var call = ServiceCall(
            operation: "PutMetricData", subject: subject, method: "POST", endpoint: endpoint,
            authority: endpoint.authority(), path: "/")
        call.headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", "GraniteServiceVersion20100801.PutMetricData"),
            // Errors then have the codes of the older protocol too.
            ("X-Amzn-Query-Mode", "true"),
        ]
        if isGzip { call.headers.append(("Content-Encoding", "gzip")) }
        call.body = .bytes(body)
        call.payload = .hash(Hex.text(SHA256.of(body)))
        call.timeout = 10
        _ = try service.send(call)
    }
}
