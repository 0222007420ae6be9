import ArgumentParser
import Configuration
import Identity
import ObjectWriting
import Posix
import Records
import Sink
import Stage
import StageAWS

@main
struct S3Put: StageCommand {
    static let configuration = CommandConfiguration(
        commandName: "s3-put",
        abstract: "Deliver records into objects, each record once.",
        discussion: """
            EXAMPLES:
              rest-pull aggTrades --from 2024-01-01 | s3-put --to file://./data
              rest-pull klines --from 2024-01-01 | s3-put --to s3://my-bucket/bronze --format ndjson

            Objects are stored under exchange= kind= instrument= date= hour= (UTC), klines by
            interval and month. What was delivered is in the ledger of the state directory:
            ledgerctl shows it, rest-pull --resume reads it.
            """,
        version: Version.text)
    static let essentials = [
        "to", "format", "compression", "object-bytes", "object-age", "state-dir", "check", "region",
        "endpoint-url",
    ]

    @Option(SettingCatalog.destination) var to: String?
    @Option(SettingCatalog.objectFormat) var format: ObjectFormat?
    @Option(SettingCatalog.compression) var compression: ObjectCompression?
    @Option(SettingCatalog.objectBytes) var objectBytes: Int?
    @Option(SettingCatalog.objectAge) var objectAge: Double?
    @Option(SettingCatalog.objectIdle) var objectIdle: Double?
    @Option(SettingCatalog.stateDirectory) var stateDir: String?
    @Option(SettingCatalog.spoolMax) var spoolMax: Int?
    @Option(SettingCatalog.syncInterval) var syncInterval: Double?
    @Option(SettingCatalog.lateness) var lateness: Double?
    @Option(SettingCatalog.widestRecord) var maxIds: Int?
    @Option(SettingCatalog.farthestID) var maxIdJump: Int?
    @Option(
        name: .customLong("new-epoch"),
        help: ArgumentHelp(
            "Sequence whose ids started over, such as BTCUSDT/trade: store it as a new epoch.",
            valueName: "sequence"),
        transform: EpochSetting.sequence)
    var newEpochs: [SequenceID] = []
    @Flag(help: "Only check whether objects can be stored, then exit.") var check = false
    @Option(SettingCatalog.checkTimeout) var checkTimeout: Double?
    @Option(SettingCatalog.drainTimeout) var drainTimeout: Double?
    @Option(SettingCatalog.giveUpAfter) var giveUpAfter: Double?
    @Option(SettingCatalog.parallelUploads) var parallelUploads: Int?
    @Option(SettingCatalog.region) var region: String?
    @Option(SettingCatalog.endpoint) var endpointURL: String?
    @OptionGroup(title: "S3") var s3: BucketFlags
    @OptionGroup var common: CommonOptions

    var takesOver: Set<String> { S3PutOptions.takesOver }

    func plan(_ settings: inout Settings) throws -> S3PutOptions {
        let destination = try destination(&settings)
        let format = try settings.value(SettingCatalog.objectFormat, format)
        let compression = try settings.optional(SettingCatalog.compression, compression)
        return S3PutOptions(
            destination: destination,
            form: try ObjectForm(format, compression),
            objectBytes: try settings.value(SettingCatalog.objectBytes, objectBytes),
            objectAge: try settings.value(SettingCatalog.objectAge, objectAge),
            objectIdle: try settings.value(SettingCatalog.objectIdle, objectIdle),
            state: try settings.value(
                SettingCatalog.stateDirectory, stateDir, otherwise: destination.standardState),
            spoolMax: try settings.value(SettingCatalog.spoolMax, spoolMax),
            syncInterval: Int64(
                try settings.value(SettingCatalog.syncInterval, syncInterval) * 1e9),
            times: EventTimes(
                lateness: Int64(try settings.value(SettingCatalog.lateness, lateness) * 1e6)),
            idLimits: IDLimits(
                widest: Int64(try settings.value(SettingCatalog.widestRecord, maxIds)),
                farthest: Int64(try settings.value(SettingCatalog.farthestID, maxIdJump))),
            newEpochs: Set(newEpochs),
            drainTimeout: try settings.value(SettingCatalog.drainTimeout, drainTimeout),
            giveUpAfter: try settings.value(SettingCatalog.giveUpAfter, giveUpAfter),
            parallelUploads: try settings.value(SettingCatalog.parallelUploads, parallelUploads),
            checkTimeout: try settings.value(SettingCatalog.checkTimeout, checkTimeout),
            onlyChecks: check,
            access: try access(destination, &settings))
    }

    /// How S3 is reached; nothing of it matters for a directory.
    private func access(
        _ destination: Destination, _ settings: inout Settings
    ) throws -> S3Access? {
        guard case .bucket = destination else { return nil }
        return try S3Access(
            s3, region: try settings.optional(SettingCatalog.region, region),
            endpoint: try settings.optional(SettingCatalog.endpoint, endpointURL), &settings)
    }

    private func destination(_ settings: inout Settings) throws -> Destination {
        if let url = try settings.optional(SettingCatalog.destination, to) {
            return try Destination(url)
        }
        let prefix = try settings.value(SettingCatalog.prefix)
        guard let bucket = try settings.optional(SettingCatalog.bucket) else {
            throw StageFailure(
                .usage,
                "no destination: give --to s3://BUCKET/PREFIX or --to file:///DIRECTORY, "
                    + "or set aws.s3_bucket")
        }
        return try Destination("s3://\(bucket)/\(prefix)")
    }

    func run(_ options: S3PutOptions, in stage: borrowing Stage) throws {
        let credentials = options.access?.credentials.provider(stage.log)
        let figures = ServiceFigures(stage.stats)
        if options.onlyChecks {
            return try Self.report(
                DestinationCheck.run(options, in: stage, credentials, figures), options, in: stage)
        }
        ResidentMemory.returnLargeBlocks()
        var reader = try stage.standardInput()
        var sink = try ObjectSink(options, in: stage, credentials, figures)
        switch try DestinationCheck.run(options, in: stage, credentials, figures) {
        case .good: stage.log.debug("objects can be stored at \(options.destination.description)")
        case .bad(let failure): throw failure
        case .unknown(let reason):
            stage.log.warning(
                "whether objects can be stored at \(options.destination.description) is not known; "
                    + "reading starts anyway: \(reason)")
        case .stopped: break
        }
        try sink.run(&reader, in: stage)
    }

    /// Says how the question of `--check` was answered.
    private static func report(
        _ answer: DestinationCheck.Answer, _ options: S3PutOptions, in stage: borrowing Stage
    ) throws {
        switch answer {
        case .good: stage.log.info("objects can be stored at \(options.destination.description)")
        case .bad(let failure): throw failure
        case .unknown(let failure): throw failure
        case .stopped: throw StageFailure(.gaveUp, "stopped before there was an answer")
        }
    }
}
