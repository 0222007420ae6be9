import ArgumentParser
import BronzeAccess
import Configuration
import Identity
import Posix
import Records
import Stage
import StageAWS

struct Cat: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read stored objects back: records in order, each once.",
        discussion: """
            recq cat s3://bucket/bronze --symbol BTCUSDT --day 2024-01-31 > day.bin
            recq cat data/ --from 2024-01-31T12:00 --to 2024-01-31T13:00 | recq csv
            recq cat data/ --symbol BTCUSDT --kind trade --from 1000 --to 2000 --whole

            Records come by event time, those of a sequence by their ids; a record that
            several objects hold comes once. Keys such as instrument= and date= leave out
            objects before they are read.

            --whole asks the bucket's manifests first, then reads the range twice: with a hole
            nothing is written. Ids that gap records declare absent are not holes.

            Exit status: 69 nothing there, or a hole with --whole; 65 an object that is
            damaged.
            """)
    @OptionGroup(title: "Selection") var selection: Selection
    @Option(help: "time; or id, one sequence after another.") var by = RecordOrder.time
    @Flag(help: "Fail instead of writing a range with holes.") var whole = false
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        if whole, inputs.files.isEmpty || inputs.files.contains(Inputs.standardInput) {
            throw ValidationError("--whole reads its input twice: name files, directories or URLs")
        }
    }

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let selected = try selection.parsed()
        let files = inputs.files.isEmpty ? [Inputs.standardInput] : inputs.files
        if whole { try checkWhole(files, selected, reading, stage) }
        var writer = try stage.standardOutput()
        var count = 0
        let plan = try CatPlan(files, selected, reading, in: stage)
        var repeats = RepeatFilter(.time, isOn: plan.mayRepeat)
        try writer.flush { writer in
            try plan.withStreams(selected) { streams in
                try SequenceMerge.run(streams, by) { frame in
                    if repeats.isNew(frame) { try writer.append(frame) }
                    count += 1
                    return count & 4095 != 0 || !stage.isStopping
                }
            }
        }
        if count == 0, files != [Inputs.standardInput] {
            throw StageFailure(.unavailable, "no records match")
        }
    }

    private func checkWhole(
        _ files: [String], _ selected: SelectedRecords, _ reading: BucketReading,
        _ stage: borrowing Stage
    ) throws {
        // Ids between two objects are seen in the records; an object that is gone at an end is not.
        if let place = files.first, files.count == 1,
            try ObjectURL.isURL(place) || RecordSource.isDirectory(place)
        {
            if let manifests = try ManifestCheck(place, reading, stage.log) {
                if let problem = manifests.problem(selected) {
                    throw StageFailure(.unavailable, problem)
                }
            } else {
                stage.log.warning(
                    "\(place) has no manifests: whether something is missing before the first or "
                        + "after the last record is not known")
            }
        }
        // The gap records of what is selected say what will never come.
        var asked = selected
        if !asked.kinds.isEmpty { asked.kinds.append(.gap) }
        var check = WholenessCheck()
        let plan = try CatPlan(files, asked, reading, in: stage)
        try plan.withStreams(asked) { streams in
            try SequenceMerge.run(streams, .id) { frame in
                check.add(frame)
                return !stage.isStopping
            }
        }
        if let problem = check.problem(selected) { throw StageFailure(.unavailable, problem) }
    }
}
