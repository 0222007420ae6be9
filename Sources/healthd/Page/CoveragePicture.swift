import Monitoring

/// What is held of a sequence, as pictures: by ids, and by time.
enum CoveragePicture {
    /// Ids from the first to the last that is held, with the place of the oldest hole.
    static func bar(_ sequence: SequenceCoverage) -> HTML {
        // A bar that is not whole must not look so.
        let filled = sequence.share >= 1 ? 1000 : min(990, Int(sequence.share * 1000))
        var label = "\(Readable.percent(sequence.share)) of \(sequence.sequence)"
        var mark: HTML = ""
        if sequence.holes > 0, sequence.span > 0, sequence.holeFirst >= sequence.first,
            sequence.holeFirst <= sequence.last
        {
            let place = Double(sequence.holeFirst - sequence.first) / Double(sequence.span)
            let width = max(
                8,
                Int(Double(sequence.holeLast - sequence.holeFirst) / Double(sequence.span) * 1000))
            mark = """
                <rect class="hole" x="\(min(992, Int(place * 1000)))" \
                width="\(min(width, 1000))" height="100"/>
                """
            label += ", the oldest hole is ids \(sequence.holeFirst) to \(sequence.holeLast)"
        }
        // With the place of a hole known the rest is held, as far as a picture can say.
        let held = sequence.holes == 1 && !mark.text.isEmpty ? 1000 : filled
        return """
            <svg class="bar \(filled == 1000 ? "whole" : "part")" viewBox="0 0 1000 100" \
            preserveAspectRatio="none" role="img" aria-label="\(label)"><title>\(label)</title>\
            <rect class="all" width="1000" height="100"/>\
            <rect class="held" width="\(held)" height="100"/>\(mark)</svg>
            """
    }

    /// When holes were open within the last day; nothing where healthd did not look.
    static func day(_ cells: [CoverageHistory.Cell], of sequence: SequenceCoverage) -> HTML {
        guard !cells.isEmpty else { return "–" }
        let open = cells.count { $0 == .hole }
        let known = cells.count { $0 != .unknown }
        let minutes = CoverageHistory.step / 60_000_000_000
        let label =
            "\(sequence.sequence), last 24 hours: looked at for \(Int64(known) * minutes) minutes, "
            + (open == 0 ? "no hole" : "holes open for \(Int64(open) * minutes) minutes")
        var marks: HTML = ""
        var index = 0
        while index < cells.count {
            let start = index
            while index < cells.count, cells[index] == cells[start] { index += 1 }
            guard cells[start] != .unknown else { continue }
            marks += """
                <rect class="\(cells[start] == .hole ? "hole" : "held")" x="\(start)" \
                width="\(index - start)" height="10"/>
                """
        }
        return """
            <div class="curve small"><svg class="day" viewBox="0 0 \(cells.count) 10" \
            preserveAspectRatio="none" role="img" aria-label="\(label)"><title>\(label)</title>\
            <rect class="all" width="\(cells.count)" height="10"/>\(marks)</svg>\
            <div class="axis" aria-hidden="true"><span>24 h ago</span><span>12</span>\
            <span>now</span></div></div>
            """
    }
}
