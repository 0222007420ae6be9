import ArgumentParser
import Configuration
import Posix
import Records
import Stage
import StageAWS

struct JSON: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write each record as one JSON object on a line.",
        discussion: """
            Numbers are exact decimal text. One that a double may not keep (more than 15
            digits, or a whole number above 2^53) is there twice, the second time as a
            string in NAME_exact, which `recq pack` takes.

            recq json day.bin | jq -c 'select(.qty > 1)'
            recq json --pretty day.bin | less
            """)
    @Flag(help: "One member per line, for people.") var pretty = false
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        var line = Bytes(capacity: 4096)
        let isPretty = pretty
        try inputs.write(reading, in: stage) { frame, output in
            guard isPretty else { return try frame.appendJSON(to: &output) }
            line.removeAll()
            try frame.appendJSON(to: &line)
            output.append(prettyJSON: line.span)
        }
    }
}
