import Bronze
import Encoding
import Identity

/// The calendar of a bucket as one page without scripts, fonts or anything else from elsewhere.
struct CoveragePage {
    /// Problems that are listed.
    private static let most = 200

    let title: String
    let calendars: [CoverageCalendar]
    let rates: [GapRate]
    let problems: [BucketProblem]
    /// When it was made, ns since the epoch.
    let time: Int64

    var text: String {
        var page = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Coverage of \(Self.escaped(title))</title>
            <style>\(Self.style)</style></head><body>
            <h1>Coverage of \(Self.escaped(title))</h1>
            <p>As its manifests say and its listing shows, \
            \(Timestamp.text(nanoseconds: time).prefix(16).replacing("T", with: " ")) UTC. \
            <code>ledgerctl verify --read</code> opens the objects as well.</p>
            <ul class="legend">

            """
        let used = Set(calendars.flatMap { $0.days.map(\.state) })
        for state in CoverageCalendar.State.allCases where used.contains(state) {
            page += "<li><i class=\"\(state.rawValue)\"></i>\(state.words)</li>\n"
        }
        page += "</ul>\n" + table(CoverageCalendar.State.allCases.filter { used.contains($0) })
        if !rates.isEmpty { page += rateTable }
        for (index, calendar) in calendars.enumerated() { page += section(calendar, index) }
        if !problems.isEmpty { page += problemList }
        return page + "</body></html>\n"
    }

    private func table(_ states: [CoverageCalendar.State]) -> String {
        var text = "<table><thead><tr><th>sequence</th><th>from</th><th>to</th>"
        for state in states { text += "<th>\(state.rawValue)</th>" }
        text += "</tr></thead><tbody>\n"
        for (index, calendar) in calendars.enumerated() {
            text +=
                "<tr><td><a href=\"#s\(index)\">\(Self.escaped(calendar.sequence.title))</a></td>"
            for day in [calendar.days.first, calendar.days.last] {
                text += "<td>\(day.map { Self.date($0) } ?? "")</td>"
            }
            for state in states {
                let count = calendar.days.count { $0.state == state }
                text += "<td class=\"number\">\(count == 0 ? "" : "\(count)")</td>"
            }
            text += "</tr>\n"
        }
        return text + "</tbody></table>\n"
    }

    private var rateTable: String {
        var text = "<h2>Gap rate</h2><p>Of a million ids; in brackets how many.</p>"
        text += "<table><thead><tr><th>sequence</th><th>ids</th>"
        text += "<th>missing</th><th>repaired</th><th>declared</th></tr></thead><tbody>\n"
        for rate in rates {
            text += "<tr><td>\(Self.escaped(rate.sequence.title))</td>"
            text += "<td class=\"number\">\(rate.ids)</td>"
            for part in rate.rates {
                text += "<td class=\"number\">\(Self.escaped(part.rate))"
                text += part.count == 0 ? "</td>" : " (\(part.count))</td>"
            }
            text += "</tr>\n"
        }
        return text + "</tbody></table>\n"
    }

    private var problemList: String {
        var text =
            "<h2>\(problems.count == 1 ? "1 problem" : "\(problems.count) problems")</h2><ul>\n"
        for problem in problems.sorted(by: { $0.key < $1.key }).prefix(Self.most) {
            text += "<li><code>\(Self.escaped(problem.text))</code></li>\n"
        }
        if problems.count > Self.most {
            text += "<li>… and \(problems.count - Self.most) more</li>\n"
        }
        return text + "</ul>\n"
    }

    private func section(_ calendar: CoverageCalendar, _ index: Int) -> String {
        var text = "<h2 id=\"s\(index)\">\(Self.escaped(calendar.sequence.title))</h2>"
        text += "<div class=\"months\">\n"
        for month in calendar.months {
            text += "<figure><figcaption>\(month.name)</figcaption><div class=\"month\">"
            if let first = month.days.first {
                // Weeks begin on Monday; 1970-01-01 was a Thursday.
                let start = first.number - Int64(first.date.day - 1)
                let weekday = Timestamp.remainder(start + 3, by: 7)
                for _ in 0..<(weekday + Int64(first.date.day - 1)) { text += "<b></b>" }
            }
            for day in month.days {
                let label =
                    "\(Self.date(day)): \(day.state.words)"
                    + (day.words.isEmpty ? "" : "; \(day.words)")
                text += "<i class=\"\(day.state.rawValue)\" title=\"\(Self.escaped(label))\">"
                text += "\(day.date.day)</i>"
            }
            text += "</div></figure>\n"
        }
        return text + "</div>\n"
    }

    private static func date(_ day: CoverageCalendar.Day) -> String {
        Timestamp.date(microseconds: day.number * Timestamp.day)
    }

    /// Symbols and keys come from outside.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static let style = """
        :root{color-scheme:light dark}
        body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
        h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2rem}
        table{border-collapse:collapse;margin:1rem 0}
        th,td{padding:.2rem .7rem;text-align:left;border-bottom:1px solid #8884}
        .number{text-align:right;font-variant-numeric:tabular-nums}
        .legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.5rem}
        .legend i{display:inline-block;width:1em;height:1em;margin-right:.5em;vertical-align:-.15em}
        .months{display:flex;flex-wrap:wrap;gap:1.2rem}figure{margin:0}
        figcaption{font-size:.85rem;margin-bottom:.2rem}
        .month{display:grid;grid-template-columns:repeat(7,1.7rem);gap:2px}
        .month i{font-style:normal;font-size:.75rem;text-align:center;line-height:1.7rem}
        i{border-radius:3px;color:#fff}
        .whole{background:#1a7f4b}.repaired{background:#0f766e}
        .declared{background:#d9a404;color:#000}.missing{background:#c62828}
        .unknown{background:#8886;color:inherit}.observed{background:#2563a8}
        .parts{background:repeating-linear-gradient(45deg,#2563a8 0 5px,#6b93c4 5px 10px)}
        """
}
