import Encoding
import Monitoring
import Stats

/// An overview as lines for a terminal.
struct OverviewText {
    let overview: Overview
    let width: Int
    let style: Style
    /// What was chosen by keys.
    var view = WatchView()

    var lines: [String] {
        var lines = [headline, ""]
        lines += stages
        lines += section("visitors, not counted for health", visitors)
        lines += section("completeness", coverage)
        lines += section("problems", problems)
        lines += section("last warnings and errors", errors)
        return lines
    }

    private func section(_ title: String, _ lines: [String]) -> [String] {
        guard !lines.isEmpty else { return [] }
        return ["", style.show(title.uppercased(), .bold)] + lines
    }

    private func line(_ words: [Styled]) -> String {
        var line = StyledLine()
        for word in words { line.add(word) }
        return line.text(width: width, style)
    }

    private var headline: String {
        let running = overview.members.count(where: \.isRunning)
        let visitors = overview.visitors.count
        let time = Timestamp.milliseconds(nanoseconds: overview.time)
        return line([
            Styled(overview.service, .bold), Styled("  "),
            overview.isHealthy ? Styled("healthy", .good) : Styled("UNHEALTHY", .bad),
            Styled("  \(running) of \(overview.current.count) stages run"),
            Styled(visitors == 0 ? "" : ", \(visitors) \(visitors == 1 ? "visitor" : "visitors")"),
            Styled("  \(time.prefix(10)) \(time.dropFirst(11).prefix(8)) UTC", .dim),
        ])
    }

    // MARK: - Stages

    private var stages: [String] {
        let current = overview.current
        let past = view.hidesEnded ? 0 : overview.past.count
        let lines = current.isEmpty ? ["No stage with a name runs here."] : table(current)
        return past == 0 ? lines : lines + [line([Styled("and \(past) that ended", .dim)])]
    }

    private var visitors: [String] {
        let shown = overview.visitors.filter { $0.isRunning || !view.hidesEnded }
        return shown.isEmpty ? [] : table(shown)
    }

    private func table(_ stages: [StageView]) -> [String] {
        var table = TextTable([
            TextTable.Column(title: "stage"), TextTable.Column(title: "state"),
            TextTable.Column(title: "in/s", isNumber: true),
            TextTable.Column(title: "out/s", isNumber: true),
            TextTable.Column(title: "out B/s", rank: 6, isNumber: true),
            TextTable.Column(title: "waiting", rank: 1, isNumber: true),
            TextTable.Column(title: "kept", rank: 5, isNumber: true),
            TextTable.Column(title: "holes", rank: 2, isNumber: true),
            TextTable.Column(title: "p50", rank: 4, isNumber: true),
            TextTable.Column(title: "p99", rank: 3, isNumber: true),
            TextTable.Column(title: "records out", rank: 7, isNumber: true),
        ])
        for (stage, level) in view.arranged(stages, in: overview) { table.add(row(stage, level)) }
        return table.lines(width: width, style)
    }

    private func row(_ stage: StageView, _ level: Int) -> [Styled] {
        let indent = level == 0 ? "" : String(repeating: "  ", count: level - 1) + "└ "
        func count(_ value: Int64?, _ look: (Int64) -> Styled.Look = { _ in .plain }) -> Styled {
            value.map { Styled(Readable.number($0), look($0)) } ?? Styled("–", .dim)
        }
        let delay = stage.mainDelay
        return [
            Styled(indent + stage.id, stage.isHealthy ? .plain : .bad),
            Styled(stage.isHealthy ? stage.state : "\(stage.state) !", look(stage)),
            Styled(Readable.number(stage.rates.recordsIn)),
            Styled(Readable.number(stage.rates.recordsOut)),
            Styled(Readable.bytes(stage.rates.bytesOut)), count(stage.waiting),
            stage.bytesKept.map { Styled(Readable.bytes(Double($0))) } ?? Styled("–", .dim),
            count(stage.holes) { $0 > 0 ? .warning : .plain },
            delay.map { Styled(Readable.duration($0.median)) } ?? Styled("–", .dim),
            delay.map { Styled(Readable.duration($0.high)) } ?? Styled("–", .dim),
            count(stage.figures[FigureName.recordsOut]),
        ]
    }

    private func look(_ stage: StageView) -> Styled.Look {
        guard stage.isHealthy else { return .bad }
        switch stage.state {
        case "running": return .good
        case "stopped": return .dim
        case "dead", "failed", "suspended": return .bad
        default: return .warning
        }
    }

    // MARK: - Below the stages

    private var coverage: [String] {
        var table = TextTable([
            TextTable.Column(title: "sequence"), TextTable.Column(title: "of", rank: 3),
            TextTable.Column(title: "held", rank: 2),
            TextTable.Column(title: "share", isNumber: true),
            TextTable.Column(title: "holes", isNumber: true),
            TextTable.Column(title: "missing", isNumber: true),
            TextTable.Column(title: "declared", rank: 4, isNumber: true),
            TextTable.Column(title: "held ids", rank: 1, isNumber: true),
        ])
        for stage in overview.members where stage.isRunning || !stage.isReplaced {
            for sequence in stage.coverage {
                let isWhole = sequence.missing == 0
                let isCounted = sequence.isCounted
                let nothing = Styled("–", .dim)
                table.add([
                    Styled(sequence.sequence), Styled(stage.id, .dim),
                    isCounted
                        ? Styled(Self.bar(sequence.share), isWhole ? .good : .warning) : nothing,
                    isCounted ? Styled(Readable.percent(sequence.share)) : nothing,
                    Styled("\(sequence.holes)", isWhole ? .plain : .warning),
                    Styled("\(sequence.missing)", isWhole ? .plain : .warning),
                    Styled(Readable.number(sequence.declared)),
                    isCounted ? Styled(Readable.number(sequence.held)) : nothing,
                ])
            }
        }
        return table.rows.isEmpty ? [] : table.lines(width: width, style)
    }

    /// Twenty cells; one that is not whole is never shown full.
    private static func bar(_ share: Double) -> String {
        let full = share >= 1 ? 20 : min(19, Int(share * 20))
        return String(repeating: "█", count: full) + String(repeating: "░", count: 20 - full)
    }

    private var problems: [String] {
        overview.problems.map { problem in
            let age = overview.time.seconds(since: problem.since)
            return line([
                Styled(
                    problem.isUnhealthy ? "! " : "- ",
                    problem.isUnhealthy ? .bad : .warning),
                Styled(problem.code.rawValue, .bold), Styled(" \(problem.message)"),
                Styled("  since \(Readable.duration(age))", .dim),
            ])
        }
    }

    private var errors: [String] {
        let noted = overview.stages.compactMap { stage in
            stage.lastError.map { (stage.id, $0.text, $0.time) }
        }
        return noted.sorted { $0.2 > $1.2 }.prefix(10).map { id, text, time in
            line([
                Styled(
                    "\(Timestamp.milliseconds(nanoseconds: time).dropFirst(11).prefix(8)) ", .dim),
                Styled(id, .bold), Styled(" \(text)"),
            ])
        }
    }
}
