import ArgumentParser
import Configuration
import Encoding
import Glibc
import Identity
import Posix
import Records
import Redis
import Stage
import Stats

@main
struct Dedup: StageCommand {
    static let configuration = CommandConfiguration(
        commandName: "dedup",
        abstract: "Pass each record once; merge several inputs.",
        discussion: """
            EXAMPLES:
              rest-pull trades --from 2024-01-01 | dedup | s3-put --to file://./data
              dedup monday.bin tuesday.bin > both.bin
              sbe-tap | dedup --shared redis://redis:6379 --shared-name trades | kinesis-put

            Duplicates and holes of each sequence are logged at the end. Trades, klines and depth
            changes are compared by their ids; best prices and book snapshots by their exact ids
            among the last --window ones of their symbol. Gap records are cut down to what has not
            come. Raw messages and unknown kinds always pass. With --shared, several hosts that run the
            same pipeline pass each record on once together.
            """,
        version: Version.text)

    @Argument(
        help: ArgumentHelp(
            "Files or FIFOs of records. (default: standard input)", valueName: "file"),
        completion: .file())
    var files: [String] = []
    @Flag(help: "Write a gap record where ids of a contiguous sequence are skipped.")
    var markGaps = false
    @Option(SettingCatalog.window) var window: Int?
    @Option(SettingCatalog.shared) var shared: String?
    @Option(SettingCatalog.sharedName) var sharedName: String?
    @Option(SettingCatalog.sharedLease) var sharedLease: Double?
    @Option(SettingCatalog.sharedTimeout) var sharedTimeout: Double?
    @Option(SettingCatalog.sharedExpiry) var sharedExpiry: Double?
    @Option(SettingCatalog.sharedHold) var sharedHold: Int?
    @Option(SettingCatalog.sharedAuthorities) var sharedCA: String?
    @Option(SettingCatalog.drainTimeout) var drainTimeout: Double?
    @OptionGroup var common: CommonOptions

    struct Options {
        let files: [String]
        let marksGaps: Bool
        let window: Int
        let drainTimeout: Double
        /// How several hosts pass each record on once; nil for this one alone.
        let shared: SharedClaims.Options?
    }

    func plan(_ settings: inout Settings) throws -> Options {
        Options(
            files: files, marksGaps: markGaps,
            window: try settings.value(SettingCatalog.window, window),
            drainTimeout: try settings.value(SettingCatalog.drainTimeout, drainTimeout),
            shared: try sharedOptions(&settings))
    }

    private func sharedOptions(_ settings: inout Settings) throws -> SharedClaims.Options? {
        guard let url = try settings.optional(SettingCatalog.shared, shared) else { return nil }
        let address: RedisAddress
        do throws(RedisAddress.Refusal) { address = try RedisAddress(url) } catch {
            throw StageFailure(.usage, "--shared (dedup.shared): \(error)")
        }
        // Hosts of two pipelines under one name would take each other's records for delivered.
        let pipeline = try settings.optional(SettingCatalog.pipeline)
        guard let name = try settings.optional(SettingCatalog.sharedName, sharedName) ?? pipeline
        else {
            throw StageFailure(
                .usage,
                "--shared needs --shared-name (or PIPELINE_NAME): a name that the hosts share that "
                    + "deliver to the same place, such as --shared-name trades-to-kinesis")
        }
        return SharedClaims.Options(
            address: address, name: name,
            authorities: try authorities(&settings),
            timeout: try settings.value(SettingCatalog.sharedTimeout, sharedTimeout),
            lease: try settings.value(SettingCatalog.sharedLease, sharedLease),
            expiry: try settings.value(SettingCatalog.sharedExpiry, sharedExpiry),
            holdBytes: try settings.value(SettingCatalog.sharedHold, sharedHold))
    }

    /// Bytes of a file of certificates at most; the system's has a quarter of a million.
    private static let largestAuthorities = 16 << 20

    /// A file without a certificate would be a server that is never reached, and only a warning.
    private func authorities(_ settings: inout Settings) throws -> String? {
        guard let path = try settings.optional(SettingCatalog.sharedAuthorities, sharedCA) else {
            return nil
        }
        let name = "--shared-ca (dedup.shared_ca_file)"
        let text: [UInt8]
        do throws(SystemError) { text = try Files.read(path, limit: Self.largestAuthorities) } catch
        {
            throw StageFailure(.configuration, "\(name): \(error)")
        }
        guard String(decoding: text, as: UTF8.self).contains("-----BEGIN ") else {
            throw StageFailure(
                .configuration, "\(name): \(path) has no certificate in it; PEM files have")
        }
        return path
    }

    func run(_ options: Options, in stage: borrowing Stage) throws {
        var inputs: [Input] = []
        for file in options.files { inputs.append(Input(try stage.frames(in: file))) }
        if inputs.isEmpty { inputs.append(Input(try stage.standardInput())) }
        var writer = try stage.standardOutput()
        writer.drainTimeout = options.drainTimeout
        var filter = Filter(window: options.window, marksGaps: options.marksGaps)
        filter.faultAt = FaultSwitch.recordToDrop
        let claims = try options.shared.map { try SharedClaims($0, in: stage) }
        let counters = Counters(stage.stats)
        claims?.waitForServer()
        stage.enter(.running)
        // What was read before the end, or before input that is not frames, goes out.
        let failure: (any Error)?
        do {
            if let claims {
                try copy(inputs, through: &filter, to: &writer, claims, counters, in: stage)
            } else {
                try copy(inputs, through: &filter, to: &writer, counters, in: stage)
            }
            failure = nil
        } catch { failure = error }
        stage.enter(.draining)
        if !(failure is SystemError) {
            try claims?.drain(&writer, seconds: options.drainTimeout)
            try writer.flush()
            for input in inputs { try input.reader.acknowledge() }
            counters.update(&filter, inputs, bytesOut: writer.bytesWritten, claims, in: stage)
        }
        if (failure as? SystemError)?.isClosedOutput != true { filter.report(to: stage.log) }
        if let failure { throw Self.ending(failure, inputs, options, stage.log) ?? failure }
    }

