import ArgumentParser
import Configuration
import Identity
import Ledger
import Posix
import Stage
import StageAWS

struct Verify: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that a range was delivered whole.",
        discussion: """
            EXAMPLES:
              ledgerctl verify data/.s3-put --symbol BTCUSDT --kind aggTrade --from 1 --to 300000
              ledgerctl verify s3://bucket/bronze --symbol BTCUSDT --kind trade --day 2024-01-31
              ledgerctl verify s3://bucket/bronze --symbol BTCUSDT --against aggTrades
              ledgerctl verify https://bucket.s3.eu-west-1.amazonaws.com/bronze --read

            A ledger says what one sink delivered; a URL (s3://, https:// of a bucket that anyone may \
            read, file://) is proven by the manifests beside the objects, without the machine that \
            wrote them (docs/verify.md). --read opens each object as well.

            --against aggTrades compares each aggregate's first and last trade id, price, quantity and \
            side with its trades; --against klines count, volumes, open, high, low and close. Rows \
            that are not there are unknown, never equal.

            Without a range: from the first to the last id that is known.

            Of kinds whose ids only grow (bestBidAsk, depthSnapshot) it is not known which ids there \
            were: a range is observed where one uninterrupted reading covers it.
            """)
    @OptionGroup var selection: Selection
    @Option(help: ArgumentHelp("Of a URL: this day, UTC.", valueName: "date")) var day: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "First id; for klines, and of a URL for all kinds, a time.", valueName: "id|time"))
    var from: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Last id, or the time before which the range ends.", valueName: "id|time"))
    var to: String?
    @Flag(help: "Count ids that were declared missing as there.") var allowDeclared = false
    @Flag(help: "Of a URL: read each object, hash it and count its records.") var read = false
    @Option(
        help: ArgumentHelp(
            "Of a URL: compare the trades with what the venue made of them, aggTrades or klines.",
            valueName: "kind"), completion: .list(["aggTrades", "klines"]))
    var against: String?
    @OptionGroup var bucket: BucketReadingOptions
    @OptionGroup var common: CommonOptions

    /// Missing ranges of a sequence that are printed.
    private static let mostRanges = 100

    func plan(_ settings: inout Settings) throws -> BucketReading {
        if !selection.isBucket, read || day != nil || against != nil {
            throw StageFailure(
                .usage,
                "--read, --day and --against are of a URL, such as s3://BUCKET/PREFIX or file:///DIRECTORY: a "
                    + "ledger has neither objects nor times")
        }
        if against != nil {
            _ = try other()
            guard selection.kinds.isEmpty || selection.kinds == [.trade] else {
                throw StageFailure(.usage, "--against compares trades: leave out --kind")
            }
            guard !read else {
                throw StageFailure(.usage, "--against reads the objects anyway: leave out --read")
            }
            if selection.interval != nil, try other() != .kline {
                throw StageFailure(.usage, "--interval goes with --against klines")
            }
        }
        return try bucket.reading(&settings)
    }

    /// What `--against` names; nil without it.
    private func other() throws -> RecordKind? {
        switch against {
        case nil: nil
        case "aggTrades", "aggTrade": .aggTrade
        case "klines", "kline": .kline
        case let word?:
            throw StageFailure(.usage, "--against \(word): aggTrades or klines")
        }
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        if selection.isBucket {
            let question = try BucketQuestion(
                day: day, from: from, to: to, isTime: selection.isOfKlines)
            if let other = try other() {
                return try BucketReconciliation(
                    selection: selection, question: question, other: other,
                    allowsDeclared: allowDeclared
                ).run(reading, in: stage)
            }
            return try BucketVerification(
                selection: selection, question: question, reads: read,
                allowsDeclared: allowDeclared
            ).run(reading, in: stage)
        }
        try verifyLedger(in: stage)
    }

    private func verifyLedger(in stage: borrowing Stage) throws {
        let ledger = try LedgerFile.open(selection.ledger, log: stage.log)
        let sequences = selection.sequences(of: ledger)
        guard !sequences.isEmpty else {
            throw StageFailure(.no, "no such sequence in the ledger")
        }
        var report = ""
        var isWhole = true
        for sequence in sequences {
            guard let coverage = ledger.coverage(of: sequence) else { continue }
            switch sequence.numbering {
            case .contiguous: try verify(sequence, coverage, &report, &isWhole)
            case .increasing: try observe(sequence, coverage, &report, &isWhole)
            case .arrival, .none:
                report += "\(sequence.title)  has no ids that could be verified\n"
            }
        }
        try stage.print(report)
        if !isWhole { throw StageFailure(.no, "") }
    }

    private func verify(
        _ sequence: SequenceID, _ coverage: Coverage, _ report: inout String,
        _ isWhole: inout Bool
    ) throws {
        let ids = IDText(sequence)
        var counted = coverage.held
        // Klines of a suspension never were; other declared ids are lost.
        if allowDeclared || ids.isTime { counted.formUnion(coverage.declared) }
        let range = try ids.range(
            from: from, to: to, known: Self.span(counted), title: sequence.title)
        let missing = counted.missing(in: range)
        isWhole = isWhole && missing.isEmpty
        report += "\(sequence.title)  \(ids.text(range))  "
        report += missing.isEmpty ? "whole\n" : "\(IDText.count(missing.count, "hole", "holes"))\n"
        for range in missing.prefix(Self.mostRanges) {
            report += "  missing  \(ids.text(range))\n"
        }
        if missing.count > Self.mostRanges {
            report += "  … and \(missing.count - Self.mostRanges) more\n"
        }
    }

    private func observe(
        _ sequence: SequenceID, _ coverage: Coverage, _ report: inout String,
        _ isWhole: inout Bool
    ) throws {
        let ids = IDText(sequence)
        var seen = IDSet(coverage.runs.all.map(\.span))
        if allowDeclared { seen.formUnion(coverage.declared) }
        let range = try ids.range(from: from, to: to, known: Self.span(seen), title: sequence.title)
        let unseen = seen.missing(in: range)
        isWhole = isWhole && unseen.isEmpty
        report += "\(sequence.title)  \(ids.text(range))  "
        report += unseen.isEmpty ? "observed without interruption\n" : "observed in parts\n"
        for range in unseen.prefix(Self.mostRanges) {
            report += "  not observed  \(ids.text(range))\n"
        }
    }

    private static func span(_ ids: IDSet) -> ClosedRange<Int64>? {
        ids.first.flatMap { first in ids.last.map { first...$0 } }
    }
}
