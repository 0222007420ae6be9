import ArgumentParser
import Bronze
import BronzeAccess
import BronzeProof
import Configuration
import Encoding
import Identity
import Posix
import Stage
import StageAWS

struct Report: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a bucket holds, day by day.",
        discussion: """
            EXAMPLES:
              ledgerctl report s3://bucket/bronze --html > coverage.html
              ledgerctl report file:///data --symbol BTCUSDT

            Behind each sequence: of a million ids those that are missing, were repaired, or are \
            declared absent.

            Text: # whole, + repaired, d declared, ! missing, . not known, o observed, - in parts.
            Exit status: 0 also when something is missing; verify is for that.
            """)
    @OptionGroup var selection: Selection
    @Flag(help: "A page for a browser instead of text.") var html = false
    @OptionGroup var bucket: BucketReadingOptions
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws -> BucketReading {
        guard selection.isBucket else {
            throw StageFailure(
                .usage,
                "\(selection.ledger) is not a URL, nor a directory with manifests: a ledger has no "
                    + "days")
        }
        return try bucket.reading(&settings)
    }

    func run(_ reading: BucketReading, in stage: borrowing Stage) throws {
        let source = try reading.source(selection.ledger, stage.log)
        let proof = try BucketProof.load(source, below: selection.prefixes)
        let chosen = selection.chosen(of: proof.sequences)
        let proofs = proof.proofs(of: chosen)
        let calendars = proofs.compactMap { CoverageCalendar($0) }
        let rates = proofs.compactMap { GapRate($0) }
        guard !calendars.isEmpty else {
            throw StageFailure(.no, "\(source.url) has no manifests of such a sequence")
        }
        let problems = proof.problems(concerning: chosen, .all)
        if html {
            let page = CoveragePage(
                title: source.url, calendars: calendars, rates: rates, problems: problems,
                time: Clock.realtimeNanoseconds())
            return try stage.print(page.text)
        }
        var text = ""
        for calendar in calendars {
            text += calendar.sequence.title
            if let rate = rates.first(where: { $0.sequence == calendar.sequence }) {
                text += "  \(rate.words)"
            }
            text += "\n"
            for month in calendar.months {
                let first = Int(month.days.first?.date.day ?? 1)
                text += "  \(month.name)  " + String(repeating: " ", count: first - 1)
                text += String(month.days.map(\.state.mark)) + "\n"
            }
        }
        for problem in problems.prefix(100) { text += "problem   \(problem.text)\n" }
        try stage.print(text)
    }
}
