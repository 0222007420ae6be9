import ArgumentParser
import Configuration
import Posix
import Records
import Stage

struct Head: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pass on the first records.")
    @Option(name: [.customShort("n"), .long], help: "How many.") var count = 10
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        if count < 0 { throw ValidationError("--count must not be negative") }
    }

    func plan(_ settings: inout Settings) throws {}

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        var writer = try stage.standardOutput()
        var left = count
        guard left > 0 else { return }
        try inputs.read(in: stage) { frame in
            try writer.append(frame)
            left -= 1
            return left > 0
        } batch: {
            try writer.flush()
        }
    }
}
