import Monitoring
import Stats

/// Symbols, delays and completeness: what is measured of the data, not of the stages.
extension Page {
    /// Rows of a table of symbols; more would be no picture.
    private static let mostSymbols = 300

    /// How fresh each symbol is.
    var symbols: HTML {
        let streams = overview.current.flatMap { stage in
            stage.streams.map { (stage, $0) }
        }.sorted { ($0.1.symbol, $0.1.kind, $0.1.stage) < ($1.1.symbol, $1.1.kind, $1.1.stage) }
        guard !streams.isEmpty else { return "<p>No source runs.</p>" }
        let rows = streams.prefix(Self.mostSymbols).map { stage, stream -> HTML in
            """
            <tr><th scope="row">\(stream.symbol)</th>\
            \(PageWords.cell("Kind", stream.kind, isWord: true))\
            \(PageWords.cell("From", PageWords.name(stage), isWord: true))\
            \(PageWords.cell("Records/s", Readable.number(stream.rate)))\
            \(PageWords.cell("Last record", Self.age(stream)))\
            \(PageWords.cell("Records", Readable.number(stream.records)))</tr>
            """
        }
        let rest = streams.count - rows.count
        let more: HTML = rest > 0 ? "<p class=\"quiet\">and \(rest) more: see metrics</p>" : ""
        return PageWords.table(
            "Records by symbol and kind, newest count and age",
            ["Symbol", "Kind", "From", "Records/s", "Last record", "Records"],
            words: ["Kind", "From"], rows) + more
    }

    private static func age(_ stream: StreamView) -> String {
        guard stream.records > 0 else { return "never" }
        return stream.age < 1 ? "now" : "\(Readable.duration(stream.age)) ago"
    }

    var delays: HTML {
        let rows = overview.current.flatMap { stage in
            stage.delays.map { delay -> HTML in
                """
                <tr><th scope="row">\(PageWords.name(stage))</th>\
                \(PageWords.cell("From where to where", delay.meaning, isWord: true))\
                \(PageWords.cell("Figure", "\(delay.name)", isWord: true))\
                \(PageWords.cell("Counted", Readable.number(Double(delay.count))))\
                \(PageWords.cell("Median", Readable.duration(delay.median)))\
                \(PageWords.cell("99 %", Readable.duration(delay.high)))</tr>
                """
            }
        }
        guard !rows.isEmpty else { return "<p>No stage has measured a delay lately.</p>" }
        return PageWords.table(
            "Delays of the last five to ten minutes, or since the start of a younger stage",
            ["Stage", "From where to where", "Figure", "Counted", "Median", "99 %"],
            words: ["From where to where", "Figure"], rows)
    }

    var completeness: HTML {
        let shown = overview.members.filter { $0.isRunning || !$0.isReplaced }
        let rows = shown.flatMap { stage in stage.coverage.map { row($0, of: stage) } }
        guard !rows.isEmpty else { return "<p>No ledger says what it holds.</p>" }
        let commands = shown.flatMap(commands)
        let repairs: HTML = commands.isEmpty ? "" : "<ul class=\"repairs\">\(HTML(commands))</ul>"
        return PageWords.table(
            "Ids held between the first and the last, by ledger",
            [
                "Sequence", "Ledger of", "Held", "Last 24 hours", "Share", "Holes", "Missing",
                "Declared", "Oldest hole", "First id", "Last id",
            ], words: ["Ledger of", "Held", "Last 24 hours"], rows) + gapRates(shown) + repairs
    }

    private func row(_ sequence: SequenceCoverage, of stage: StageView) -> HTML {
        let hole =
            sequence.oldestHole == 0
            ? "–" : "\(Readable.duration(overview.time.seconds(since: sequence.oldestHole))) ago"
        func ids(_ value: Int64) -> String { sequence.isCounted ? "\(value)" : "–" }
        return """
            <tr><th scope="row">\(sequence.sequence)</th>\
            \(PageWords.cell("Ledger of", PageWords.name(stage), isWord: true))\
            \(PageWords.cell("Held", sequence.isCounted ? CoveragePicture.bar(sequence) : "–", isWord: true))\
            \(PageWords.cell("Last 24 hours", CoveragePicture.day(coverage.cells(stage, sequence), of: sequence), isWord: true))\
            \(PageWords.cell("Share", sequence.isCounted ? Readable.percent(sequence.share) : "–"))\
            \(PageWords.cell("Holes", "\(sequence.holes)"))\
            \(PageWords.cell("Missing", "\(sequence.missing)"))\
            \(PageWords.cell("Declared", "\(sequence.declared)"))\
            \(PageWords.cell("Oldest hole", hole))\
            \(PageWords.cell("First id", ids(sequence.first)))\
            \(PageWords.cell("Last id", ids(sequence.last)))</tr>
            """
    }

    private func gapRates(_ stages: [StageView]) -> HTML {
        let rows = stages.flatMap { stage in
            stage.coverage.filter { $0.held > 0 || $0.missing > 0 }.map { sequence -> HTML in
                let rates = sequence.gapRates
                return """
                    <tr><th scope="row">\(sequence.sequence)</th>\
                    \(PageWords.cell("Ledger of", PageWords.name(stage), isWord: true))\
                    \(PageWords.cell("Missing", rates.missing))\
                    \(PageWords.cell("Repaired", rates.repaired))\
                    \(PageWords.cell("Declared", rates.declared))</tr>
                    """
            }
        }
        guard !rows.isEmpty else { return "" }
        return PageWords.table(
            "Gap rate: of a million ids, repaired ones since the sink started",
            ["Sequence", "Ledger of", "Missing", "Repaired", "Declared"], words: ["Ledger of"], rows
        )
    }

    /// What to run: once for a ledger, and for the oldest hole of each sequence.
    private func commands(_ stage: StageView) -> [HTML] {
        guard stage.coverage.contains(where: { $0.holes > 0 }) else { return [] }
        var lines: [HTML] = []
        if let ledger = stage.ledgerPath {
            lines.append(
                """
                <li>To fill every hole of \(stage.id) while it runs, as a second input of its \
                dedup: <code>\(SequenceCoverage.repair(ledger: ledger))</code></li>
                """)
        }
        return lines
            + stage.coverage.compactMap { sequence in
                sequence.repair.map { command -> HTML in
                    """
                    <li>To fill the oldest hole of \(sequence.sequence) (ids \(sequence.holeFirst) \
                    to \(sequence.holeLast), known since \
                    \(PageWords.time(sequence.oldestHole, hasDate: true))), stop \(stage.id) and \
                    pipe into it: <code>\(command)</code></li>
                    """
                }
            }
    }
}

extension Delay {
    /// What is between its two ends, in words.
    var meaning: String {
        let labels = name.drop { $0 != "{" }
        let detail = labels.split(separator: "\"").dropFirst().first.map { " (\($0))" } ?? ""
        switch String(name.prefix { $0 != "{" }) {
        case FigureName.eventDelay: return "venue's time to receipt here"
        case FigureName.outputDelay: return "receipt to standard output"
        case FigureName.acknowledgementDelay: return "receipt to the service's confirmation"
        case FigureName.requestDuration: return "request to answer\(detail)"
        default: return String(name.prefix { $0 != "{" }).replacing("_", with: " ") + detail
        }
    }

    /// The same in two or three words, for a box.
    var shortMeaning: String {
        switch String(name.prefix { $0 != "{" }) {
        case FigureName.eventDelay: "venue to here"
        case FigureName.outputDelay: "here to output"
        case FigureName.acknowledgementDelay: "here to confirmed"
        case FigureName.requestDuration: "request"
        default: "delay"
        }
    }
}
