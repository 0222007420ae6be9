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
    let coverage: CoverageHistory
    let events: [EventLog.Event]

    /// Every section, in the order of the page.
    var sections: [Section] {
        [
            Section(id: "summary", html: summary.text),
            Section(id: "problems", html: problems.text),
            Section(id: "flow", html: flow.text),
            Section(id: "stages", html: stages.text),
            Section(id: "symbols", html: symbols.text),
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
                \(PageWords.reason(problem.code)) \(problem.message) <span class="quiet">since \
                \(PageWords.time(problem.since, hasDate: true))</span>\
                <p class="advice">\(problem.code.advice)</p></li>
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
        return html + processes
    }

    private func table(_ caption: String, _ rows: [HTML]) -> HTML {
        PageWords.table(
            caption,
            [
                "Stage", "State", "In/s", "Out/s", "15 minutes", "In", "Out", "Waiting",
                "Duplicates", "Quarantined", "Gaps", "Beat",
            ], words: ["State", "15 minutes"], rows)
    }

    private func row(_ stage: StageView) -> HTML {
        let figures = stage.figures
        func cell(_ title: String, _ value: Int64?) -> HTML {
            PageWords.cell(title, value.map { Readable.number($0) } ?? "–")
        }
        let curve = Sparkline.html(history[stage.id], of: stage, isSmall: true)
        return """
            <tr id="\(PageWords.anchor(stage.id))"><th scope="row">\(PageWords.name(stage))</th>\
            \(PageWords.cell("State", PageWords.state(stage), isWord: true))\
            \(PageWords.cell("In/s", Readable.number(stage.rates.recordsIn)))\
            \(PageWords.cell("Out/s", Readable.number(stage.rates.recordsOut)))\
            \(PageWords.cell("15 minutes", curve, isWord: true))\
            \(cell("In", figures[FigureName.recordsIn]))\
            \(cell("Out", figures[FigureName.recordsOut]))\
            \(cell("Waiting", stage.waiting))\
            \(cell("Duplicates", figures[FigureName.duplicates]))\
            \(cell("Quarantined", figures[FigureName.recordsQuarantined]))\
            \(cell("Gaps", figures[FigureName.gapRecordsOut]))\
            \(PageWords.cell("Beat", stage.isRunning ? Readable.duration(stage.heartbeatAge) : "–"))\
            </tr>
            """
    }

    /// What each process takes of the host; folded, since it matters to few.
    private var processes: HTML {
        let rows = overview.current.map { stage -> HTML in
            let share = stage.processorShare.map { Readable.percent(min($0, 0.9999)) }
            return """
                <tr><th scope="row">\(PageWords.name(stage))</th>\
                \(PageWords.cell("Process", "\(stage.pid)"))\
                \(PageWords.cell("Version", stage.version, isWord: true))\
                \(PageWords.cell("Started", PageWords.time(stage.startTime, hasDate: true), isWord: true))\
                \(PageWords.cell("Processor", share ?? "–"))\
                \(PageWords.cell("Memory", stage.memory.map { Readable.bytes(Double($0)) } ?? "–"))\
                </tr>
                """
        }
        guard !rows.isEmpty else { return "" }
        let table = PageWords.table(
            "What each process takes",
            ["Stage", "Process", "Version", "Started", "Processor", "Memory"],
            words: ["Version", "Started"], rows)
        return "<details id=\"processes\"><summary>Processes</summary>\(table)</details>"
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
