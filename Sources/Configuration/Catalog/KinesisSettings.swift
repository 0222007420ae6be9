/// The settings of kinesis-put.
public struct KinesisSettings: SettingTheme {
    static let title = "kinesis-put"
    static let programs: Set<Program> = [.kinesisPut]

    // MARK: - Where records go

    /// The stream of trades, by the name that existing files use.
    public let tradeStream = Setting(
        "aws.kinesis_trade_stream", flag: nil, default: "market-sbe-trade", value: "NAME",
        "Stream for trades.", parse: SettingText.text)
    /// The stream of best bids and asks, by the name that existing files use.
    public let quoteStream = Setting(
        "aws.kinesis_bba_stream", flag: nil, default: "market-sbe-bestbidask", value: "NAME",
        "Stream for best bids and asks.", parse: SettingText.text)
    /// The stream of depth diffs, by the name that existing files use.
    public let depthStream = Setting(
        "aws.kinesis_depth_stream", flag: nil, default: "market-sbe-depth", value: "NAME",
        "Stream for depth diffs.", parse: SettingText.text)
    /// Streams by kind.
    public let streams = Setting<[String]>(
        "kinesis.streams", flag: "streams", default: nil, value: "KIND=NAME,...",
        "Streams for kinds, by name or ARN; * is every kind. (otherwise: aws.kinesis_*_stream, and for "
            + "other kinds the name of the trade stream with the kind in place of trade: "
            + "market-sbe-KIND)",
        parse: SettingText.list)
    /// Whether missing streams are made.
    public let createStreams = Setting(
        "kinesis.create_streams", flag: "create-streams", default: "false", value: "BOOLEAN",
        "Create streams that do not exist; for development.", parse: SettingText.boolean)
    /// Shards of a stream that is made.
    public let shards = Setting(
        "kinesis.shards", flag: "shards", default: "1", value: "COUNT",
        "With --create-streams: shards of a new stream.", parse: SettingText.integer(1...10_000))

    // MARK: - The form of records

    /// The form of a record's data.
    public let payloadFormat = Setting(
        "kinesis.format", flag: "format", default: "avro", value: "FORMAT",
        "avro (single-object encoding), json or sbe.", parse: SettingText.word(PayloadFormat.self))
    /// Whether each record is compressed.
    public let payloadCompression = Setting(
        "kinesis.compression", flag: "compression", default: "none", value: "CODEC",
        "zstd or none, for each record separately.",
        parse: SettingText.word(PayloadCompressionName.self))
    /// What the partition key is made of.
    public let partitionKey = Setting(
        "kinesis.partition_key", flag: "partition-key", default: "symbol", value: "RULE",
        "symbol, symbol-kind, or id-block: sub-keys of a symbol that change with blocks of ids.",
        parse: SettingText.word(PartitionKeyName.self))
    /// Ids that share a sub-key.
    public let idBlock = Setting(
        "kinesis.id_block", flag: "id-block", default: "10000", value: "IDS",
        "With id-block: consecutive ids that share a sub-key.",
        parse: SettingText.integer(1...1_000_000_000))
    /// Sub-keys of a symbol.
    public let subKeys = Setting(
        "kinesis.sub_keys", flag: "sub-keys", default: "8", value: "COUNT",
        "With id-block: sub-keys of a symbol.", parse: SettingText.integer(1...1000))
    /// Whether keys are spread evenly.
    public let explicitHash = Setting(
        "kinesis.explicit_hash", flag: "explicit-hash", default: "false", value: "BOOLEAN",
        "Distribute the keys over the shards by explicit hash keys from the shard map.",
        parse: SettingText.boolean)

    // MARK: - Calls

