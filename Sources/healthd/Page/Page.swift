import Monitoring

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
            Section(id: "flow", html: FlowDrawing(overview, history).html.text),
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
        let running = overview.stages.count(where: \.isRunning)
        let bad = overview.problems.count(where: \.code.isUnhealthy)
        let state: HTML =
            overview.isHealthy
            ? "<span class=\"verdict good\"><span aria-hidden=\"true\">✔</span> healthy</span>"
            : "<span class=\"verdict bad\"><span aria-hidden=\"true\">✖</span> unhealthy</span>"
        let count: HTML =
            overview.isHealthy
            ? "" : " <span>\(bad) \(bad == 1 ? "problem" : "problems")</span>"
        return """
            <h1>\(overview.service)</h1><p role="status">\(state)\(count)</p>\
            <p class="quiet">\(running) of \(overview.stages.count) stages run, as of \
            \(PageWords.time(overview.time, hasDate: true))</p>
            """
    }

    private var problems: HTML {
        guard !overview.problems.isEmpty else { return "" }
        let lines = overview.problems.map { problem -> HTML in
            let isBad = problem.code.isUnhealthy
            return """
                <li class="\(isBad ? "bad" : "warning")"><b>\(isBad ? "Problem" : "Note"):</b> \
                <code>\(problem.code.rawValue)</code> \(problem.message) <span class="quiet">since \
                \(PageWords.time(problem.since, hasDate: true))</span></li>
                """
        }
        return "<h2>Problems</h2><ul>\(HTML(lines))</ul>"
    }

    // MARK: - Tables

    private var stages: HTML {
        let rows = overview.pipelines.flatMap(\.placed).map { stage, _ -> HTML in
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
                \(cell(figures["records_in"]))\(cell(figures["records_out"]))\(cell(stage.waiting))\
                \(cell(figures["duplicates"]))\(cell(figures["records_quarantined"]))\
                \(cell(figures["gap_records_out"]))\
                <td>\(stage.isRunning ? Readable.duration(stage.heartbeatAge) : "–")</td>\
                <td>\(Int(stage.pid))</td></tr>
                """
        }
        guard !rows.isEmpty else { return "<p>No stage has a stats file here.</p>" }
        let titles = [
            "Stage", "State", "In/s", "Out/s", "Out/s, 15 minutes", "Records in", "Records out",
            "Waiting", "Duplicates", "Quarantined", "Gaps", "Heartbeat", "Process",
        ]
        return PageWords.table(
            "Stages and what they counted", titles, words: ["State", "Out/s, 15 minutes"], rows)
    }

    private var delays: HTML {
        let rows = overview.stages.flatMap { stage in
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
        let rows = overview.stages.flatMap { stage in
            stage.coverage.map { sequence -> HTML in
                let hole =
                    sequence.oldestHole == 0
                    ? "–" : Readable.duration(Double(overview.time - sequence.oldestHole) / 1e9)
                return """
                    <tr><th scope="row">\(sequence.sequence)</th><td class="word">\(stage.id)</td>\
                    <td>\(PageWords.bar(sequence))</td>\
                    <td>\(Readable.percent(sequence.share))</td>\
                    <td>\(sequence.holes)</td><td>\(sequence.missing)</td><td>\(hole)</td>\
                    <td>\(sequence.first)</td><td>\(sequence.last)</td></tr>
                    """
            }
        }
        guard !rows.isEmpty else { return "<p>No ledger says what it holds.</p>" }
        return PageWords.table(
            "Ids held between the first and the last, by ledger",
            [
                "Sequence", "Ledger of", "Held", "Share", "Holes", "Missing", "Oldest hole",
                "First id", "Last id",
            ], words: ["Ledger of", "Held"], rows)
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
