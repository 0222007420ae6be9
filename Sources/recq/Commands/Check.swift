import ArgumentParser
import Configuration
import Encoding
import Identity
import Ledger
import Posix
import Records
import Stage
import StageAWS

struct Check: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check frames, messages, order and holes.",
        discussion: """
            Exit status: 0 all is well, 1 duplicates, holes or records out of order, 65
            bytes that are not records.
            """)
    @Flag(help: "Allow holes in contiguous sequences.") var allowHoles = false
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        var checks: [SequenceCheck] = []
        var places: [SequenceID: Int] = [:]
        // Most records are of the same sequence as the one before.
        var current = -1
        try inputs.read(reading, in: stage) { frame in
            try frame.validate()
            let sequence = frame.sequence
            if current < 0 || checks[current].sequence != sequence {
                if let place = places[sequence] {
                    current = place
                } else {
                    current = checks.count
                    places[sequence] = current
                    checks.append(SequenceCheck(sequence))
                }
            }
            checks[current].add(frame.occupiedIDs)
            return true
        }
        var isWell = true
        var lines: [(title: String, text: String)] = []
        for check in checks {
            let (title, records) = (check.sequence.title, check.records)
            let result = check.result()
            lines.append(
                (
                    title,
                    "\(title)  \(Spoken.count(records, "record"))  "
                        + "\(Spoken.count(result.duplicates, "duplicate"))  "
                        + "\(result.disordered) out of order  "
                        + "\(Spoken.count(result.holes, "hole"))\n"
                ))
            isWell =
                isWell && result.duplicates == 0 && result.disordered == 0
                && (result.holes == 0 || allowHoles)
        }
        try stage.print(lines.sorted { $0.title < $1.title }.map(\.text).joined())
        if !isWell { throw StageFailure(.no, "") }
    }
}
