import Monitoring

/// A small curve with its scale: the last fifteen minutes of a stage, records out and, thinner,
/// records in.
enum Sparkline {
    private static let width = 180
    private static let height = 32

    /// - Parameter isSmall: for a cell of a table; its scale is one number.
    static func html(_ points: [History.Point], of stage: StageView, isSmall: Bool = false) -> HTML
    {
        guard let last = points.last else { return "–" }
        let most = points.reduce(0) { max($0, $1.recordsOut, $1.recordsIn) }
        let minutes = points.count * Int(History.step / 1_000_000_000) / 60
        let words =
            "records a second of \(stage.id), last \(minutes) minutes: now "
            + "\(Readable.number(Double(last.recordsIn))) in and "
            + "\(Readable.number(Double(last.recordsOut))) out, most "
            + Readable.number(Double(most))
        // Five minutes apart.
        let ticks = HTML(
            [60, 120].map { x -> HTML in
                "<line class=\"tick\" x1=\"\(x)\" y1=\"0\" x2=\"\(x)\" y2=\"\(height)\"/>"
            })
        let picture: HTML = """
            <svg class="spark" viewBox="0 0 \(width) \(height)" preserveAspectRatio="none" \
            role="img" aria-label="\(words)"><title>\(words)</title>\(ticks)\
            <polyline class="in" points="\(line(points.map(\.recordsIn), most))"/>\
            <polyline points="\(line(points.map(\.recordsOut), most))"/></svg>
            """
        let top: HTML = "<span class=\"top\">\(Readable.number(Double(most)))/s</span>"
        guard !isSmall else { return "<div class=\"curve small\">\(top)\(picture)</div>" }
        return """
            <div class="curve">\(top)\(picture)<div class="axis" aria-hidden="true">\
            <span>15 min ago</span><span>10</span><span>5</span><span>now</span></div></div>
            """
    }

    private static func line(_ values: [Float], _ top: Float) -> String {
        values.enumerated().map { index, value in
            let x = width - values.count + index
            // Nothing but zero is at the bottom.
            let part = top > 0 && value.isFinite ? Double(max(0, value) / top) : 0
            return "\(x),\(tenths(Double(height - 1) - part * Double(height - 3)))"
        }.joined(separator: " ")
    }

    private static func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
