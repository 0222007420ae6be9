/// What every stage has.
public struct CommonSettings: SettingTheme {
    static let title = "Every program"
    static let programs: Set<Program> = Program.all

    /// How loud the log is.
    public let logLevel = Setting(
        "logging.level", flag: "log-level", default: "INFO", value: "LEVEL",
        "Lowest level that is logged: DEBUG, INFO, WARNING or ERROR.",
        parse: SettingForm(SettingText.word(LogLevel.self).shape) { text throws(SettingError) in
            // What other programs call them.
            let others = ["warn": "WARNING", "err": "ERROR", "trace": "DEBUG"]
            return try SettingText.word(LogLevel.self)(others[text.lowercased()] ?? text)
        })
    /// How a log line looks.
    public let logFormat = Setting<LogFormat>(
        "logging.format", flag: "log-format", default: nil, value: "FORMAT",
        "text or json. (default: text on a terminal, else json)",
        parse: SettingText.word(LogFormat.self))
    /// Where stats files are.
    public let statsDirectory = Setting(
        "stats.directory", flag: "stats-dir", environment: "STATS_DIR", default: nil, value: "DIR",
        "Directory of stats files. (default: bitcoin-ingestor in $XDG_RUNTIME_DIR or /run)",
        parse: SettingText.path)
    /// What tells two processes of one stage apart.
    public let instance = Setting(
        "stats.instance", flag: "instance", environment: "STAGE_INSTANCE", default: nil,
        value: "NAME",
        "Name of this process within its stage. A run without a name does not count for the "
            + "host's health. (default: that of its systemd unit, else its pid)",
        parse: SettingText.name)
    /// Which pipeline a stage is part of.
    public let pipeline = Setting<String>(
        "stats.pipeline", flag: nil, environment: "PIPELINE_NAME", default: nil, value: "NAME",
        "Name of the pipeline that a stage is part of. (default: the one of its host)",
        parse: SettingText.text)
    /// How long a stage drains.
    public let drainTimeout = Setting(
        "drain_timeout_seconds", flag: "drain-timeout", default: "10", value: "SECONDS",
        "Time to drain after SIGTERM, in seconds.",
        for: [.sbeTap, .dedup, .fanOut, .s3Put, .kinesisPut], parse: SettingText.seconds(0...3600))

    /// Which deployment this is.
    public let environment = Setting(
        "environment", flag: nil, default: "local", value: "NAME",
        "Name of the deployment, such as local, dev or prod, which healthd's answers repeat.",
        for: [.healthd], parse: SettingText.name)

    // MARK: - Retrying

    /// Attempts before giving up.
    public let maxAttempts = Setting(
        "retry.max_attempts", flag: "max-attempts", default: "8", value: "COUNT",
        "Attempts at one request before giving up.", for: [.restPull],
        parse: SettingText.integer(1...1000))
    /// The first pause.
    public let initialBackoff = Setting(
        "retry.initial_backoff_seconds", flag: "initial-backoff", default: "1", value: "SECONDS",
        "Longest first pause between attempts, in seconds; the actual pause is a random part of it.",
        for: Program.sources, parse: SettingText.seconds(0...3600))
    /// The longest pause.
    public let maxBackoff = Setting(
        "retry.max_backoff_seconds", flag: "max-backoff", default: "60", value: "SECONDS",
        "Longest pause between attempts, in seconds.", for: Program.sources,
        parse: SettingText.seconds(0...3600))

    /// How long a sink keeps trying.
    public let giveUpAfter = Setting(
        "retry.give_up_seconds", flag: "give-up-after", default: "15m", value: "SECONDS",
        "Time without a success after which a sink gives up with 75; undelivered records stay on disk.",
        for: Program.sinks, parse: SettingText.seconds(0...31_536_000))

    // MARK: - dedup

    /// How many ids of an increasing sequence are remembered.
    public let window = Setting(
        "dedup.window", flag: "window", default: "65536", value: "IDS",
        "Ids remembered of each sequence without contiguous ids, such as bestBidAsk.",
        for: [.dedup], parse: SettingText.integer(1...100_000_000))
    /// Where several hosts agree on who passes a record on.
    public let shared = Setting<String>(
        "dedup.shared", flag: "shared", default: nil, value: "URL",
        "Redis server for several hosts that pass each record on once: "
            + "redis://[user:password@]host[:port][/db], rediss:// or unix:///path.",
        isSecret: true, for: [.dedup], parse: SettingText.text)
    /// What those hosts share.
    public let sharedName = Setting<String>(
        "dedup.shared_name", flag: "shared-name", default: nil, value: "NAME",
        "Name of the destination that hosts with --shared have in common. (default: "
            + "PIPELINE_NAME)",
        for: [.dedup], parse: SettingText.name)
    /// How long a host is trusted to pass on what it has.
    public let sharedLease = Setting(
        "dedup.shared_lease_seconds", flag: "shared-lease", default: "3", value: "SECONDS",
        "Silence of a host after which another one takes over its symbols, with --shared; records "
            + "that it did not pass on follow after twice that.",
        for: [.dedup], parse: SettingText.seconds(0.2...3600))
    /// How long the server may take.
    public let sharedTimeout = Setting(
        "dedup.shared_timeout_seconds", flag: "shared-timeout", default: "500ms", value: "SECONDS",
        "Time for an answer of the server of --shared; after it this host continues alone.",
        for: [.dedup], parse: SettingText.seconds(0.01...60))
    /// How long claims are remembered.
    public let sharedExpiry = Setting(
        "dedup.shared_expiry_seconds", flag: "shared-expiry", default: "24h", value: "SECONDS",
        "Time for which the server of --shared remembers a claim.",
        for: [.dedup], parse: SettingText.seconds(10...31_536_000))
    /// How much may wait for other hosts.
    public let sharedHold = Setting(
        "dedup.shared_hold_bytes", flag: "shared-hold", default: "256MiB", value: "BYTES",
        "Bytes of records kept until another host claims them, with --shared; beyond that the oldest are "
            + "dropped.",
        for: [.dedup], parse: SettingText.bytes((64 << 10)...(64 << 30)))
    /// Whose certificates are trusted.
    public let sharedAuthorities = Setting<String>(
        "dedup.shared_ca_file", flag: "shared-ca", default: nil, value: "FILE",
        "Certificate authorities to trust for rediss:// instead of the system's.",
        for: [.dedup], parse: SettingText.path)

    init() {}
}
