import ArgumentParser
import Configuration
import Encoding
import Identity
import Posix
import Records
import Stage
import StageAWS

struct Count: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count records, by sequence or by fields.",
        discussion: """
            recq count day.bin
            recq count --by symbol,hour day.bin
            recq count --by side,kind --total day.bin

            --by takes fields as `recq where` has them, and date, hour and minute of the
            event time.
            """)
    @Option(help: ArgumentHelp("Fields to count by, such as symbol,hour.", valueName: "fields"))
    var by: String?
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    mutating func validate() throws { _ = try by.map(GroupKey.init) }

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try inputs.bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        if let by {
            try countByFields(try GroupKey(by), reading, stage)
        } else {
            try countSequences(reading, stage)
        }
    }

    private func countSequences(_ reading: BucketReading, _ stage: borrowing Stage) throws {
        var counts: [SequenceID: Int] = [:]
        var current: SequenceID?
        var run = 0
        // Records of one sequence follow each other: the table is touched once for each run.
        func close() {
            if let current { counts[current, default: 0] += run }
            run = 0
        }
        try inputs.read(reading, in: stage) { frame in
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

    private func countByFields(
        _ key: GroupKey, _ reading: BucketReading, _ stage: borrowing Stage
    ) throws {
        var counts: [[UInt8]: Int] = [:]
        var text = Bytes(capacity: 256)
        var current: [UInt8] = []
        var run = 0
        try inputs.read(reading, in: stage) { frame in
            text.removeAll()
            key.append(frame, to: &text)
            let isSame = text.span.withUnsafeBytes { $0.elementsEqual(current) }
            if !isSame {
                if run > 0 { counts[current, default: 0] += run }
                current = text.array
                run = 0
            }
            run += 1
            return true
        }
        if run > 0 { counts[current, default: 0] += run }
        let rows = counts.map { (String(decoding: $0.key, as: UTF8.self), $0.value) }
            .sorted { $0.0 < $1.0 }
        var report = rows.map { "\($0.1)  \($0.0)\n" }.joined()
        report += "\(rows.reduce(0) { $0 + $1.1 })  total\n"
        try stage.print(report)
    }
}
