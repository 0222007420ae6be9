import Monitoring

/// What a run keeps to.
struct HealthOptions {
    let address: ListenAddress
    /// The port with only /metrics; nil for none.
    let metricsPort: Int?
    /// What every request must show; nil for nothing.
    let token: String?
    /// Names of hosts that requests may name, where there is no token.
    let allowedHosts: [String]
    let certificate: String?
    let key: String?
    let maximumConnections: Int
    /// Seconds for a client to send a request, and to read the answer.
    let requestTime: Double
    /// Seconds between two looks at the stages.
    let interval: Double
    let service: String
    let deployment: Deployment
    let thresholds: Thresholds
    /// nil when CloudWatch is not told.
    let cloudWatch: CloudWatchOptions?
}
