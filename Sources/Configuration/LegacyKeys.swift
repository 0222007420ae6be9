/// A key of the service that this replaces which has another name here, or no use any more.
///
/// Its files must load as they are, and nothing that a person wrote in them may be without effect in
/// silence: each of these has a word for whoever still sets it.
struct LegacyKey: Sendable {
    let key: String
    /// The key that is set instead; nil where nothing is.
    let successor: String?
    /// Why it has no effect, or what changed.
    let reason: String
    /// Values that say what is done here anyway, so that nothing is to be said about them.
    let silentValues: Set<String>
    /// The programs that would have read it, and that say so.
    let programs: Set<Program>

    private init(
        _ key: String, renamed successor: String? = nil, _ reason: String,
        unless silentValues: Set<String> = [], for programs: Set<Program>
    ) {
        self.key = key
        self.successor = successor
        self.reason = reason
        self.silentValues = silentValues
        self.programs = programs
    }

    /// The variable, by the rule of all keys.
    var variable: String { SettingName.variable(of: key) }

    /// What is said about a value; nil when it says what is done here anyway.
    func warning(about text: String) -> String? {
        guard !silentValues.contains(text.lowercased()) else { return nil }
        guard let successor else { return "\(key) has no effect: \(reason)" }
        return "\(key) is now \(successor), which is set from it: \(reason)"
    }

    // MARK: - The keys

    /// All of them.
    static let all: [LegacyKey] = [
        LegacyKey(
            "binance.rate_limit_requests_per_minute", renamed: "binance.weight_per_minute",
            "the venue counts the weight of requests, which is 1 or more for each; without a limit 95 % of what the venue allows is used",
            for: Program.sources),
        LegacyKey(
            "binance.api_secret", "market data needs no signature; take the secret out",
            for: Program.sources),
        LegacyKey(
            "binance.sbe_schema_version",
            "each message of the streams names its schema version, and the REST schema is binance.rest_sbe_schema",
            for: Program.sources),
        LegacyKey(
            "binance.sbe_base_url", renamed: "binance.sbe_ws_url", "one name for one thing",
            for: [.sbeTap]),
        LegacyKey(
            "binance.reconnect_interval_seconds", renamed: "retry.initial_backoff_seconds",
            "pauses grow from it to retry.max_backoff_seconds, and a random part of each is waited",
            for: [.sbeTap]),
        LegacyKey(
            "binance.heartbeat_interval_seconds",
            "the venue pings, and sbe-tap answers; a silent connection is replaced after binance.stall_timeout_seconds",
            for: [.sbeTap]),
        LegacyKey(
            "retry.multiplier", "each pause may be twice the one before",
            unless: ["2", "2.0", "2.00"], for: Program.sources),
        LegacyKey(
            "retry.jitter", "a random part of each pause is always waited",
            unless: ["true", "yes", "on", "1"],
            for: Program.sources),
        LegacyKey(
            "aws.max_retries", "aws.max_attempts counts the first attempt too", for: Program.sinks),
        LegacyKey(
            "aws.kinesis_max_retries",
            "kinesis-put retries until retry.give_up_seconds have passed without a success",
            for: [.kinesisPut]),
        LegacyKey(
            "kinesis.max_retries",
            "kinesis-put retries until retry.give_up_seconds have passed without a success",
            for: [.kinesisPut]),
        LegacyKey(
            "aws.s3_checkpoint_prefix",
            "what was delivered is in the ledger of the state directory; rest-pull --resume reads it",
            for: [.s3Put]),
        LegacyKey(
            "checkpoint.storage_type",
            "what was delivered is in the ledger of the state directory; rest-pull --resume reads it",
            for: [.s3Put, .restPull]),
        LegacyKey(
            "checkpoint.local_directory",
            "what was delivered is in the ledger of the state directory, s3.state_directory",
            for: [.s3Put, .restPull]),
        LegacyKey(
            "scheduler.collection_interval",
            "rest-pull runs once, or with --follow until it is stopped; use a systemd timer to repeat it",
            for: [.restPull]),
        LegacyKey(
            "scheduler.data_types", "the first argument of rest-pull says what to fetch",
            for: [.restPull]),
        LegacyKey(
            "scheduler.overlap_minutes",
            "rest-pull --resume asks for the ids that are missing, so that nothing overlaps",
            for: [.restPull]),
        LegacyKey(
            "health.endpoint", "the answers are at /health, /ready and /live",
            unless: ["/health"], for: [.healthd]),
        LegacyKey(
            "logging.output",
            "log lines go to standard error, since standard output carries records; 2>FILE puts them in a file",
            unless: ["stderr"], for: Program.stages),
        LegacyKey(
            "schema_base_path",
            "the schemas are part of the programs; recq schema prints them, and docs/schemas has them",
            for: Program.sinks),
    ]

    /// By key.
    static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
}

/// How a key's variable is called.
enum SettingName {
    /// The key in capitals, with `__` for each dot.
    static func variable(of key: String) -> String {
        key.split(separator: ".").joined(separator: "__").uppercased()
    }
}
