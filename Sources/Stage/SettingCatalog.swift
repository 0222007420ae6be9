public import Identity

/// Every setting of every tool, so that a configuration file is shared and a typo in it is found
/// by whichever tool reads it first. The names of the service that this replaces are kept.
public enum SettingCatalog {
    static let secrets: Set<String> = [
        binanceAPIKey.key, "binance.api_secret", accessKeyID.key, secretAccessKey.key,
        sessionToken.key, "health.token",
    ]

    // MARK: - Every stage

    /// How loud the log is.
    public static let logLevel = Setting(
        "logging.level", flag: "log-level", default: "INFO", value: "LEVEL",
        "Least level that is logged: DEBUG, INFO, WARNING or ERROR.",
        parse: SettingText.word(LogLevel.self))
    /// How a log line looks.
    public static let logFormat = Setting<Log.Format>(
        "logging.format", flag: "log-format", default: nil, value: "FORMAT",
        "text or json. (default: text on a terminal, else json)",
        parse: SettingText.word(Log.Format.self))
    /// Where stats files lie.
    public static let statsDirectory = Setting(
        "stats.directory", flag: "stats-dir", environment: "STATS_DIR", default: nil, value: "DIR",
        "Directory of stats files. (default: bitcoin-ingestor in $XDG_RUNTIME_DIR or /run)",
        parse: SettingText.text)
    /// What tells two processes of one stage apart.
    public static let instance = Setting(
        "stats.instance", flag: "instance", environment: "STAGE_INSTANCE", default: nil,
        value: "NAME",
        "Name of this process among those of its stage. Without one a run does not count for the "
            + "host's health. (default: that of its systemd unit, else its pid)",
        parse: SettingText.name)
    /// Which pipeline a stage is part of.
    public static let pipeline = Setting<String>(
        "stats.pipeline", flag: nil, environment: "PIPELINE_NAME", default: nil, value: "NAME",
        "Name of the pipeline that a stage is part of. (default: the one of its host)",
        parse: SettingText.text)
    /// How long a stage drains.
    public static let drainTimeout = Setting(
        "drain_timeout_seconds", flag: "drain-timeout", default: "10", value: "SECONDS",
        "Time to finish what was read once SIGTERM came, in seconds.",
        parse: SettingText.seconds(0...3600))

    // MARK: - The venue

    /// The REST base URL.
    public static let restBaseURL = Setting(
        "binance.rest_base_url", flag: "base-url", default: "https://data-api.binance.vision",
        value: "URL", "Base URL of the venue's REST API.", parse: SettingText.text)
    /// Whose records.
    public static let symbols = Setting(
        "binance.symbols", flag: "symbol", default: "BTCUSDT", value: "A,B",
        "Symbols, with commas between them.", parse: SettingText.list)
    /// A cap below the venue's own.
    public static let weightLimit = Setting<Int>(
        "binance.weight_per_minute", flag: "weight-limit", default: nil, value: "WEIGHT",
        "Request weight to use per minute. (default: 95 % of what the venue allows)",
        parse: SettingText.integer(1...1_000_000))
    /// How long a request may take.
    public static let requestTimeout = Setting(
        "binance.request_timeout_seconds", flag: "timeout", default: "30", value: "SECONDS",
        "Time for one request, in seconds.", parse: SettingText.seconds(0.1...3600))
    /// The key for endpoints that want one.
    public static let binanceAPIKey = Setting<String>(
        "binance.api_key", flag: nil, environment: "BINANCE_API_KEY", default: nil, value: "KEY",
        "Key of the venue, for streams and historicalTrades.", parse: SettingText.text)
    /// The REST schema asked for.
    public static let restSchema = Setting(
        "binance.rest_sbe_schema", flag: "sbe-schema", default: "3:5", value: "ID:VERSION",
        "SBE schema to ask the REST API for.", parse: SettingText.text)

