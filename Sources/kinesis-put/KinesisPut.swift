import ArgumentParser
import AWS
import Configuration
import Identity
import Posix
import Records
import Sink
import Stage
import StageAWS
import Stats

@main
struct KinesisPut: StageCommand {
    static let configuration = CommandConfiguration(
        commandName: "kinesis-put",
        abstract: "Deliver records to Kinesis data streams, in order and once.",
        discussion: """
            EXAMPLES:
              sbe-tap --symbols BTCUSDT --streams trade | dedup | kinesis-put
              rest-pull trades --limit 1000 | kinesis-put --no-aggregate --format json

            One stream per kind. Records are spooled in the state directory until Kinesis confirms
            them, then entered in the ledger: ledgerctl shows it.
            """,
        version: Version.text)
    static let essentials = [
        "streams", "create-streams", "format", "aggregate", "no-aggregate", "state-dir", "check",
        "plan", "region", "endpoint-url",
    ]

    @Option(SettingCatalog.streams) var streams: [String]?
    @Flag(help: "Create streams that do not exist; for development.") var createStreams = false
    @Option(SettingCatalog.shards) var shards: Int?
    @Option(SettingCatalog.payloadFormat) var format: PayloadFormat?
    @Option(SettingCatalog.payloadCompression) var compression: PayloadCompressionName?
    @Option(SettingCatalog.partitionKey) var partitionKey: PartitionKeyName?
    @Option(SettingCatalog.idBlock) var idBlock: Int?
    @Option(SettingCatalog.subKeys) var subKeys: Int?
    @Flag(help: "Spread the keys over the shards by explicit hash keys from the shard map.")
    var explicitHash = false
    @Option(SettingCatalog.order) var order: OrderName?
    @Flag(
        inversion: .prefixedNo,
        help: """
            Pack records into KPL containers, in order (the default); the KCL and AWS's \
            deaggregation modules unpack them. --no-aggregate sends single records.
            """)
    var aggregate: Bool?
    @Option(SettingCatalog.aggregateBytes) var aggregateBytes: Int?
    @Option(SettingCatalog.batchRecords) var batchRecords: Int?
    @Option(SettingCatalog.batchBytes) var batchBytes: Int?
    @Option(SettingCatalog.recordBytes) var recordBytes: Int?
    @Option(SettingCatalog.linger) var linger: Double?
    @Option(SettingCatalog.kinesisTimeout) var requestTimeout: Double?
    @Option(SettingCatalog.kinesisConnections) var connections: Int?
    @Option(SettingCatalog.holdPause) var holdPause: Double?
    @Option(SettingCatalog.circuitFailures) var circuitFailures: Int?
    @Option(SettingCatalog.circuitCoolDown) var circuitCooldown: Double?
    @Option(SettingCatalog.shardRefresh) var shardRefresh: Double?
    @Option(SettingCatalog.kinesisState) var stateDir: String?
    @Option(SettingCatalog.kinesisSpoolMax) var spoolMax: Int?
    @Option(SettingCatalog.windowBytes) var memory: Int?
    @Option(SettingCatalog.syncRule) var fsync: SyncName?
    @Option(SettingCatalog.syncInterval) var syncInterval: Double?
    @Option(SettingCatalog.drainTimeout) var drainTimeout: Double?
    @Option(SettingCatalog.giveUpAfter) var giveUpAfter: Double?
    @Option(SettingCatalog.region) var region: String?
    @Option(SettingCatalog.kinesisEndpoint) var endpointURL: String?
    @Option(SettingCatalog.widestRecord) var maxIDs: Int?
    @Option(SettingCatalog.farthestID) var maxIDJump: Int?
    @Option(
        help: ArgumentHelp(
            "Deliver ids of this sequence that started over as a new epoch; may be repeated.",
            valueName: "SYMBOL/KIND"),
        transform: EpochSetting.sequence)
    var newEpoch: [SequenceID] = []
    @Flag(help: "Only check whether the streams are writable, then exit.") var check = false
    @Flag(
        name: .customLong("plan"),
        help: """
            Read records, print the shards that they need and what those cost, and end. Nothing is \
            sent.
            """)
    var onlyPlans = false
    @OptionGroup var common: CommonOptions

    var takesOver: Set<String> { KinesisOptions.takesOver }

