import ArgumentParser
import Configuration
import Encoding
import Identity
import Ledger
import Stage
import StageAWS

struct Show: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what was delivered of each sequence.")
    @OptionGroup var selection: Selection
    @Flag(help: "Print every range, hole and run.") var all = false
    @OptionGroup var bucket: BucketReadingOptions
    @OptionGroup var common: CommonOptions

    /// Holes of a sequence that are printed without `--all`.
    private static let fewHoles = 10

    func plan(_ settings: inout Settings) throws -> BucketReading {
        try bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        if selection.isBucket {
            return try BucketSummary(selection: selection, all: all).run(reading, in: stage)
        }
        let ledger = try LedgerFile.open(selection.ledger, log: stage.log)
        var report = ""
        for sequence in selection.sequences(of: ledger) {
            guard let coverage = ledger.coverage(of: sequence) else { continue }
            let ids = IDText(sequence)
            report += sequence.title
            report += coverage.runs.isEmpty ? held(coverage, ids) : observed(coverage)
            for range in all ? coverage.declared.ranges : [] {
                report += "  declared  \(ids.text(range))\n"
            }
            for removal in coverage.removed {
                let time = Timestamp.text(nanoseconds: removal.time)
                report += "  removed   \(ids.text(removal.ids)) by ledgerctl at \(time)\n"
            }
        }
        try stage.print(report)
    }

    /// Of a sequence where every id has its record.
    private func held(_ coverage: Coverage, _ ids: IDText) -> String {
        let held = coverage.held
        let span =
            held.first.flatMap { first in held.last.map { ids.text(first...$0) } } ?? "nothing"
        let holes = IDText.count(coverage.holeCount, "hole", "holes")
        var report = "  \(ids.count(held))  \(span)  \(holes)\(declared(coverage))\n"
        for range in all ? held.ranges : [] { report += "  held      \(ids.text(range))\n" }
        for range in coverage.holes(all ? .max : Self.fewHoles) {
            report += "  hole      \(ids.text(range))\n"
        }
        return report
    }

    /// Of a sequence whose ids only grow: what was seen, and nothing about ids between.
    private func observed(_ coverage: Coverage) -> String {
        let runs = coverage.runs
        let span = runs.span.map { "\($0.lowerBound) to \($0.upperBound)" } ?? "nothing"
        var report =
            "  observed \(Self.records(runs.count, isAll: !runs.all.contains { $0.count == 0 }))"
        report += " in \(IDText.count(runs.all.count, "run", "runs"))  \(span)"
        if let times = runs.times { report += "  \(IDText.times(times))" }
        report += "\(declared(coverage))\n"
        for run in all ? runs.all : [] {
            report += "  run       \(run.span.lowerBound) to \(run.span.upperBound)"
            report += "  \(Self.records(run.count, isAll: run.count > 0))"
            if run.firstTime != 0 {
                report += "  \(IDText.times(run.firstTime...max(run.firstTime, run.lastTime)))"
            }
            report += "\n"
        }
        return report
    }

    private func declared(_ coverage: Coverage) -> String {
        let count = coverage.declared.intervalCount
        return count == 0 ? "" : "  \(IDText.count(count, "declared gap", "declared gaps"))"
    }

    private static func records(_ count: Int64, isAll: Bool) -> String {
        let records = Spoken.count(count, "record")
        if isAll { return records }
        return count == 0 ? "records (not counted)" : "at least \(records)"
    }
}
