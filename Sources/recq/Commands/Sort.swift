import ArgumentParser
import Configuration
import Posix
import Records
import Stage
import StageAWS

struct Sort: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sort records by time or id.",
        discussion: """
            recq sort day.bin > ordered.bin
            recq sort --by id --unique a.bin b.bin > each-once.bin

            By time: event time, then sequence and ids. By id: one sequence after another,
            each by its ids. What does not fit into --buffer goes to temporary files in
            TMPDIR.
            """)
    @Option(help: "time or id.") var by = RecordOrder.time
    @Flag(name: [.customShort("u"), .long], help: "Keep one record of each identity.")
    var unique = false
    @Option(help: ArgumentHelp("Memory for records, MiB.", valueName: "mib")) var buffer = 256
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        if !(1...65_536).contains(buffer) { throw ValidationError("--buffer is 1 to 65536 MiB") }
    }

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        var writer = try stage.standardOutput()
        var sorted = SortBuffer(
            by, limit: buffer << 20,
            directory: DirectoryVariable.path("TMPDIR", in: Environment.all) ?? "/tmp")
        try inputs.read(reading, in: stage) { frame in
            try sorted.append(frame)
            return true
        }
        if stage.isStopping { return }
        var repeats = RepeatFilter(by, isOn: unique)
        try sorted.drain { frame in
            if repeats.isNew(frame) { try writer.append(frame) }
        }
        try writer.flush()
    }
}
