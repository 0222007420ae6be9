import ArgumentParser
import Posix
import Records
import Stage
import Stats

@main
struct Dedup: StageCommand {
    static let configuration = CommandConfiguration(
        commandName: "dedup",
        abstract: "Pass each record once; merge several inputs.",
        discussion: """
            rest-pull trades --from 2024-01-01 | dedup | s3-put --to file://./data
            dedup monday.bin tuesday.bin > both.bin

            Duplicates and holes of each sequence are logged at the end.
            """,
        version: Version.text)

    @Argument(
        help: ArgumentHelp(
            "Files or FIFOs of records. (default: standard input)", valueName: "file"),
        completion: .file())
    var files: [String] = []
    @Flag(help: "Write a gap record where ids of a dense sequence are skipped.")
    var markGaps = false
    @Option(SettingCatalog.window) var window: Int?
    @OptionGroup var common: CommonOptions

    struct Plan {
        let files: [String]
        let marksGaps: Bool
        let window: Int
    }

    func plan(_ settings: inout Settings) throws -> Plan {
        Plan(
            files: files, marksGaps: markGaps,
            window: try settings.value(SettingCatalog.window, window))
    }

    func run(_ plan: Plan, in stage: borrowing Stage) throws {
        var inputs: [Input] = []
        for file in plan.files { inputs.append(Input(try stage.frames(in: file))) }
        if inputs.isEmpty { inputs.append(Input(try stage.standardInput())) }
        var writer = try stage.standardOutput()
        var filter = Filter(window: plan.window, marksGaps: plan.marksGaps)
        let counters = Counters(stage.stats)
        // What was read before the end, or before input that is not frames, goes out.
        let failure: (any Error)?
        do {
            try copy(inputs, through: &filter, to: &writer, counters, in: stage)
            failure = nil
        } catch { failure = error }
        if !(failure is SystemError) { try writer.flush() }
        filter.report(to: stage.log)
        if let failure { throw failure }
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
                    try input.reader.drain { frame in try filter.pass(frame, to: &writer) }
                    try writer.flush()
                    counters.update(filter)
                }
            }
            open.removeAll(where: \.hasEnded)
            if open.count > 1 { Input.waitForAny(open, or: stage.stopDescriptor) }
        }
    }
}

/// The figures of the stage.
private struct Counters {
    private let recordsIn: Gauge
    private let recordsOut: Gauge
    private let duplicates: Gauge
    private let holes: Gauge

    init(_ stats: StatsWriter) {
        recordsIn = stats.gauge("records_in", help: "Records read.")
        recordsOut = stats.gauge("records_out", help: "Records passed on, gap records included.")
        duplicates = stats.gauge(
            "duplicates", help: "Records dropped because their ids came before.")
        holes = stats.gauge("holes", help: "Times that ids of a dense sequence were skipped.")
    }

    func update(_ filter: borrowing Filter) {
        recordsIn.set(filter.recordsIn)
        recordsOut.set(filter.recordsOut)
        duplicates.set(filter.duplicates)
        holes.set(filter.holes)
    }
}
