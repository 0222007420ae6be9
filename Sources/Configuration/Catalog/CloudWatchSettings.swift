/// How healthd tells Amazon CloudWatch.
public struct CloudWatchSettings: SettingTheme {
    static let title = "CloudWatch"
    static let programs: Set<Program> = [.healthd]

    /// Whether, by the name that existing files use.
    public let enableCloudWatch = Setting(
        "metrics.enable_cloudwatch", flag: nil, default: "false", value: "BOOLEAN",
        "Send metrics to Amazon CloudWatch.", parse: SettingText.boolean)
    /// Whether and how.
    public let cloudWatch = Setting<CloudWatchWay>(
        "metrics.cloudwatch", flag: "cloudwatch", default: nil, value: "WAY",
        "Metrics for Amazon CloudWatch: api sends them, emf writes lines for its agent to standard error, or off. (default: api when metrics.enable_cloudwatch, else off)",
        parse: SettingText.word(CloudWatchWay.self))
    /// Under which name.
    public let metricsNamespace = Setting(
        "metrics.metrics_namespace", flag: "metrics-namespace",
        default: "BitcoinPipeline/Ingestor", value: "NAME",
        "Namespace of the metrics in CloudWatch.", parse: SettingText.text)
    /// How finely.
    public let metricsResolution = Setting(
        "metrics.cloudwatch_resolution_seconds", flag: "metrics-resolution", default: "60",
        value: "SECONDS",
        "Seconds that a data point covers: 60, or 1, 5, 10, 30 in high resolution.",
        parse: SettingForm(.word(["1", "5", "10", "30", "60"])) { text throws(SettingError) in
            guard let seconds = Int(text), [1, 5, 10, 30, 60].contains(seconds) else {
                throw SettingError("\"\(text)\" is not one of 1, 5, 10, 30, 60")
            }
            return seconds
        })
    /// How often.
    public let metricsInterval = Setting(
        "metrics.cloudwatch_interval_seconds", flag: nil, default: "60", value: "SECONDS",
        "Seconds between two calls to CloudWatch.", parse: SettingText.seconds(1...3600))
    /// Another endpoint than AWS's for CloudWatch.
    public let cloudWatchEndpoint = Setting<String>(
        "aws.localstack_endpoint", flag: "endpoint-url",
        environment: "AWS_ENDPOINT_URL_CLOUDWATCH", or: "AWS_ENDPOINT_URL", default: nil,
        value: "URL", "Endpoint of CloudWatch, instead of AWS's. (default: the profile's)",
        parse: SettingText.url(["https", "http"]))

    init() {}
}

/// How CloudWatch gets its metrics.
public enum CloudWatchWay: String, CaseIterable, Sendable {
    case off
    /// PutMetricData.
    case api
    /// Embedded metric format, on standard error.
    case emf
}
