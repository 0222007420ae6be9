import Monitoring
import Synchronization

/// The newest answers, put up by the thread that looks at the stages and read by the one that
/// serves. Each is rendered once a look, when somebody first asks for it.
final class Board: Sendable {
    private struct Contents {
        var overview: Overview?
        var mode = ""
        var metrics: (prometheus: String, openMetrics: String)?
        var render: (@Sendable () -> (prometheus: String, openMetrics: String))?
    }

    private let contents = Mutex(Contents())

    /// Looks at the stages and puts the answers up.
    func post(_ monitor: Monitor, mode: String) {
        let overview = monitor.sample()
        let metrics = monitor.metrics(overview)
        contents.withLock {
            $0.overview = overview
            $0.mode = mode
            $0.metrics = metrics
        }
    }

    /// The newest overview; nil before the first look.
    var overview: Overview? { contents.withLock { $0.overview } }
    /// What the configuration calls the service's mode.
    var mode: String { contents.withLock { $0.mode } }
    /// The newest series.
    var metrics: (prometheus: String, openMetrics: String)? { contents.withLock { $0.metrics } }
}
