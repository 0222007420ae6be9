import Encoding
import Monitoring

/// Small pieces that several parts of the page use.
enum PageWords {
    /// A moment, UTC.
    static func time(_ nanoseconds: Int64, hasDate: Bool) -> HTML {
        let text = Timestamp.milliseconds(nanoseconds: nanoseconds)
        let clock = text.dropFirst(11).prefix(8)
        return """
            <time datetime="\(text)">\(hasDate ? "\(text.prefix(10)) \(clock) UTC" : "\(clock)")\
            </time>
            """
    }

    /// The state with a sign beside the word, since colours do not speak to everybody.
    static func state(_ stage: StageView) -> HTML {
        let (sign, look): (HTML, String) =
            switch stage.state {
            case _ where !stage.isHealthy: ("✖", "bad")
            case "running": ("✔", "good")
            case "stopped": ("■", "quiet")
            case "dead", "failed", "suspended": ("✖", "bad")
            default: ("…", "warning")
            }
        let problems: HTML =
            stage.problems.isEmpty
            ? "" : " (\(stage.problems.map(\.rawValue).joined(separator: ", ")))"
        return """
            <span class="state \(look)"><span aria-hidden="true">\(sign)</span> \(stage.state)\
            \(problems)</span>
            """
    }

    /// A name for people: the instance, and small the stage; a visitor by the time of its start, since
    /// its number says nothing.
    static func name(_ stage: StageView) -> HTML {
        if stage.isVisitor {
            return """
                <span title="process \(Int(stage.pid))">\(stage.stage) \
                <span class="quiet">from a shell, since \(time(stage.startTime, hasDate: false))</span></span>
                """
        }
        return "\(stage.stage)<span class=\"quiet\">.</span>\(stage.instance)"
    }

    /// A code with the page that says what it means.
    static func reason(_ code: Problem.Code) -> HTML {
        """
        <a href="reasons#\(code.rawValue)" title="what it means and what to do"><code>\
        \(code.rawValue)</code></a>
        """
    }

    /// A cell that says its column's title itself where the table is shown as a list; words are one
    /// element there, as a list would part the pieces of a name.
    static func cell(_ title: String, _ content: HTML, isWord: Bool = false) -> HTML {
        isWord
            ? "<td class=\"word\" data-title=\"\(title)\"><span>\(content)</span></td>"
            : "<td data-title=\"\(title)\">\(content)</td>"
    }

    static func cell(_ title: String, _ text: String, isWord: Bool = false) -> HTML {
        cell(title, HTML(text), isWord: isWord)
    }

    /// An id for links within the page: letters, digits, and what else a name has as its number.
    static func anchor(_ id: String) -> String {
        "stage-"
            + id.unicodeScalars.map { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                    ? String(scalar) : "_\(String(scalar.value, radix: 16))_"
            }.joined()
    }

    /// A table with a caption, in a box that scrolls by itself, also by keyboard.
    ///
    /// - Parameter words: columns of words, which begin at the left; the others are numbers.
    static func table(
        _ caption: String, _ titles: [String], words: Set<String>, _ rows: [HTML]
    ) -> HTML {
        let heads = HTML(
            titles.map { title -> HTML in
                let look: HTML = words.contains(title) ? " class=\"word\"" : ""
                return "<th scope=\"col\"\(look)>\(title)</th>"
            })
        return """
            <div class="scroll" tabindex="0" role="region" aria-label="\(caption)"><table>\
            <caption>\(caption)</caption><thead><tr>\(heads)</tr></thead>\
            <tbody>\(HTML(rows))</tbody></table></div>
            """
    }
}
