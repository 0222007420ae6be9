/// What the sinks need to know of AWS.
public struct AWSSettings: SettingTheme {
    static let title = "AWS"
    static let programs: Set<Program> = Program.sinks

    // MARK: - Where and as whom

    /// The region.
    public let region = Setting<String>(
        "aws.region", flag: "region", environment: "AWS_REGION", default: nil, value: "REGION",
        "AWS region. (default: AWS_DEFAULT_REGION, the profile's)",
        for: Program.cloud, parse: SettingText.text)
    /// Another endpoint than AWS's for S3.
    public let endpoint = Setting<String>(
        "aws.localstack_endpoint", flag: "endpoint-url", environment: "AWS_ENDPOINT_URL_S3",
        or: "AWS_ENDPOINT_URL", default: nil, value: "URL",
        "Endpoint of S3, instead of AWS's. (default: the profile's)", for: Program.buckets,
        parse: SettingText.url(["https", "http"]))
    /// Another endpoint than AWS's for Kinesis.
    public let kinesisEndpoint = Setting<String>(
        "aws.localstack_endpoint", flag: "endpoint-url", environment: "AWS_ENDPOINT_URL_KINESIS",
        or: "AWS_ENDPOINT_URL", default: nil, value: "URL",
        "Endpoint of Kinesis, instead of AWS's. (default: the profile's)",
        for: [.kinesisPut], parse: SettingText.url(["https", "http"]))
    /// Another endpoint than AWS's for the Security Token Service; no tool has a flag for it.
    public let stsEndpoint = Setting<String>(
        "aws.sts_endpoint", flag: nil, environment: "AWS_ENDPOINT_URL_STS",
        or: "AWS_ENDPOINT_URL", default: nil, value: "URL",
        "Endpoint of the Security Token Service, instead of AWS's; https, or this machine. An endpoint "
            + "for S3 or Kinesis is never used for it.", for: Program.cloud,
        parse: SettingText.url(["https", "http"]))
    /// Whose certificates are trusted.
    public let awsAuthorities = Setting<String>(
        "aws.ca_file", flag: nil, environment: "AWS_CA_BUNDLE", default: nil, value: "FILE",
        "Certificate authorities to trust for AWS instead of the system's. (default: the "
            + "profile's ca_bundle)", for: Program.cloud, parse: SettingText.path)
    /// A key id that wins over all other sources.
    public let accessKeyID = Setting<String>(
        "aws.access_key_id", flag: nil, default: nil, value: "ID",
        "Access key id; takes precedence over all other sources of credentials.", isSecret: true,
        for: Program.cloud, parse: SettingText.text)
    /// Goes with it.
    public let secretAccessKey = Setting<String>(
        "aws.secret_access_key", flag: nil, default: nil, value: "KEY",
        "Secret of that key id.", isSecret: true, for: Program.cloud, parse: SettingText.text)
    /// Goes with temporary ones.
    public let sessionToken = Setting<String>(
        "aws.session_token", flag: nil, default: nil, value: "TOKEN",
        "Session token of that key id.",
        // Long-lived keys have none, and a script passes on the variable that it does not have.
        isSecret: true, mayBeEmpty: true, for: Program.cloud, parse: SettingText.text)

    // MARK: - Patience

    /// Attempts at one call.
    public let awsMaxAttempts = Setting(
        "aws.max_attempts", flag: "max-attempts", environment: "AWS_MAX_ATTEMPTS", default: "3",
        value: "COUNT",
        "Attempts at one request before it counts as failed; then the sink starts over with it.",
        for: Program.objectWriters, parse: SettingText.integer(1...100))
    /// When a circuit breaker opens.
    public let circuitFailures = Setting(
        "aws.circuit_failures", flag: "circuit-failures", default: "5", value: "COUNT",
        "Consecutive failures of the service that open the circuit breaker.",
        for: Program.sinks.union(Program.objectWriters), parse: SettingText.integer(1...1000))
    /// How long it stays open.
    public let circuitCoolDown = Setting(
        "aws.circuit_cooldown_seconds", flag: "circuit-cooldown", default: "10", value: "SECONDS",
        "How long the circuit breaker stays open before one probe request, in seconds.",
        for: Program.sinks.union(Program.objectWriters), parse: SettingText.seconds(0.01...3600))

    init() {}
}
