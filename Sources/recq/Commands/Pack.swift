import ArgumentParser
import Configuration
import Encoding
import Posix
import Records
import Stage

/// What to do about a line that is no record.
enum BadLine: String, CaseIterable, ExpressibleByArgument {
    /// End with 65.
    case stop
    /// Log it, go on, end with 1.
    case skip
}

struct Pack: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn JSON lines, as from `recq json`, into records.",
        discussion: "Exit status: 0 all lines, 1 some were skipped, 65 stopped at a bad one.")
    @Argument(
        help: ArgumentHelp(
            "File of JSON lines; - is standard input. (default: -)", valueName: "file"),
        completion: .file())
    var file: String?
    @Option(help: "On a line that is not a record: stop, or skip it.")
    var onError = BadLine.stop
    @OptionGroup var common: CommonOptions

    /// Its records go on into a pipeline.
    var isForPeople: Bool { false }

    /// A longer line is refused: a frame is at most 1 MiB, and as JSON about twice that.
    private static let longestLine = 16 << 20

    func plan(_ settings: inout Settings) throws {}

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        let input = try Inputs.open(file ?? Inputs.standardInput)
        var writer = try stage.standardOutput()
        var reader = JSONRecord()
        var skipped = 0
        do {
            var lines = Lines(input, longest: Self.longestLine)
            while try lines.fill(unless: stage.stopDescriptor) {
                while let line = lines.next() {
                    do throws(FieldFailure) {
                        try writer.append(json: line.bytes, &reader)
                    } catch {
                        let message = "line \(line.number): \(error)"
                        guard onError == .skip else { throw StageFailure(.badInput, message) }
                        stage.log.warning(message)
                        skipped += 1
                    }
                }
                try writer.flush()
            }
        } catch {
            if !(error is SystemError) { try writer.flush() }
            throw error
        }
        if skipped > 0 {
            throw StageFailure(
                .no,
                "\(Spoken.count(skipped, "line")) skipped that \(skipped == 1 ? "is not a record" : "are not records")"
            )
        }
    }
}