    /// Which form of reply.
    public static let restEncoding = Setting(
        "binance.rest_encoding", flag: "encoding", default: "auto", value: "ENCODING",
        "Form of the replies: sbe, json, or auto for SBE with JSON where the venue has no other.",
        parse: SettingText.word(RESTEncoding.self))
    /// Requests at once.
    public static let parallel = Setting(
        "binance.parallel_requests", flag: "parallel", default: "4", value: "COUNT",
        "Requests under way at once.", parse: SettingText.integer(1...64))
    /// Pause of `--follow`.
    public static let pollInterval = Setting(
        "binance.poll_interval_seconds", flag: "poll-interval", default: "1", value: "SECONDS",
        "With --follow: pause after a reply without news, in seconds.",
        parse: SettingText.seconds(0.01...86_400))
    /// Which klines.
    public static let intervals = Setting(
        "binance.kline_intervals", flag: "interval", default: "1m", value: "A,B",
        "Intervals of klines with commas between them: 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M.",
        parse: KlineInterval.list)

    // MARK: - Retrying

    /// Attempts before giving up.
    public static let maxAttempts = Setting(
        "retry.max_attempts", flag: "max-attempts", default: "8", value: "COUNT",
        "Attempts at one request before giving up.", parse: SettingText.integer(1...1000))
    /// The first pause.
    public static let initialBackoff = Setting(
        "retry.initial_backoff_seconds", flag: "initial-backoff", default: "1", value: "SECONDS",
        "Longest first pause between attempts, in seconds; a random part of it is waited.",
        parse: SettingText.seconds(0...3600))
    /// The longest pause.
    public static let maxBackoff = Setting(
        "retry.max_backoff_seconds", flag: "max-backoff", default: "60", value: "SECONDS",
        "Longest pause between attempts, in seconds.", parse: SettingText.seconds(0...3600))

    /// How long a sink keeps trying.
    public static let giveUpAfter = Setting(
        "retry.give_up_seconds", flag: "give-up-after", default: "15m", value: "SECONDS",
        "Time without a success after which a sink gives up with 75; what it holds stays on disk.",
        parse: SettingText.seconds(0...31_536_000))

    // MARK: - dedup

    /// How many ids of a sparse sequence are remembered.
    public static let window = Setting(
        "dedup.window", flag: "window", default: "65536", value: "IDS",
        "Ids remembered for each sequence whose ids have holes by nature, such as bestBidAsk.",
        parse: SettingText.integer(1...100_000_000))

    // MARK: - s3-put

    /// Where objects go.
    public static let destination = Setting<String>(
        "s3.destination", flag: "to", default: nil, value: "URL",
        "s3://BUCKET/PREFIX or file:///DIRECTORY. (default: aws.s3_bucket and aws.s3_bronze_prefix)",
        parse: SettingText.text)
    /// The form of an object's content.
    public static let objectFormat = Setting(
        "s3.format", flag: "format", default: "avro", value: "FORMAT",
        "avro, ndjson or sbe.", parse: SettingText.word(FormatName.self))
    /// How objects are compressed.
    public static let compression = Setting<CompressionName>(
        "s3.compression", flag: "compression", default: nil, value: "CODEC",
        "gzip (in Avro: deflate), zstd or none; the usual one is gzip for avro, else zstd.",
        parse: SettingText.word(CompressionName.self))
    /// The bucket, by the name that existing files use.
    public static let bucket = Setting<String>(
        "aws.s3_bucket", flag: "bucket", default: nil, value: "NAME",
        "Bucket, when --to is not given.", parse: SettingText.text)
    /// The prefix, by the name that existing files use.
    public static let prefix = Setting(
        "aws.s3_bronze_prefix", flag: "prefix", default: "bronze", value: "PREFIX",
        "Key prefix, when --to is not given.", parse: SettingText.text)
    /// Bytes after which an object is finished.
    public static let objectBytes = Setting(
        "s3.object_bytes", flag: "object-bytes", default: "128MiB", value: "BYTES",
        "Finish an object at this many bytes before compression.",
        parse: SettingText.bytes(4096...(64 << 30)))
    /// Age after which an object is finished.
    public static let objectAge = Setting(
        "s3.object_seconds", flag: "object-age", default: "300", value: "SECONDS",
        "Finish an object this many seconds after its first record.",
        parse: SettingText.seconds(0.05...86_400))
    /// Idle time after which an object is finished.
    public static let objectIdle = Setting(
        "s3.idle_seconds", flag: "object-idle", default: "60", value: "SECONDS",
        "Finish an object when no record came for it for this many seconds.",
        parse: SettingText.seconds(0.05...86_400))
    /// Where unfinished objects and the ledger lie.
    public static let stateDirectory = Setting<String>(
        "s3.state_directory", flag: "state-dir", environment: "STATE_DIRECTORY", default: nil,
        value: "DIR",
        "Directory of ledger, spool and unfinished objects. "
            + "(default: .s3-put in a file:// destination, else bitcoin-ingestor/s3-put in $XDG_STATE_HOME)",
        inEnvironment: below(tool: "s3-put"), parse: SettingText.text)
    /// How much the spool may hold.
    public static let spoolMax = Setting(
        "s3.spool_max_bytes", flag: "spool-max", default: "4GiB", value: "BYTES",
        "Most bytes that wait on disk for the service.",
        parse: SettingText.bytes((1 << 20)...(1 << 44)))
    /// How far from the others an event time may be.
    public static let lateness = Setting(
        "s3.lateness_seconds", flag: "lateness", default: "1d", value: "SECONDS",
        "Event times further than this ahead of the clock, or before 2017, go to their own partition.",
        parse: SettingText.seconds(0...315_360_000))

