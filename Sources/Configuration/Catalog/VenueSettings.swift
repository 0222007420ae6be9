public import Identity

/// How the venue is reached, and what is asked of it.
public struct VenueSettings: SettingTheme {
    static let title = "The venue"
    static let programs: Set<Program> = Program.sources

    /// The REST base URL.
    public let restBaseURL = Setting(
        "binance.rest_base_url", flag: "base-url", default: "https://data-api.binance.vision",
        value: "URL", "Base URL of the venue's REST API.",
        parse: SettingText.url(["https", "http"]))
    /// Whose records.
    public let symbols = Setting(
        "binance.symbols", flag: "symbols", alias: "symbol", default: "BTCUSDT", value: "A,B",
        "Symbols in either case, comma-separated.", parse: SettingText.list)
    /// Which of them, where several hosts share them.
    public let shard = Setting<SymbolShard>(
        "binance.shard", flag: "shard", default: nil, value: "I/N",
        "Part I of N of the symbols, from 1, for one of N hosts. Each symbol is in "
            + "one part, and adding or removing a host moves only its own. ordinal:O/N counts from 0.",
        parse: SymbolShard.form)
    /// A cap below the venue's own.
    public let weightLimit = Setting<Int>(
        "binance.weight_per_minute", flag: "weight-limit", default: nil, value: "WEIGHT",
        "Request weight to use per minute. (default: 95 % of the venue's limit)",
        parse: SettingText.integer(1...1_000_000))
    /// How long a request may take.
    public let requestTimeout = Setting(
        "binance.request_timeout_seconds", flag: "timeout", default: "30", value: "SECONDS",
        "Time for one request, in seconds.", for: [.restPull],
        parse: SettingText.seconds(0.1...3600))
    /// The key for endpoints that want one.
    public let binanceAPIKey = Setting<String>(
        "binance.api_key", flag: nil, environment: "BINANCE_API_KEY", default: nil, value: "KEY",
        "API key of the venue, for SBE streams and historicalTrades.", isSecret: true,
        parse: SettingText.text)
    /// The REST schema asked for.
    public let restSchema = Setting(
        "binance.rest_sbe_schema", flag: "sbe-schema", default: "3:5", value: "ID:VERSION",
        "SBE schema to ask the REST API for.", for: [.restPull], parse: SettingText.schema)

    /// Which form of reply.
    public let restEncoding = Setting(
        "binance.rest_encoding", flag: "encoding", default: "auto", value: "ENCODING",
        "Form of replies: sbe, json, or auto: SBE where available, else JSON.",
        for: [.restPull], parse: SettingText.word(RESTEncoding.self))
    /// Requests at once.
    public let parallel = Setting(
        "binance.parallel_requests", flag: "parallel", default: "4", value: "COUNT",
        "Requests in flight at once.", for: [.restPull], parse: SettingText.integer(1...64))
    /// Pause of `--follow`.
    public let pollInterval = Setting(
        "binance.poll_interval_seconds", flag: "poll-interval", default: "1", value: "SECONDS",
        "With --follow: pause after a reply without new records, in seconds.",
        for: [.restPull], parse: SettingText.seconds(0.01...86_400))
    /// Which klines.
    public let intervals = Setting(
        "binance.kline_intervals", flag: "interval", default: "1m", value: "A,B",
        "Intervals of klines, comma-separated: 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M.",
        for: [.restPull], parse: KlineInterval.form)

    /// Where the archive is.
    public let archiveURL = Setting(
        "binance.archive_base_url", flag: "archive-url", default: "https://data.binance.vision",
        value: "URL", "Base URL of the venue's public archive of daily and monthly files.",
        for: [.restPull], parse: SettingText.url(["https", "http"]))
    /// Where its files are.
    public let archiveDirectory = Setting<String>(
        "binance.archive_directory", flag: "archive-dir", default: nil, value: "DIR",
        "Directory for the archive's files while they are read; a partial download is kept "
            + "for the next run. (default: bitcoin-ingestor/archive in $XDG_CACHE_HOME)",
        for: [.restPull], parse: SettingText.path)
    /// How long a hole may be filled by itself.
    public let settle = Setting(
        "repair.settle_seconds", flag: "settle", default: "10", value: "SECONDS",
        "With --repair: age at which a hole is fetched; it may be filled without a repair before.",
        for: [.restPull], parse: SettingText.seconds(0...86_400))
    /// How often a ledger is looked at.
    public let look = Setting(
        "repair.look_seconds", flag: "look-interval", default: "5", value: "SECONDS",
        "With --repair: time between two looks at the ledger.", for: [.restPull],
        parse: SettingText.seconds(0.05...86_400))

    init() {}
}

/// Which form of reply the venue is asked for.
public enum RESTEncoding: String, CaseIterable, Sendable {
    /// SBE, and JSON where the venue will not.
    case auto
    case sbe
    case json
}

extension SymbolShard {
    /// One of several parts of the symbols.
    static let form = SettingForm<SymbolShard> { text throws(SettingError) in
        do throws(Refusal) { return try SymbolShard(typed: text) } catch {
            throw SettingError(error.description)
        }
    }
}

extension KlineInterval {
    /// Intervals with commas between them; `1m` and `1M` differ.
    static let form = SettingForm<[KlineInterval]>(.list(allCases.map(\.rawValue))) {
        text throws(SettingError) in
        var intervals: [KlineInterval] = []
        for name in SettingText.elements(text) {
            guard let interval = KlineInterval(rawValue: name), !intervals.contains(interval) else {
                let names = allCases.map(\.rawValue).joined(separator: " ")
                throw SettingError(
                    "\"\(name)\" is not an interval, or is named twice; intervals are \(names)")
            }
            intervals.append(interval)
        }
        return intervals
    }
}
