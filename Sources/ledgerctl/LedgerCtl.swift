import ArgumentParser
import Identity
import Ledger
import Records
import Stage

@main
struct LedgerCtl: Tool {
    static let configuration = CommandConfiguration(
        commandName: "ledgerctl",
        abstract: "Look at what a sink holds, and prove that a range is whole.",
        discussion: """
            ledgerctl show data/.s3-put/ledger
            ledgerctl verify data/.s3-put/ledger --symbol BTCUSDT --kind aggTrade --from 1 --to 300000

            Exit status of verify: 0 whole, 1 not whole, 65 the file is damaged or no ledger.
            """,
        version: Version.text, subcommands: [Show.self, Verify.self])
}

/// Which sequences are meant.
struct Selection: ParsableArguments {
    @Argument(help: "The ledger, or the state directory that it lies in.", completion: .file())
    var ledger: String
    @Option(help: "Only this symbol.") var symbol: String?
    @Option(help: "Only this kind: trade, aggTrade, kline, ...") var kind: String?
    @Option(help: "Only klines of this interval.") var interval: String?

    mutating func validate() throws {
        if let kind, RecordKind(name: kind) == nil {
            let names = RecordKind.allCases.map(\.name).joined(separator: ", ")
            throw ValidationError("\"\(kind)\" is no kind; kinds are \(names)")
        }
        if let interval, KlineInterval(rawValue: interval) == nil {
            throw ValidationError("\"\(interval)\" is no interval")
        }
    }

    /// The chosen sequences of a ledger.
    func sequences(of ledger: borrowing Ledger) -> [SequenceID] {
        ledger.sequences.filter { key in
            (symbol == nil || "\(key.symbol)" == symbol)
                && (kind == nil || RecordKind.name(template: key.template) == kind)
                && (interval == nil || KlineInterval(code: key.series)?.rawValue == interval)
        }
    }
}

struct Show: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what is held of each sequence.")
    @OptionGroup var selection: Selection
    @Flag(help: "Print every range and hole.") var all = false
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws {}

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        let ledger = try LedgerFile.open(selection.ledger, log: stage.log)
        var report = ""
        for key in selection.sequences(of: ledger) {
            guard let coverage = ledger.coverage(of: key) else { continue }
            let ids = IDText(isTime: key.template == RecordKind.kline.rawValue)
            let held = coverage.held
            let span =
                held.first.flatMap { first in held.last.map { ids.text(first...$0) } } ?? "nothing"
            let holes = coverage.holes
            report += "\(key.title)  \(ids.count(held))  \(span)  \(holes.count) holes"
            report +=
                coverage.declared.isEmpty
                ? "\n" : "  \(coverage.declared.intervalCount) declared gaps\n"
            for range in all ? held.ranges : [] { report += "  held      \(ids.text(range))\n" }
            for range in all ? coverage.declared.ranges : [] {
                report += "  declared  \(ids.text(range))\n"
            }
            for range in holes.prefix(all ? .max : 10) {
                report += "  hole      \(ids.text(range))\n"
            }
        }
        try stage.print(report)
    }
}

struct Verify: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that a range is held whole.",
        discussion: "Without --from and --to: from the first to the last id that is held.")
    @OptionGroup var selection: Selection
    @Option(help: ArgumentHelp("First id; for klines a time.", valueName: "id|time")) var from:
        String?
    @Option(
        help: ArgumentHelp(
            "Last id; for klines the time before which the range ends.", valueName: "id|time"))
    var to: String?
    @Flag(help: "Count ids that were declared missing as there.") var allowDeclared = false
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws {}

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        let ledger = try LedgerFile.open(selection.ledger, log: stage.log)
        let keys = selection.sequences(of: ledger)
        guard !keys.isEmpty else {
            throw StageFailure(.no, "the ledger holds no such sequence")
        }
        var report = ""
        var isWhole = true
        for key in keys {
            guard let coverage = ledger.coverage(of: key) else { continue }
            let isTime = key.template == RecordKind.kline.rawValue
            let ids = IDText(isTime: isTime)
            var counted = coverage.held
            // Klines of a suspension never were; other declared ids are lost.
            if allowDeclared || isTime { counted.formUnion(coverage.declared) }
            let first = try from.map { try ids.parse($0, isEnd: false) } ?? counted.first
            let last = try to.map { try ids.parse($0, isEnd: true) } ?? counted.last
            guard let first, let last, first <= last else {
                throw StageFailure(.usage, "\(key.title): the range is empty")
            }
            let missing = counted.missing(in: first...last)
            isWhole = isWhole && missing.isEmpty
            report += "\(key.title)  \(ids.text(first...last))  "
            report += missing.isEmpty ? "whole\n" : "\(missing.count) holes\n"
            for range in missing.prefix(100) { report += "  missing  \(ids.text(range))\n" }
        }
        try stage.print(report)
        if !isWhole { throw StageFailure(.no, "") }
    }
}
