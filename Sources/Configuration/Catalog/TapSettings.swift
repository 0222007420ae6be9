import Identity

/// The settings of the live source.
public struct TapSettings: SettingTheme {
    static let title = "sbe-tap"
    static let programs: Set<Program> = [.sbeTap]

    /// The stream server.
    public let streamURL = Setting(
        "binance.sbe_ws_url", flag: "ws-url", default: "wss://stream-sbe.binance.com:9443",
        value: "URL", "Base URL of the venue's SBE streams; a /ws at its end is removed.",
        parse: SettingText.url(["wss", "ws"]))
    /// The server of the streams that need no key.
    public let jsonStreamURL = Setting(
        "binance.json_ws_url", flag: "ws-url", default: "wss://data-stream.binance.vision:443",
        value: "URL", "Base URL of the venue's JSON streams; --ws-url sets it too.",
        parse: SettingText.url(["wss", "ws"]))
    /// Which form of the streams.
    public let streamEncoding = Setting(
        "binance.stream_encoding", flag: "encoding", default: "auto", value: "ENCODING",
        "sbe (needs an API key), json (needs none), or auto: sbe if there is a key and it has all "
            + "streams.",
        parse: SettingText.word(RESTEncoding.self))
    /// Which streams.
    public let streamKinds = Setting(
        "binance.stream_types", flag: "streams", default: "trade,bestBidAsk,depth", value: "A,B",
        "Streams of each symbol: trade, bestBidAsk, depth, depth20; in JSON also aggTrade, kline_1m.",
        parse: SettingText.list(of: streamNames))
    /// Redundant connections.
    public let connections = Setting(
        "binance.connections", flag: "connections", default: "1", value: "COUNT",
        "Redundant connections with the same streams; the first copy of each record is passed on.",
        parse: SettingText.integer(1...16))
    /// Silence that counts as a loss.
    public let streamStallTimeout = Setting(
        "binance.stall_timeout_seconds", flag: "stall-timeout", default: "60", value: "SECONDS",
        "Reconnect when neither data nor a ping came for this long, in seconds.",
        parse: SettingText.seconds(0.05...86_400))
    /// Age at which a connection is replaced.
    public let maximumConnectionAge = Setting(
        "binance.max_connection_age_seconds", flag: "max-connection-age", default: "23h",
        value: "SECONDS", "Replace a connection at this age; the venue cuts it at 24 hours.",
        parse: SettingText.seconds(0.1...86_400))
    /// Overlap of a connection and its successor.
    public let rotationOverlap = Setting(
        "binance.rotation_overlap_seconds", flag: "rotation-overlap", default: "10",
        value: "SECONDS",
        "Longest time that a connection and its successor both run, when a stream is quiet.",
        parse: SettingText.seconds(0...3600))
    /// Time after which a stream without data is named.
    public let firstDataTimeout = Setting(
        "binance.first_data_seconds", flag: "first-data-timeout", default: "60", value: "SECONDS",
        "Warn about a stream that has no data this long after it was requested, in seconds.",
        parse: SettingText.seconds(0.05...86_400))
    /// How long a record waits for another connection's copy of those before it.
    public let reorderWindow = Setting(
        "binance.reorder_window_seconds", flag: "reorder-window", default: "500ms",
        value: "SECONDS",
        "With several connections: time for another one to fill a hole.",
        parse: SettingText.seconds(0...60))
    /// Whose certificates are trusted.
    public let authorities = Setting<String>(
        "binance.ca_file", flag: "ca", default: nil, value: "FILE",
        "Certificate authorities to trust instead of the system's.", for: Program.sources,
        parse: SettingText.path)
    /// Bytes that may wait for a slow reader.
    public let bufferBytes = Setting(
        "tap.buffer_bytes", flag: "buffer-bytes", default: "64MiB", value: "BYTES",
        "Bytes that may wait in memory when the reader of standard output is slow.",
        parse: SettingText.bytes((64 << 10)...(64 << 30)))
    /// What happens when more waits.
    public let overflow = Setting(
        "tap.overflow", flag: "overflow", default: "block", value: "POLICY",
        "For a slow reader: block, spill:DIR or drop. block stops reading the network, spill uses a "
            + "file in DIR, drop drops records and declares that in gap records.",
        parse: SettingForm(.text, OverflowPolicy.parse))
    /// How much may be spilled.
    public let spillMax = Setting(
        "tap.spill_max_bytes", flag: "spill-max", default: "4GiB", value: "BYTES",
        "Bytes that spill:DIR may hold; beyond that the network is not read until there is space.",
        parse: SettingText.bytes((1 << 20)...(1 << 44)))
    /// Where messages go that are not understood.
    public let quarantine = Setting<String>(
        "tap.quarantine", flag: "quarantine", default: nil, value: "FILE",
        "File for messages that cannot be decoded. "
            + "(default: bitcoin-ingestor/sbe-tap/quarantine.ndjson in $XDG_STATE_HOME)",
        parse: SettingText.path)
    /// How large that file may become.
    public let quarantineBytes = Setting(
        "tap.quarantine_max_bytes", flag: "quarantine-bytes", default: "64MiB", value: "BYTES",
        "Largest size of the quarantine file; beyond it messages are only counted.",
        parse: SettingText.bytes(0...(1 << 40)))

    init() {}
}

/// What a source does when its reader is too slow.
public enum OverflowPolicy: Sendable, Equatable, CustomStringConvertible {
    /// The network is not read until there is room.
    case block
    /// Records go through a file in this directory.
    case spill(String)
    /// Records are left out.
    case drop

    /// As the command line has it.
    public var description: String {
        switch self {
        case .block: "block"
        case .spill(let directory): "spill:\(directory)"
        case .drop: "drop"
        }
    }

    @Sendable
    static func parse(_ text: String) throws(SettingError) -> Self {
        if text == "block" { return .block }
        if text == "drop" { return .drop }
        guard text.hasPrefix("spill:"), text.utf8.count > 6 else {
            throw SettingError("\"\(text)\" is not block, drop or spill:DIR")
        }
        return .spill(String(text.dropFirst(6)))
    }
}

/// The venue's streams, by the names that their settings have.
private let streamNames =
    ["trade", "aggTrade", "bestBidAsk", "depth", "depth20"]
    + KlineInterval.allCases.map { "kline_\($0.rawValue)" }
