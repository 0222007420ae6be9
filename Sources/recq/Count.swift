import ArgumentParser
import Configuration
import Identity
import Records
import Stage

struct Count: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count records, by sequence.")
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws {}

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        var counts: [SequenceID: Int] = [:]
        var current: SequenceID?
        var run = 0
        // Records of one sequence follow each other: the table is touched once for each run.
        func close() {
            if let current { counts[current, default: 0] += run }
            run = 0
        }
        try inputs.read(in: stage) { frame in
            let sequence = frame.sequence
            if sequence != current {
                close()
                current = sequence
            }
            run += 1
            return true
        }
        close()
        let rows = counts.map { ($0.key.title, $0.value) }.sorted { $0.0 < $1.0 }
        var report = rows.map { "\($0.1)  \($0.0)\n" }.joined()
        report += "\(rows.reduce(0) { $0 + $1.1 })  total\n"
        try stage.print(report)
    }
}
