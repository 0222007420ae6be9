import Monitoring

/// Stages as boxes and pipes as arrows with their rates: sources left, sinks right; on a narrow
/// screen sources above and sinks below.
struct FlowDrawing {
    private let pipelines: [Pipeline]
    private let history: History

    init(_ pipelines: [Pipeline], _ history: History) {
        self.pipelines = pipelines
        self.history = history
    }

    var html: HTML {
        guard !pipelines.isEmpty else { return "<p>No stage with a name is there.</p>" }
        // healthd itself is in the table; it is worth a box when something is wrong with it.
        let single = pipelines.filter(\.isSingle).flatMap { $0.levels.joined() }
            .filter { $0.stage != "healthd" || !$0.isHealthy }
        var html = HTML(pipelines.filter { !$0.isSingle }.map(drawing))
        if !single.isEmpty {
            html += """
                <ul class="single" aria-label="Stages without a connection to others">\
                \(HTML(single.map { box($0, isSingle: true) }))</ul>
                """
        }
        return html
    }

    private func drawing(_ pipeline: Pipeline) -> HTML {
        var html: HTML = ""
        for (level, stages) in pipeline.levels.enumerated() {
            if level > 0 { html += arrows(pipeline, to: level) }
            html += "<ul class=\"level\">\(HTML(stages.map { box($0) }))</ul>"
        }
        let pipes = pipeline.links.map { link -> HTML in
            "<li>\(link.from) to \(link.to): \(Self.words(link))</li>"
        }
        let names = Set(pipeline.levels.joined().map(\.pipeline)).subtracting([""]).sorted()
        let title: HTML =
            names.isEmpty ? "" : "<h3>\(names.joined(separator: ", "))</h3>"
        return """
            \(title)<div class="pipeline">\(html)</div>\
            <ul class="unseen" aria-label="Pipes">\(HTML(pipes))</ul>
            """
    }

    /// - Parameter isSingle: no heading above it names its pipeline.
    private func box(_ stage: StageView, isSingle: Bool = false) -> HTML {
        var facts: [(String, String)] = []
        if isSingle, !stage.pipeline.isEmpty { facts.append(("pipeline", stage.pipeline)) }
        if let waiting = stage.waiting { facts.append(("waiting", Readable.number(waiting))) }
        if let kept = stage.bytesKept, kept > 0 {
            facts.append(("kept", Readable.bytes(Double(kept))))
        }
        if let holes = stage.holes { facts.append(("holes", Readable.number(holes))) }
        if let delay = stage.mainDelay {
            facts.append(
                (
                    delay.shortMeaning,
                    [
                        Readable.duration(delay.median), "99 % \(Readable.duration(delay.high))",
                    ]
                    // A line may end between the two, and not between a number and its unit.
                    .map { $0.replacing(" ", with: "\u{A0}") }.joined(separator: ", ")
                ))
        }
        let list = HTML(facts.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" as HTML })
        let error: HTML =
            stage.lastError.map { "<p class=\"error\">\(String($0.text.prefix(120)))</p>" } ?? ""
        let curve = Sparkline.html(history[stage.id], of: stage)
        return """
            <li class="box \(stage.isHealthy ? "" : "sick")">\
            <a class="name" href="#\(PageWords.anchor(stage.id))">\(PageWords.name(stage))</a>\
            \(PageWords.state(stage))\
            <p class="rate"><b>\(Readable.number(stage.rates.recordsOut))</b> records/s out, \
            \(Readable.number(stage.rates.recordsIn)) in</p>\
            \(curve)<dl>\(list)</dl>\(error)</li>
            """
    }

    /// Rate and what waits in the pipe.
    private static func words(_ link: Link) -> String {
        let rate = "\(Readable.number(link.recordsPerSecond))/s"
        guard let bytes = link.bytesBetween, bytes > 0 else { return rate }
        return "\(rate), \(Readable.bytes(Double(bytes))) in the pipe"
    }

    // MARK: - Arrows

    /// The arrows to a level, drawn twice: for levels side by side, and one below another. The
    /// list of pipes says the same to who does not see them.
    private func arrows(_ pipeline: Pipeline, to level: Int) -> HTML {
        let targets = pipeline.levels[level]
        var across: HTML = ""
        var down: HTML = ""
        for link in pipeline.links {
            guard let target = targets.firstIndex(where: { $0.id == link.to }),
                let (source, count) = Self.place(link.from, pipeline.levels[..<level])
            else { continue }
            let from = Self.percent(source, count)
            let to = Self.percent(target, targets.count)
            // The label is nearer to the side that has more boxes, where lines are apart.
            let middle = targets.count > count ? to * 0.6 + from * 0.4 : from * 0.6 + to * 0.4
            let marker: HTML = "marker-end=\"url(#head)\""
            across += """
                <line x1="0" y1="\(Self.text(from))" x2="94%" y2="\(Self.text(to))" \(marker)/>\
                \(Self.label(link, x: "50%", y: Self.text(middle)))
                """
            down += """
                <line x1="\(Self.text(from))" y1="0" x2="\(Self.text(to))" y2="88%" \(marker)/>\
                \(Self.label(link, x: Self.text(middle), y: "50%"))
                """
        }
        return """
            <svg class="arrows across" aria-hidden="true">\(across)</svg>\
            <svg class="arrows down" aria-hidden="true">\(down)</svg>
            """
    }

    /// The rate above the line, what waits in the pipe below it.
    private static func label(_ link: Link, x: String, y: String) -> HTML {
        let rate: HTML =
            "<text x=\"\(x)\" y=\"\(y)\" dy=\"-6\">\(Readable.number(link.recordsPerSecond))/s</text>"
        guard let bytes = link.bytesBetween, bytes > 0 else { return rate }
        return rate
            + "<text class=\"held\" x=\"\(x)\" y=\"\(y)\" dy=\"15\">\(Readable.bytes(Double(bytes)))</text>"
    }

    /// Where a stage is among those of its level.
    private static func place(
        _ id: String, _ levels: ArraySlice<[StageView]>
    ) -> (Int, Int)? {
        for stages in levels.reversed() {
            if let index = stages.firstIndex(where: { $0.id == id }) {
                return (index, stages.count)
            }
        }
        return nil
    }

    private static func percent(_ index: Int, _ count: Int) -> Double {
        (Double(index) + 0.5) / Double(count) * 100
    }

    private static func text(_ percent: Double) -> String { "\((percent * 10).rounded() / 10)%" }
}
