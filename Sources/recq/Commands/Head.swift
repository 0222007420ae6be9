import ArgumentParser
import Configuration
import Posix
import Records
import Stage
import StageAWS

struct Head: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pass on the first records.",
        discussion: """
            recq head -5 day.bin | recq json
            """)
    @Option(
        name: [.customShort("n"), .customLong("count")], help: "How many; -5 is short for -n 5.")
    var count = 10
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        if count < 0 { throw ValidationError("--count must not be negative") }
    }

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        var writer = try stage.standardOutput()
        var left = count
        guard left > 0 else { return }
        try inputs.read(reading, in: stage) { frame in
            try writer.append(frame)
            left -= 1
            return left > 0
        } batch: {
            try writer.flush()
        }
    }
}
