import ArgumentParser
import Configuration
import ObjectReading
import Posix
import Records
import Stage
import StageAWS

struct Merge: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Merge sorted inputs into one sorted output.",
        discussion: """
            recq merge btc.bin eth.bin > both.bin
            recq merge --unique tap1.bin tap2.bin | recq check

            Each input has to be in the order already (`recq sort` puts it there); one
            that is not ends the run with 65. Memory does not grow with the inputs.
            """)
    @Option(help: "time or id.") var by = RecordOrder.time
    @Flag(name: [.customShort("u"), .long], help: "Keep one record of each identity.")
    var unique = false
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        var writer = try stage.standardOutput()
        let (names, streams) = try open(reading, stage)
        let order = by.rawValue
        var merged = MergedFrames(by) { input in
            throw StageFailure(
                .badInput,
                "\(names[input]) is not sorted by \(order): use `recq sort --by \(order)` first")
        }
        for stream in streams { try merged.add(stream) }
        var repeats = RepeatFilter(by, isOn: unique)
        try writer.flush { writer in
            while !stage.isStopping, !merged.isEmpty {
                // The signal is looked for once in a while, not for every record.
                for _ in 0..<4096 {
                    let written: Void? = try merged.take { frame in
                        if repeats.isNew(frame) { try writer.append(frame) }
                    }
                    if written == nil { break }
                }
            }
        }
    }

    private func open(
        _ reading: BucketReading, _ stage: borrowing Stage
    ) throws -> (names: [String], [FrameStream]) {
        var names: [String] = []
        var streams: [FrameStream] = []
        for input in inputs.files.isEmpty ? [Inputs.standardInput] : inputs.files {
            for object in try RecordSource(input, reading, in: stage).objects(in: stage) {
                names.append(object.name)
                streams.append(FrameStream(object))
            }
        }
        return (names, streams)
    }
}
