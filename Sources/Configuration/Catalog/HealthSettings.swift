/// The settings of healthd.
public struct HealthSettings: SettingTheme {
    static let title = "healthd"
    static let programs: Set<Program> = [.healthd]

    /// Where it listens.
    public let healthHost = Setting(
        "health.host", flag: nil, default: "127.0.0.1", value: "ADDRESS",
        "Address that healthd listens on.", parse: SettingText.text)
    /// The port of its answers.
    public let healthPort = Setting(
        "health.port", flag: nil, default: "8080", value: "PORT",
        "Port of healthd; 0 chooses a free one.", parse: SettingText.integer(0...65_535))
    /// Both at once.
    public let healthListen = Setting<String>(
        "health.listen", flag: "listen", default: nil, value: "ADDRESS:PORT",
        "Where to answer. (default: health.host and health.port, 127.0.0.1:8080)",
        parse: SettingText.text)
    /// The port that Prometheus scrapes.
    public let prometheusPort = Setting(
        "metrics.prometheus_port", flag: "metrics-port", default: "8081", value: "PORT",
        "Port with only /metrics; 0 chooses a free one.", parse: SettingText.integer(0...65_535))
    /// Whether there is such a port.
    public let enablePrometheus = Setting(
        "metrics.enable_prometheus", flag: nil, default: "true", value: "BOOLEAN",
        "Serve /metrics on a separate port too.", parse: SettingText.boolean)
    /// The name in answers.
    public let serviceName = Setting(
        "service_name", flag: nil, default: "bitcoin-ingestor", value: "NAME",
        "Name of the service in answers.", parse: SettingText.text)
    /// What the service that this replaces did.
    public let mode = Setting<PipelineMode>(
        "mode", flag: nil, default: nil, value: "MODE",
        "The pipeline that pipelines/run starts, also shown in healthd's answers: sbe (live, into Kinesis), "
            + "rest (history), both (live and its repair), capture (live, into objects) or two-sinks "
            + "(live, into both).",
        parse: SettingText.word(PipelineMode.self))
    /// What must be shown by who asks.
    public let healthToken = Setting<String>(
        "health.token", flag: nil, environment: "HEALTH_TOKEN", default: nil, value: "TOKEN",
        "Bearer token for all requests.", isSecret: true, parse: SettingText.text)
    /// The same in a file.
    public let healthTokenFile = Setting<String>(
        "health.token_file", flag: "token-file", default: nil, value: "FILE",
        "File with the bearer token for all requests.", parse: SettingText.text)
    /// Names by which it may be called.
    public let healthAllowedHosts = Setting(
        "health.allowed_hosts", flag: "allow-host", default: "", value: "A,B",
        "More hosts that requests may name where no token is set, comma-separated.",
        parse: SettingText.list)
    /// The certificate.
    public let healthCertificate = Setting<String>(
        "health.tls_certificate", flag: "tls-certificate", default: nil, value: "FILE",
        "Certificate chain in PEM; healthd then uses TLS.", parse: SettingText.path)
    /// Its key.
    public let healthKey = Setting<String>(
        "health.tls_key", flag: "tls-key", default: nil, value: "FILE",
        "Private key of the certificate, in PEM.", parse: SettingText.path)
    /// Connections at once.
    public let healthConnections = Setting(
        "health.max_connections", flag: nil, default: "256", value: "COUNT",
        "Open connections at most; a new one closes the one that has been idle longest.",
        parse: SettingText.integer(1...100_000))
    /// Patience with clients.
    public let healthRequestTime = Setting(
        "health.request_seconds", flag: nil, default: "10", value: "SECONDS",
        "Time for a client to send a request, and to read the answer, in seconds.",
        parse: SettingText.seconds(0.1...3600))
    /// How often stats files are read.
    public let healthInterval = Setting(
        "health.interval_seconds", flag: "interval", default: "1", value: "SECONDS",
        "Time between two looks at the stages, in seconds.", parse: SettingText.seconds(0.05...60))

    // MARK: - Rules

    /// Oldest heartbeat.
    public let healthHeartbeat = Setting(
        "health.heartbeat_seconds", flag: nil, default: "10", value: "SECONDS",
        "A stage whose heartbeat is older than this is unhealthy.",
        parse: SettingText.seconds(0.1...86_400))
    /// Longest silence.
    public let healthNoData = Setting(
        "health.no_data_seconds", flag: nil, default: "300", value: "SECONDS",
        "A stage that received no record for longer than this is unhealthy.",
        parse: SettingText.seconds(0.1...31_536_000))
    /// Longest time without a connection.
    public let healthConnectionDown = Setting(
        "health.connection_down_seconds", flag: nil, default: "30", value: "SECONDS",
        "A stage without a connection for longer than this is unhealthy.",
        parse: SettingText.seconds(0...86_400))
    /// Most errors.
    public let healthDecodeErrors = Setting(
        "health.decode_errors_percent", flag: nil, default: "5", value: "PERCENT",
        "A larger share of undecodable messages within a minute is unhealthy, in percent.",
        parse: SettingText.percent)
    /// Longest wait for delivery.
    public let healthUndelivered = Setting(
        "health.undelivered_seconds", flag: nil, default: "60", value: "SECONDS",
        "How long an object or record may wait for delivery, in seconds.",
        parse: SettingText.seconds(0.1...31_536_000))
    /// Fullest spool.
    public let healthSpool = Setting(
        "health.spool_percent", flag: nil, default: "80", value: "PERCENT",
        "A spool that is fuller than this is unhealthy, in percent.", parse: SettingText.percent)
    /// Fullest disk.
    public let healthDisk = Setting(
        "health.disk_free_percent", flag: nil, default: "5", value: "PERCENT",
        "Less free space than this on the disk of a stage's state is unhealthy, in percent.",
        parse: SettingText.percent)
    /// Oldest hole.
    public let healthHole = Setting(
        "health.hole_seconds", flag: nil, default: "600", value: "SECONDS",
        "How long a hole in a sequence may be open, in seconds.",
        parse: SettingText.seconds(0...31_536_000))
    /// Patience with the equation.
    public let healthConservation = Setting(
        "health.conservation_seconds", flag: nil, default: "3", value: "SECONDS",
        "How long the conservation equation may be off, in seconds.",
        parse: SettingText.seconds(0...3600))
    /// How long the past is shown.
    public let healthKeep = Setting(
        "health.keep_seconds", flag: nil, default: "900", value: "SECONDS",
        "How long ended stages are shown before their stats files are removed.",
        parse: SettingText.seconds(0...31_536_000))
    /// Who must be there.
    public let healthExpected = Setting(
        "health.expected_stages", flag: "expect", default: "", value: "A,B",
        "Stages that have to run, comma-separated. (default: none)",
        parse: SettingText.list)

    init() {}
}

/// Which pipeline is meant; the first three are words of the service that this replaces.
public enum PipelineMode: String, CaseIterable, Sendable {
    /// History into objects.
    case rest
    /// Live streams into Kinesis.
    case sbe
    /// Live streams into objects, and the repair of what they missed.
    case both
    /// Live streams into objects.
    case capture
    /// Live streams into Kinesis and into objects, by fan-out.
    case twoSinks = "two-sinks"
}