    // MARK: - Known keys

    /// Every key that a configuration file may have.
    static let keys: Set<String> = Set([
        logLevel.key, logFormat.key, statsDirectory.key, instance.key, pipeline.key,
        drainTimeout.key,
        restBaseURL.key, symbols.key, weightLimit.key, requestTimeout.key, binanceAPIKey.key,
        restSchema.key, maxAttempts.key, initialBackoff.key, maxBackoff.key, window.key,
        destination.key, bucket.key, prefix.key, objectBytes.key,
        objectAge.key, objectIdle.key, stateDirectory.key, spoolMax.key, lateness.key,
        giveUpAfter.key, objectFormat.key, compression.key, restEncoding.key, parallel.key,
        pollInterval.key,
        intervals.key,
    ]).union(sinkKeys).union(tapKeys).union(awsKeys).union(healthKeys).union(kinesisKeys)
        .union(cloudWatchKeys)
        .union(kept)

    /// Keys of the service that this replaces which no tool reads yet, or any more: its files
    /// must load as they are.
    private static let kept: Set<String> = [
        "environment", "schema_base_path", "logging.output",
        "binance.rate_limit_requests_per_minute", "binance.api_secret",
        "binance.sbe_schema_version",
        "retry.multiplier", "retry.jitter", "health.endpoint",
    ]
}

/// Which form of reply the venue is asked for.
public enum RESTEncoding: String, CaseIterable, Sendable {
    /// SBE, and JSON where the venue will not.
    case auto
    case sbe
    case json
}

/// The form of an object's content.
public enum FormatName: String, CaseIterable, Sendable {
    case avro
    case ndjson
    case sbe
}

/// How objects are compressed.
public enum CompressionName: String, CaseIterable, Sendable {
    case zstd
    case gzip
    case none
}

extension KlineInterval {
    /// Intervals with commas between them; `1m` and `1M` differ.
    @Sendable
    static func list(_ text: String) throws(SettingError) -> [KlineInterval] {
        var intervals: [KlineInterval] = []
        for name in try SettingText.list(text) {
            guard let interval = KlineInterval(rawValue: name), !intervals.contains(interval) else {
                let names = KlineInterval.allCases.map(\.rawValue).joined(separator: " ")
                throw SettingError(
                    "\"\(name)\" is not an interval, or is named twice; intervals are \(names)")
            }
            intervals.append(interval)
        }
        return intervals
    }
}
