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
        let monitor = Monitor(
            directory: options.deployment.directory, service: options.service, thresholds: options.thresholds)
        let terminal = Terminal()
        // Rates are differences of two looks.
        _ = monitor.sample()
        if stage.waitForStop(seconds: min(options.interval, 1)) { return }
        do {
            try stage.print(isOnce ? "" : terminal.enter())
            defer { if !isOnce { try? stage.print(terminal.leave()) } }
            while true {
                let overview = monitor.sample()
                try stage.print(text(overview, terminal))
                if isOnce && !overview.isHealthy { throw StageFailure(.no, "") }
                if isOnce || wait(in: stage, terminal) { break }
            }
        } catch let error as SystemError where error.code == EPIPE {
            // `healthd --watch | head` ends when head has enough.
        }
    }

    /// - Returns: true when it is to end.
    private func wait(in stage: borrowing Stage, _ terminal: Terminal) -> Bool {
        if stage.waitForStop(seconds: options.interval, orReadable: terminal.keyDescriptor) {
            return true
        }
        let keys = terminal.keys()
        // q, Q, and the end of input of a terminal without lines.
        return keys.contains { [0x71, 0x51, 0x04].contains($0) }
    }

    private func text(_ overview: Overview, _ terminal: Terminal) -> String {
        if isJSON { return overview.json.text + "\n" }
        let text = OverviewText(
            overview: overview, width: terminal.size.columns,
            style: Style(hasColours: terminal.hasColours))
        return isOnce ? text.lines.joined(separator: "\n") + "\n" : terminal.picture(text.lines)
    }
}
