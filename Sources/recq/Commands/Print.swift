import ArgumentParser
import Configuration
import Posix
import Records
import Stage
import StageAWS

struct Print: InspectionCommand {
    static let configuration = CommandConfiguration(
        commandName: "print",
        abstract: "Write each record as a line for people.",
        discussion: """
            recq print day.bin | head
            recq print -f '%t %s %p %q\\n' day.bin
            recq print -f '%{symbol},%{quote_qty}\\n' day.bin

            %t event time  %T event time in µs  %s symbol  %k kind  %i id  %p price
            %q quantity  %S source  %% a percent sign  %{NAME} any field of `recq where`
            \\n \\t \\\\ as in printf. A field that a record does not have shows as -.
            """)
    @Option(
        name: [.customShort("f"), .customLong("format")],
        help: ArgumentHelp("How a record is written.", valueName: "format"))
    var format: String?
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    mutating func validate() throws { _ = try format.map(RecordFormat.init) }

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let own = try format.map(RecordFormat.init)
        let usual = RecordFormat.Usual()
        try inputs.write(reading, in: stage) { frame, output in
            (own ?? usual.format(of: frame)).append(frame, to: &output)
        }
    }
}