    func plan(_ settings: inout Settings) throws -> KinesisOptions {
        let names = try StreamNames(
            standard: [
                .trade: settings.value(SettingCatalog.tradeStream),
                .bestBidAsk: settings.value(SettingCatalog.quoteStream),
                .depthDiff: settings.value(SettingCatalog.depthStream),
            ], settings.optional(SettingCatalog.streams, streams) ?? [])
        let location = try location(names, &settings)
        var kinesis = KinesisConfiguration(location)
        kinesis.requestTimeout = try settings.value(SettingCatalog.kinesisTimeout, requestTimeout)
        kinesis.connections = try settings.value(SettingCatalog.kinesisConnections, connections)
        let longest = try settings.value(SettingCatalog.aggregateBytes, aggregateBytes)
        return KinesisOptions(
            streams: names,
            createsStreams: try settings.value(
                SettingCatalog.createStreams, createStreams ? true : nil),
            shards: try settings.value(SettingCatalog.shards, shards),
            format: try settings.value(SettingCatalog.payloadFormat, format),
            isCompressed: try settings.value(SettingCatalog.payloadCompression, compression)
                == .zstd,
            keys: try keyRule(&settings), rules: try rules(&settings),
            batchBytes: try settings.value(SettingCatalog.batchBytes, batchBytes),
            recordBytes: try settings.value(SettingCatalog.recordBytes, recordBytes),
            aggregateBytes: longest,
            breakerFailures: try settings.value(SettingCatalog.circuitFailures, circuitFailures),
            breakerPause: try settings.value(SettingCatalog.circuitCoolDown, circuitCooldown),
            shardRefresh: try settings.value(SettingCatalog.shardRefresh, shardRefresh),
            state: try settings.value(
                SettingCatalog.kinesisState, stateDir, otherwise: KinesisOptions.standardState),
            spoolMax: try settings.value(SettingCatalog.kinesisSpoolMax, spoolMax),
            windowBytes: try settings.value(SettingCatalog.windowBytes, memory),
            sync: try settings.value(SettingCatalog.syncRule, fsync),
            syncInterval: Int64(
                try settings.value(SettingCatalog.syncInterval, syncInterval) * 1e9),
            drainTimeout: try settings.value(SettingCatalog.drainTimeout, drainTimeout),
            giveUpAfter: try settings.value(SettingCatalog.giveUpAfter, giveUpAfter),
            idLimits: IDLimits(
                widest: Int64(try settings.value(SettingCatalog.widestRecord, maxIDs)),
                farthest: Int64(try settings.value(SettingCatalog.farthestID, maxIDJump))),
            newEpochs: Set(newEpoch), kinesis: kinesis,
            credentials: try ConfiguredCredentials(region: location.region, &settings))
    }

    private func keyRule(_ settings: inout Settings) throws -> KeyRule {
        let length = try settings.value(SettingCatalog.idBlock, idBlock)
        let count = try settings.value(SettingCatalog.subKeys, subKeys)
        switch try settings.value(SettingCatalog.partitionKey, partitionKey) {
        case .symbol: return .symbol
        case .symbolKind: return .symbolKind
        case .idBlock: return .idBlock(length: Int64(length), count: Int64(count))
        }
    }

    private func rules(_ settings: inout Settings) throws -> SendRules {
        let order = try settings.value(SettingCatalog.order, order)
        let isAggregated = try settings.value(SettingCatalog.aggregate, aggregate)
        try KinesisOptions.check(isAggregated: isAggregated, hasMD5: HashKey.isComputable)
        var rules = SendRules(
            order: isAggregated ? .aggregated : order == .strict ? .strict : .relaxed)
        rules.batchRecords = try settings.value(SettingCatalog.batchRecords, batchRecords)
        rules.linger = Int64(try settings.value(SettingCatalog.linger, linger) * 1e9)
        rules.holdPause = Int64(try settings.value(SettingCatalog.holdPause, holdPause) * 1e9)
        rules.fullBytes = isAggregated ? CallBuilder.payloadUnit : rules.batchRecords * 100
        rules.spreads = try settings.value(
            SettingCatalog.explicitHash, explicitHash ? true : nil)
        return rules
    }

    private func location(
        _ names: StreamNames, _ settings: inout Settings
    ) throws -> ServiceLocation {
        let set = try settings.optional(SettingCatalog.region, region)
        let endpoint = try settings.optional(SettingCatalog.kinesisEndpoint, endpointURL)
        let environment = try AWS.Environment(&settings)
        let given: String?
        // A plan asks no service, so that any region will do.
        let planned = onlyPlans ? "us-east-1" : nil
        if let set { given = set } else { given = try Region.find(environment) ?? planned }
        let region = try StreamReference.region(of: names.byTemplate, given: given)
        if let region { settings.settle(SettingCatalog.region, as: region) }
        return try ServiceLocation(
            "kinesis", environment: environment, region: region, endpoint: endpoint)
    }

    func run(_ plan: KinesisOptions, in stage: borrowing Stage) throws {
        if check {
            return try Sender.check(plan, stage.log, stop: stage.stopDescriptor)
        }
        var reader = try stage.standardInput()
        if onlyPlans { return try printPlan(plan, from: &reader, in: stage) }
        ResidentMemory.returnLargeBlocks()
        var sink = try KinesisSink(plan, in: stage)
        try sink.probe()
        stage.enter(.running)
        var failure: (any Error)?
        do { try sink.readAll(&reader) } catch let error as FrameError { failure = error }
        stage.enter(.draining)
        try sink.drain()
        if let failure { throw failure }
    }

    private func printPlan(
        _ options: KinesisOptions, from reader: inout FrameReader, in stage: borrowing Stage
    ) throws {
        var plan = try CapacityPlan(options)
        while try reader.fill(unless: stage.stopDescriptor) == .frames {
            while let frame = try reader.next() { try plan.add(frame) }
        }
        try stage.print(plan.report())
    }
}
