/// Keys of the service that this replaces which no program reads: its files must load as they are.
enum RetiredKeys {
    /// All of them.
    static let all: Set<String> = [
        "environment", "schema_base_path", "logging.output",
        "binance.rate_limit_requests_per_minute", "binance.api_secret",
        "binance.sbe_schema_version",
        "retry.multiplier", "retry.jitter", "health.endpoint",
    ]
}
