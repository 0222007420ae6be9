import ArgumentParser
import Identity
import Ledger
import Posix
import Records
import Stage

struct Check: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check frames, messages, order and holes.",
        discussion: """
            Exit status: 0 all is well, 1 duplicates, holes or records out of order, 65 bytes that
            are not records.
            """)
    @Flag(help: "Allow holes in dense sequences.") var allowHoles = false
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws {}

    private struct Finding {
        var records = 0
        var duplicates = 0
        var disordered = 0
        var seen = IDSet()
    }

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        var findings: [SequenceID: Finding] = [:]
        var text = Bytes()
        try inputs.read(in: stage) { frame in
            // Every field is looked at, so that a damaged message is found, not only its frame.
            text.removeAll()
            try frame.appendJSON(to: &text)
            var finding = findings[frame.sequence] ?? Finding()
            finding.records += 1
            let ids = frame.occupiedIDs
            // Gap records of all kinds are one sequence, and their ids are those of others.
            guard frame.missingSequence == nil else {
                findings[frame.sequence] = finding
                return true
            }
            let isBehind = finding.seen.last.map { ids.lowerBound <= $0 } ?? false
            if isBehind {
                if finding.seen.contains(ids) {
                    finding.duplicates += 1
                } else {
                    finding.disordered += 1
                }
            }
            finding.seen.insert(ids)
            findings[frame.sequence] = finding
            return true
        }
        var isWell = true
        var report = ""
        for (sequence, finding) in findings.sorted(by: {
            $0.key.title < $1.key.title
        }) {
            let holes = sequence.numbering == .contiguous ? finding.seen.intervalCount - 1 : 0
            report +=
                "\(sequence.title)  \(finding.records) records  \(finding.duplicates) duplicates  "
                + "\(finding.disordered) out of order  \(holes) holes\n"
            isWell =
                isWell && finding.duplicates == 0 && finding.disordered == 0
                && (holes == 0 || allowHoles)
        }
        try stage.print(report)
        if !isWell { throw StageFailure(.no, "") }
    }
}
