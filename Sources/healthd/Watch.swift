import Glibc
import Monitoring
import Posix
import Stage

/// The overview on a terminal, once or again and again, straight from the stats files.
struct Watch {
    let options: HealthOptions
    /// One look, then the end.
    let isOnce: Bool
    let isJSON: Bool

    /// Looks until a signal comes, `q` is struck, or the reader of standard output is gone.
    func run(in stage: borrowing Stage) throws {
        var view = WatchView()
        let monitor = Monitor(
            directory: options.deployment.directory, service: options.service,
            thresholds: options.thresholds)
        let terminal = Terminal()
        // Rates are differences of two looks.
        _ = monitor.sample()
        if stage.waitForStop(seconds: min(options.interval, 1)) { return }
        do {
            try stage.print(isOnce ? "" : terminal.enter())
            defer { if !isOnce { try? stage.print(terminal.leave()) } }
            while !view.isOver {
                let overview = monitor.sample()
                try stage.print(text(overview, terminal, &view))
                if isOnce && !overview.isHealthy { throw StageFailure(.no, "") }
                if isOnce { break }
                try wait(in: stage, terminal, overview, &view)
            }
        } catch let error as SystemError where error.code == EPIPE {
            // `healthd --watch | head` ends when head has enough.
        }
    }

    /// Waits for the next look; keys are followed at once, with what was seen last.
    private func wait(
        in stage: borrowing Stage, _ terminal: Terminal, _ overview: Overview,
        _ view: inout WatchView
    ) throws {
        let end = Clock.monotonicNanoseconds() + Int64(options.interval * 1e9)
        while !view.isOver {
            let left = Double(end - Clock.monotonicNanoseconds()) / 1e9
            guard left > 0 else { return }
            if stage.waitForStop(seconds: left, orReadable: terminal.keyDescriptor) {
                view.take(.character(UInt8(ascii: "q")), page: 0)
                return
            }
            let keys = WatchView.keys(in: terminal.keys())
            guard !keys.isEmpty else { continue }
            let before = view
            for key in keys { view.take(key, page: terminal.size.lines) }
            if view != before, !view.isOver { try stage.print(text(overview, terminal, &view)) }
        }
    }

    private func text(
        _ overview: Overview, _ terminal: Terminal, _ view: inout WatchView
    ) -> String {
        if isJSON { return overview.json.text + "\n" }
        let text = OverviewText(
            overview: overview, width: terminal.size.columns,
            style: Style(hasColours: terminal.hasColours), view: view)
        guard !isOnce else { return text.lines.joined(separator: "\n") + "\n" }
        return terminal.picture(
            view.showsHelp ? [text.lines[0], ""] + WatchView.help : text.lines,
            offset: &view.offset)
    }
}
