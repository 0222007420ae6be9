import ArgumentParser
import Configuration
import Identity
import Ledger
import Posix
import Stage

struct Remove: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove a range, so that its records are accepted again.",
        discussion: """
            For ids that a damaged message claimed, and for records whose objects are gone. The sink \
            must not run. The ledger keeps that this was done: `show` prints it.
            """)
    @OptionGroup var selection: Selection
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("First id; for klines a time.", valueName: "id|time"))
    var from: String
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Last id; for klines the time before which the range ends.", valueName: "id|time"))
    var to: String
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws {
        guard !selection.symbol.isEmpty, !selection.kind.isEmpty else {
            throw StageFailure(.usage, "--symbol and --kind are needed to name the sequence")
        }
    }

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        var ledger = try LedgerFile.openForWriting(selection.ledger)
        let sequences = selection.sequences(of: ledger)
        guard let sequence = sequences.first else {
            throw StageFailure(.no, "no such sequence in the ledger")
        }
        guard sequences.count == 1 else {
            let names = sequences.map(\.title).joined(separator: ", ")
            throw StageFailure(
                .usage, "--interval or --epoch must say which one is meant: \(names)")
        }
        let ids = IDText(sequence)
        let range = try ids.range(from: from, to: to, known: nil, title: sequence.title)
        let before = ledger.coverage(of: sequence)
        guard let before, Self.says(before, range) else {
            throw StageFailure(
                .no, "the ledger says nothing of \(sequence.title) \(ids.text(range))")
        }
        let gone = ledger.remove(sequence, range)
        do throws(LedgerError) { try ledger.commit() } catch { throw LedgerFile.failure(error) }
        try stage.print(
            "\(sequence.title)  removed \(ids.text(range)): \(gone.held) held, \(gone.declared) "
                + "declared; they are accepted when they come again\n")
    }

    /// True when something is known of a range.
    private static func says(_ coverage: Coverage, _ range: ClosedRange<Int64>) -> Bool {
        coverage.held.overlaps(range) || coverage.declared.overlaps(range)
            || coverage.runs.all.contains { $0.span.overlaps(range) }
            || coverage.recent.ids.contains { range.contains($0) }
    }
}
