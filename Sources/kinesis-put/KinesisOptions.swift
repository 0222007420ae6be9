import AWS
import Configuration
import Identity
import Posix
import Records
import Sink
import Stage
import StageAWS

/// What a run keeps to: the resolved options.
struct KinesisOptions: Sendable {
    let streams: StreamNames
    let createsStreams: Bool
    let shards: Int
    let format: PayloadFormat
    let isCompressed: Bool
    let keys: KeyRule
    private(set) var rules: SendRules
    private(set) var batchBytes: Int
    private(set) var recordBytes: Int
    private(set) var aggregateBytes: Int
    let breakerFailures: Int
    /// Seconds.
    let breakerPause: Double
    let shardRefresh: Double
    let state: String
    private(set) var spoolMax: Int
    private(set) var windowBytes: Int
    private(set) var sync: SyncName
    /// How long records may wait for the device, ns.
    private(set) var syncInterval: Int64
    private(set) var drainTimeout: Double
    /// Seconds without a success, after the input's end, after which the run gives up.
    private(set) var giveUpAfter: Double
    /// How much a record may claim by its ids.
    let idLimits: IDLimits
    /// Sequences whose ids may start over, as records have them.
    let newEpochs: Set<SequenceID>
    let kinesis: KinesisConfiguration
    private(set) var credentials: ConfiguredCredentials

    /// The keys of the settings that a run takes over while it runs.
    static var takesOver: Set<String> {
        [
            SettingCatalog.batchRecords.key, SettingCatalog.batchBytes.key,
            SettingCatalog.recordBytes.key, SettingCatalog.aggregateBytes.key,
            SettingCatalog.linger.key, SettingCatalog.holdPause.key,
            SettingCatalog.kinesisSpoolMax.key, SettingCatalog.windowBytes.key,
            SettingCatalog.syncRule.key, SettingCatalog.syncInterval.key,
            SettingCatalog.drainTimeout.key,
            SettingCatalog.giveUpAfter.key, SettingCatalog.accessKeyID.key,
            SettingCatalog.secretAccessKey.key, SettingCatalog.sessionToken.key,
        ]
    }

    /// Takes over what may change while a run goes on: sizes, times and credentials, but nothing
    /// about where records go and in which order.
    mutating func takeOver(_ new: Self) {
        rules.batchRecords = new.rules.batchRecords
        rules.linger = new.rules.linger
        rules.holdPause = new.rules.holdPause
        if rules.order != .aggregated { rules.fullBytes = rules.batchRecords * 100 }
        batchBytes = new.batchBytes
        recordBytes = new.recordBytes
        aggregateBytes = new.aggregateBytes
        spoolMax = new.spoolMax
        windowBytes = new.windowBytes
        sync = new.sync
        syncInterval = new.syncInterval
        drainTimeout = new.drainTimeout
        giveUpAfter = new.giveUpAfter
        credentials = new.credentials
    }

    /// Refuses containers where they cannot be made: each ends in an MD5.
    static func check(isAggregated: Bool, hasMD5: Bool) throws(StageFailure) {
        guard isAggregated, !hasMD5 else { return }
        throw StageFailure(
            .configuration,
            "KPL containers, the default, end in an MD5, which OpenSSL refuses here (FIPS mode): "
                + "give --no-aggregate, or kinesis.aggregate: false, to send single records")
    }

    /// Opens the state, and notes what it is of. Another service is refused; another stream of a
    /// kind goes on where the one before was left, which is told.
    func openState(_ log: Log) throws -> StateDirectory {
        let location = kinesis.location
        let directory = try StateDirectory(
            state, stage: "kinesis-put",
            claims: [("service", location.endpoint ?? location.region)], log: log)
        let kinds = streams.byTemplate.enumerated().map { template, stream in
            (RecordKind(rawValue: UInt16(template))?.name ?? "other", stream.description)
        }
        for change in try StateOwner.claim(state, kinds, mayChange: true) { log.warning(change) }
        return directory
    }

    /// Notes whose stream a name means, as the service says: the account of the credentials, which
    /// has to stay the same. A ledger that claims one account's stream would refuse the other
    /// account's records.
    func claimAccount(_ stream: StreamReference, _ summary: StreamSummary) throws {
        guard stream.place == nil, let account = summary.stream?.place?.account else { return }
        try StateOwner.claim(state, [("account", account)])
    }

    /// Where the state is when nothing is set.
    static var standardState: String {
        StatePlace.ofUser(tool: "kinesis-put", environment: Environment.all)
    }
}
