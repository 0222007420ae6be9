import Monitoring
import Stats

/// The page: sections of HTML made here, once a look, for the whole document as for the events
/// that bring it up to date. The browser's script only puts them in place.
struct Page {
    /// A part of the page with an id of its own.
    struct Section: Equatable, Sendable {
        let id: String
        let html: String
    }

    let overview: Overview
    let history: History
    let events: [EventLog.Event]

    /// Every section, in the order of the page.
    var sections: [Section] {
        [
            Section(id: "summary", html: summary.text),
            Section(id: "problems", html: problems.text),
            Section(id: "flow", html: flow.text),
            Section(id: "stages", html: stages.text),
            Section(id: "delays", html: delays.text),
            Section(id: "completeness", html: completeness.text),
            Section(id: "log", html: log.text),
        ]
    }

    /// The whole document.
    ///
    /// - Parameter nonce: names the script and the style that the browser may use.
    func document(nonce: String) -> String {
        let texts = Dictionary(uniqueKeysWithValues: sections.map { ($0.id, $0.html) })
        var text = ""
        // Split before anything is put in: what stages say is not searched for places.
        for (index, part) in PageTemplate.text.split(separator: "{{").enumerated() {
            guard index > 0, let end = part.firstRange(of: "}}") else {
                text += part
                continue
            }
            let name = String(part[..<end.lowerBound])
            text += name == "nonce" ? nonce : texts[name] ?? ""
            text += part[end.upperBound...]
        }
        return text
    }

    // MARK: - Above

    private var summary: HTML {
        let running = overview.members.count(where: \.isRunning)
        let bad = overview.problems.count(where: \.isUnhealthy)
        let state: HTML =
            overview.isHealthy
            ? "<span class=\"verdict good\"><span aria-hidden=\"true\">✔</span> healthy</span>"
            : "<span class=\"verdict bad\"><span aria-hidden=\"true\">✖</span> unhealthy</span>"
        let count: HTML =
            overview.isHealthy
            ? "" : " <span>\(bad) \(bad == 1 ? "problem" : "problems")</span>"
        return """
            <h1>\(overview.service)</h1><p role="status">\(state)\(count)</p>\
            <p class="quiet">\(running) of \(overview.current.count) stages run, as of \
            \(PageWords.time(overview.time, hasDate: true))</p>
            """
    }

    private var problems: HTML {
        guard !overview.problems.isEmpty else { return "" }
        let lines = overview.problems.map { problem -> HTML in
            let isBad = problem.isUnhealthy
            return """
                <li class="\(isBad ? "bad" : "warning")"><b>\(isBad ? "Problem" : "Note"):</b> \
                <code>\(problem.code.rawValue)</code> \(problem.message) <span class="quiet">since \
                \(PageWords.time(problem.since, hasDate: true))</span></li>
                """
        }
        return "<h2>Problems</h2><ul>\(HTML(lines))</ul>"
    }

    // MARK: - Tables

    /// Members as they flow; below them, to be unfolded, the runs that do not count.
    private var flow: HTML {
        let current = overview.pipelines(of: overview.current)
        let visitors = overview.visitors
        var html =
            current.isEmpty && !visitors.isEmpty
            ? "<p>No stage with a name is there.</p>" : FlowDrawing(current, history).html
        if !visitors.isEmpty {
            let count = "\(visitors.count) \(visitors.count == 1 ? "visitor" : "visitors")"
            html += """
                <details id="visitors"\(current.isEmpty ? " open" : "")><summary>\(count): runs \
                without a name, which do not count for health</summary>\
                \(FlowDrawing(overview.pipelines(of: visitors), history).html)</details>
                """
        }
        return html
    }

    private var stages: HTML {
        let current =
            overview.pipelines(of: overview.current)
            + overview.pipelines(of: overview.visitors)
        let rows = current.flatMap(\.placed).map { row($0.stage) }
        let past = overview.past.sorted { $0.stateSince > $1.stateSince }
        var html: HTML =
            rows.isEmpty
            ? "<p>No stage runs here.</p>" : table("Stages and what they counted", rows)
        if !past.isEmpty {
            html += """
                <details id="past"><summary>\(past.count) ended, and nothing is to be done about \
                it</summary>\(table("Stages that ended", past.map(row)))</details>
                """
        }
        return html
    }

