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

    /// An id for links within the page: letters, digits, and what else a name has as its number.
    static func anchor(_ id: String) -> String {
        "stage-"
            + id.unicodeScalars.map { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                    ? String(scalar) : "_\(String(scalar.value, radix: 16))_"
            }.joined()
    }

    /// How much of a sequence is held.
    static func bar(_ sequence: SequenceCoverage) -> HTML {
        // A bar that is not whole must not look so.
        let filled = sequence.share >= 1 ? 1000 : min(990, Int(sequence.share * 1000))
        let label = "\(Readable.percent(sequence.share)) of \(sequence.sequence)"
        return """
            <svg class="bar \(filled == 1000 ? "whole" : "part")" viewBox="0 0 1000 100" \
            preserveAspectRatio="none" role="img" aria-label="\(label)">\
            <rect class="all" width="1000" height="100"/>\
            <rect class="held" width="\(filled)" height="100"/></svg>
            """
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

/// A small curve.
enum Sparkline {
    private static let width = 180
    private static let height = 32

    /// The values, newest at the right; `label` says of what.
    static func html(_ values: [Float], label: String) -> HTML {
        guard let last = values.last, let top = values.max() else { return "–" }
        let words =
            "\(label), last \(values.count * Int(History.step / 1_000_000_000)) seconds: "
            + "now \(Readable.number(Double(last))), most \(Readable.number(Double(top)))"
        let points = values.enumerated().map { index, value in
            let x = width - values.count + index
            // Only zero is on the base line.
            let part = top > 0 && value.isFinite ? Double(max(0, value) / top) : 0
            return "\(x),\(tenths(Double(height - 1) - part * Double(height - 3)))"
        }
        return """
            <svg class="spark" viewBox="0 0 \(width) \(height)" preserveAspectRatio="none" \
            role="img" aria-label="\(words)"><polyline points="\(points.joined(separator: " "))"/>\
            </svg>
            """
    }

    private static func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