    /// How order is kept.
    public let order = Setting(
        "kinesis.order", flag: "order", default: "relaxed", value: "RULE",
        "With --no-aggregate. relaxed: a call has many records of a key, and one that fails is "
            + "stored after later ones; strict: one record of a key per call, in order, about 90 a "
            + "second at a round trip of 10 ms. Containers always keep order.",
        parse: SettingText.word(OrderName.self))
    /// Whether records are packed into containers.
    public let aggregate = Setting(
        "kinesis.aggregate", flag: "aggregate", default: "true", value: "BOOLEAN",
        "Pack records into KPL containers, in order; the KCL and AWS's deaggregation modules unpack "
            + "them. --no-aggregate sends single records.",
        parse: SettingText.boolean)
    /// Longest container.
    public let aggregateBytes = Setting(
        "kinesis.aggregate_bytes", flag: "aggregate-bytes", default: "100KiB", value: "BYTES",
        "Longest container, a multiple of the billing unit of 25 KiB.",
        parse: SettingText.bytes(25_600...(1 << 20)))
    /// Records a call.
    public let batchRecords = Setting(
        "aws.kinesis_batch_size", flag: "batch-records", default: "500", value: "COUNT",
        "Most records per call; the service accepts 500.", parse: SettingText.integer(1...500))
    /// Bytes a call.
    public let batchBytes = Setting(
        "kinesis.batch_bytes", flag: "batch-bytes", default: "5MiB", value: "BYTES",
        "Most bytes per call, data and keys; AWS accepts 10 MiB, local servers 5.",
        parse: SettingText.bytes(4096...(10 << 20)))
    /// Bytes a record.
    public let recordBytes = Setting(
        "kinesis.record_bytes", flag: "record-bytes", default: "1MiB", value: "BYTES",
        "Longest record, data and key; a stream has its own limit, which cannot be exceeded.",
        parse: SettingText.bytes(1024...(10 << 20)))
    /// Time between calls that are not full.
    public let linger = Setting(
        "aws.kinesis_flush_interval_seconds", flag: "linger", default: "20ms", value: "SECONDS",
        "Minimum time between two partial calls to a shard, in seconds; the first is sent "
            + "at once.",
        parse: SettingText.seconds(0...60))
    /// Time for a request.
    public let kinesisTimeout = Setting(
        "kinesis.request_timeout_seconds", flag: "request-timeout", default: "10",
        value: "SECONDS", "Time for one request, in seconds.",
        parse: SettingText.seconds(0.1...600))
    /// Connections.
    public let kinesisConnections = Setting(
        "kinesis.connections", flag: "connections", default: "32", value: "COUNT",
        "Most connections, and thus calls in flight.", parse: SettingText.integer(1...1024))
    /// Pause where a person is needed.
    public let holdPause = Setting(
        "kinesis.hold_seconds", flag: "hold-pause", default: "30", value: "SECONDS",
        "Pause between attempts while a stream is missing or may not be written to, in seconds.",
        parse: SettingText.seconds(0.05...3600))
    /// How often the shard map is read.
    public let shardRefresh = Setting(
        "kinesis.shard_refresh_seconds", flag: "shard-refresh", default: "60", value: "SECONDS",
        "Time between readings of the shard map, in seconds; a stray record causes one at once.",
        parse: SettingText.seconds(0.05...86_400))

    // MARK: - What waits

    /// Where what waits is kept.
    public let kinesisState = Setting<String>(
        "kinesis.state_directory", flag: "state-dir", environment: "STATE_DIRECTORY", default: nil,
        value: "DIR",
        "Directory of ledger and spools. (default: bitcoin-ingestor/kinesis-put in $XDG_STATE_HOME)",
        inEnvironment: SinkSettings.below(tool: "kinesis-put"), parse: SettingText.path)
    /// How much may wait on disk.
    public let kinesisSpoolMax = Setting(
        "kinesis.spool_max_bytes", flag: "spool-max", default: "4GiB", value: "BYTES",
        "Most bytes that wait on disk for the service; then reading stops.",
        parse: SettingText.bytes((1 << 20)...(1 << 44)))
    /// How much waits in memory.
    public let windowBytes = Setting(
        "kinesis.memory_bytes", flag: "memory", default: "16MiB", value: "BYTES",
        "Most bytes of records in memory; the rest is read again from disk.",
        parse: SettingText.bytes((1 << 20)...(1 << 34)))
    /// When the spool is forced to the device.
    public let syncRule = Setting(
        "kinesis.fsync", flag: "fsync", default: "interval", value: "RULE",
        "When records are synced to disk: batch (before they are sent), interval (those that still "
            + "wait after --sync-interval) or never. A killed process loses nothing either way.",
        parse: SettingText.word(SyncName.self))

    init() {}
}

/// The form of a record's data.
public enum PayloadFormat: String, CaseIterable, Sendable {
    /// Avro's single-object encoding: two marker bytes, the schema's fingerprint, the record.
    case avro
    /// One JSON object.
    case json
    /// Our own frame, as it is.
    case sbe
}

/// How a record's data is compressed.
public enum PayloadCompressionName: String, CaseIterable, Sendable {
    case none
    case zstd
}

/// What the partition key is made of.
public enum PartitionKeyName: String, CaseIterable, Sendable {
    case symbol
    case symbolKind = "symbol-kind"
    case idBlock = "id-block"
}

/// How order is kept.
public enum OrderName: String, CaseIterable, Sendable {
    case strict
    case relaxed
}

/// When what waits is forced to the device.
public enum SyncName: String, CaseIterable, Sendable {
    case batch
    case interval
    case never
}