    /// What a stop means that came while the reader of a FIFO took nothing; nil for other failures.
    private static func ending(
        _ failure: any Error, _ inputs: [Input], _ options: Options, _ log: Log
    ) -> StageFailure? {
        guard (failure as? SystemError)?.code == ETIMEDOUT else { return nil }
        let words =
            "the reader of standard output has read nothing for \(Spoken.seconds(options.drainTimeout))"
        let keepsAll = inputs.allSatisfy { $0.reader.keepsUnacknowledged }
        return StageFailure(
            .gaveUp,
            keepsAll
                ? "\(words): what was not passed on stays in the FIFO that it came from"
                : "\(words): the last records that were read are lost")
    }

    private func copy(
        _ inputs: [Input], through filter: inout Filter, to writer: inout FrameWriter,
        _ counters: Counters, in stage: borrowing Stage
    ) throws {
        var open = inputs
        while !open.isEmpty && !stage.isStopping {
            let stop = open.count == 1 ? stage.stopDescriptor : -1
            for input in open where open.count == 1 || input.isReadable {
                switch try input.reader.fill(unless: stop) {
                case .stopped: return
                case .end: input.hasEnded = true
                case .frames:
                    try input.reader.pass(to: &writer) { frame in
                        filter.judge(frame)
                    } instead: { frame, writer in
                        try filter.write(frame, to: &writer)
                    }
                    let times = input.reader.lastTimes
                    try writer.flush()
                    try input.reader.acknowledge()
                    if let times { counters.note(times) }
                    counters.update(&filter, inputs, bytesOut: writer.bytesWritten, in: stage)
                }
            }
            open.removeAll(where: \.hasEnded)
            if open.count > 1 {
                Input.waitForAny(open, or: stage.stopDescriptor, stage.stats.heartbeat)
            }
        }
    }
}

/// Copying where several hosts pass each record on once.
extension Dedup {
    private func copy(
        _ inputs: [Input], through filter: inout Filter, to writer: inout FrameWriter,
        _ claims: SharedClaims, _ counters: Counters, in stage: borrowing Stage
    ) throws {
        var open = inputs
        var output = SharedOutput(claims: claims)
        while !open.isEmpty && !stage.isStopping {
            Input.waitForAny(
                open, or: stage.stopDescriptor, stage.stats.heartbeat, other: claims.descriptor,
                milliseconds: claims.patience)
            var times: RecordTimes?
            for input in open where input.isReadable {
                switch try input.reader.fill(unless: stage.stopDescriptor) {
                case .stopped: break
                case .end: input.hasEnded = true
                case .frames:
                    try input.reader.drain { frame in try filter.pass(frame, to: &output) }
                    times = input.reader.lastTimes ?? times
                }
            }
            try claims.turn(&writer)
            for input in open { try input.reader.acknowledge() }
            if let times { counters.note(times) }
            counters.update(&filter, inputs, bytesOut: writer.bytesWritten, claims, in: stage)
            open.removeAll(where: \.hasEnded)
        }
    }
}

/// The figures of the stage.
private struct Counters {
    private let flow: FlowFigures
    private let duplicates: Counter
    private let holes: Counter
    private let openHoles: Gauge
    private let gaps: Counter

    init(_ stats: StatsWriter) {
        flow = FlowFigures(stats)
        duplicates = stats.counter(
            FigureName.duplicates, help: "Records dropped because their ids came before.")
        holes = stats.counter(
            "holes", help: "Times that ids of a contiguous sequence were skipped.")
        openHoles = stats.gauge(
            FigureName.holesOpen, help: "Skipped ranges of ids that nothing filled.")
        gaps = stats.counter(FigureName.gapRecordsOut, help: "Gap records made and written.")
    }

    func note(_ times: RecordTimes) {
        flow.note(times)
        flow.noteOut(receivedAt: times.ingest)
    }

    /// After a flush: nothing waits.
    func update(
        _ filter: inout Filter, _ inputs: [Input], bytesOut: Int64,
        _ claims: SharedClaims? = nil, in stage: borrowing Stage
    ) {
        for sequence in filter.takeRenumbered() {
            stage.log.warning(
                "ids of \(sequence.title) began again, at a time far after that of the same ids before: "
                    + "these records are not duplicates and are passed on")
        }
        let (dropped, waiting) = (claims?.dropped ?? 0, claims?.waiting ?? 0)
        flow.waiting.set(waiting)
        let bytesIn = inputs.reduce(0) { $0 + $1.reader.bytesRead }
        let counts = (
            filter.recordsIn, filter.recordsOut, filter.duplicates, filter.holes, filter.gaps,
            filter.openHoles()
        )
        stage.stats.update {
            flow.recordsIn.advance(to: counts.0)
            flow.recordsOut.advance(to: counts.1 - dropped - waiting)
            duplicates.advance(to: counts.2 + dropped)
            holes.advance(to: counts.3)
            gaps.advance(to: counts.4)
            flow.bytesIn.advance(to: bytesIn)
            flow.bytesOut.advance(to: bytesOut)
        }
        openHoles.set(counts.5)
    }
}