    private func table(_ caption: String, _ rows: [HTML]) -> HTML {
        PageWords.table(
            caption,
            [
                "Stage", "State", "In/s", "Out/s", "15 minutes", "In", "Out", "Waiting",
                "Duplicates", "Quarantined", "Gaps", "Beat", "Process",
            ], words: ["State", "15 minutes"], rows)
    }

    private func row(_ stage: StageView) -> HTML {
        let figures = stage.figures
        func cell(_ value: Int64?) -> HTML {
            let word = value.map { Readable.number($0) } ?? "–"
            return "<td>\(word)</td>"
        }
        let curve = Sparkline.html(
            history[stage.id].map(\.recordsOut), label: "records out a second of \(stage.id)")
        return """
            <tr id="\(PageWords.anchor(stage.id))"><th scope="row">\(stage.id)</th>\
            <td class="word">\(PageWords.state(stage))</td>\
            <td>\(Readable.number(stage.rates.recordsIn))</td>\
            <td>\(Readable.number(stage.rates.recordsOut))</td><td>\(curve)</td>\
            \(cell(figures[FigureName.recordsIn]))\(cell(figures[FigureName.recordsOut]))\
            \(cell(stage.waiting))\(cell(figures[FigureName.duplicates]))\
            \(cell(figures[FigureName.recordsQuarantined]))\
            \(cell(figures[FigureName.gapRecordsOut]))\
            <td>\(stage.isRunning ? Readable.duration(stage.heartbeatAge) : "–")</td>\
            <td>\(Int(stage.pid))</td></tr>
            """
    }

    private var delays: HTML {
        let rows = overview.current.flatMap { stage in
            stage.delays.map { delay -> HTML in
                """
                <tr><th scope="row">\(stage.id)</th><td class="word">\(delay.name)</td>\
                <td>\(Readable.number(Double(delay.count)))</td>\
                <td>\(Readable.duration(delay.median))</td>\
                <td>\(Readable.duration(delay.high))</td></tr>
                """
            }
        }
        guard !rows.isEmpty else { return "<p>No stage has measured a delay yet.</p>" }
        return PageWords.table(
            "Delays since each stage started", ["Stage", "Delay", "Counted", "Median", "99 %"],
            words: ["Delay"], rows)
    }

    private var completeness: HTML {
        let shown = overview.members.filter { $0.isRunning || !$0.isReplaced }
        let rows = shown.flatMap { stage in
            stage.coverage.map { sequence -> HTML in
                let hole =
                    sequence.oldestHole == 0
                    ? "–" : Readable.duration(overview.time.seconds(since: sequence.oldestHole))
                return """
                    <tr><th scope="row">\(sequence.sequence)</th><td class="word">\(stage.id)</td>\
                    <td>\(PageWords.bar(sequence))</td>\
                    <td>\(Readable.percent(sequence.share))</td>\
                    <td>\(sequence.holes)</td><td>\(sequence.missing)</td>\
                    <td>\(sequence.declared)</td><td>\(hole)</td>\
                    <td>\(sequence.first)</td><td>\(sequence.last)</td></tr>
                    """
            }
        }
        guard !rows.isEmpty else { return "<p>No ledger says what it holds.</p>" }
        let commands = shown.flatMap { stage in
            stage.coverage.compactMap { sequence in
                sequence.repair.map { command -> HTML in
                    """
                    <li>To fill the oldest hole of \(sequence.sequence), stop \(stage.id) and pipe \
                    into it: <code>\(command)</code></li>
                    """
                }
            }
        }
        let repairs: HTML = commands.isEmpty ? "" : "<ul class=\"repairs\">\(HTML(commands))</ul>"
        return PageWords.table(
            "Ids held between the first and the last, by ledger",
            [
                "Sequence", "Ledger of", "Held", "Share", "Holes", "Missing", "Declared",
                "Oldest hole", "First id", "Last id",
            ], words: ["Ledger of", "Held"], rows) + repairs
    }

    // MARK: - Log

    private var log: HTML {
        guard !events.isEmpty else { return "<li>Nothing happened yet.</li>" }
        return HTML(
            events.reversed().map { event in
                """
                <li id="event-\(event.number)" class="\(event.kind.rawValue)">\
                \(PageWords.time(event.time, hasDate: false)) \
                <b>\(event.kind.rawValue)</b> <span class="name">\(event.stage)</span> \
                \(event.text)</li>
                """
            })
    }
}
