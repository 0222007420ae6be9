import ArgumentParser
import Bronze
import BronzeAccess
import BronzeProof
import Configuration
import Encoding
import Identity
import ObjectWriting
import Posix
import Stage
import StageAWS

struct Compact: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Merge the many objects of days that are over into few, each id once.",
        discussion: """
            EXAMPLES:
              ledgerctl compact s3://bucket/bronze
              ledgerctl compact file:///data --symbol BTCUSDT --kind trade --day 2024-01-31
              ledgerctl compact s3://bucket/bronze --dry-run

            The objects of each partition (hour, of klines month), of however many sinks, become one \
            that is sorted by id, or a few of --object-bytes. They are read, compared with their \
            manifests, and what was stored is read back and compared record by record, before a \
            manifest says that it replaces them. Sinks may be at work, and it may be killed at any \
            moment; the next run goes on.

            Objects that were replaced are deleted as soon as the manifest is stored: a query that is \
            reading them then fails, and can be repeated. With --delete-after 1h the first run that \
            comes an hour later deletes them; until then, programs that open the files without \
            manifests see their records twice (docs/verify.md, "Compaction").

            Exit status: 0 done, or nothing to do; 65 something is damaged, and was skipped; \
            75 stopped, or another compaction is at work.
            """)
    @OptionGroup var selection: Selection
    @Option(help: ArgumentHelp("Only this day, UTC (for klines its month).", valueName: "date"))
    var day: String?
    @Option(
        help: ArgumentHelp(
            "Skip hours and months that ended less than this long ago; 0 skips none.",
            valueName: "seconds"))
    var settle = "1d"
    @Option(
        help: ArgumentHelp(
            "Delete objects so long after they were replaced; 0 deletes them at once.",
            valueName: "seconds"))
    var deleteAfter = "0"
    @Flag(
        name: [.customLong("dry-run"), .customLong("plan")], help: "Only show what would be done.")
    var dryRun = false
    @Option(SettingCatalog.objectBytes) var objectBytes: Int?
    @Option(help: "The format of the new objects: parquet, avro, ndjson or sbe; else as before.")
    var format: String?
    @Option(SettingCatalog.compression) var compression: ObjectCompression?
    @Option(
        help: ArgumentHelp(
            "For temporary files, as large as a partition.", valueName: "directory"),
        completion: .directory)
    var workDir: String?
    @OptionGroup var bucket: BucketReadingOptions
    @OptionGroup(title: "S3") var s3: BucketFlags
    @OptionGroup var common: CommonOptions

    /// What a run needs to know.
    struct Plan {
        let reading: BucketReading
        let destination: Destination
        let access: S3Access?
        let rules: PartitionMerge.Rules
        let times: Range<Int64>?
        /// ns.
        let settle: Int64
        /// ns.
        let deleteAfter: Int64
    }

    func plan(_ settings: inout Settings) throws -> Plan {
        let url = selection.ledger
        if url.hasPrefix("http://") || url.hasPrefix("https://") {
            throw StageFailure(
                .usage,
                "\(url) is for reading only: name the bucket as s3-put --to does, s3://BUCKET/PREFIX"
            )
        }
        guard selection.isBucket else {
            throw StageFailure(
                .usage,
                "\(url) is not a URL, nor a directory with manifests: a ledger has no objects")
        }
        let destination = try Destination(url.contains("://") ? url : "file://" + url)
        let reading = try bucket.reading(&settings)
        var access: S3Access?
        if case .bucket = destination {
            access = try S3Access(
                s3, region: reading.region, endpoint: reading.endpoint, &settings)
        }
        return Plan(
            reading: reading, destination: destination, access: access,
            rules: PartitionMerge.Rules(
                format: try format.map { try Self.format($0) }, compression: compression,
                objectBytes: try settings.value(SettingCatalog.objectBytes, objectBytes)),
            times: try day.map { try RangeEnd.day($0) },
            settle: try Self.duration(settle, "--settle"),
            deleteAfter: try Self.duration(deleteAfter, "--delete-after"))
    }

    private static func format(_ text: String) throws -> ObjectFormat {
        guard let format = ObjectFormat(rawValue: text) else {
            throw StageFailure(.usage, "--format \(text): parquet, avro, ndjson or sbe")
        }
        return format
    }

    /// - Returns: ns.
    private static func duration(_ text: String, _ option: String) throws -> Int64 {
        do throws(SettingError) {
            return Int64(try SettingText.seconds(0...3_200_000_000)(text) * 1e9)
        } catch { throw StageFailure(.usage, "\(option): \(error)") }
    }

    func run(_ plan: Plan, in stage: borrowing Stage) throws {
        var work = try Compaction(plan, selection, workDirectory: workDir, in: stage)
        try work.run(dryRun: dryRun, in: stage)
    }
}
