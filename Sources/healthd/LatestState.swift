import Glibc
import Monitoring
import NIOCore
import Posix

/// The newest answers, put up by the thread that looks at the stages and read by the one that
/// serves.
///
/// Series are a long text. Each form of it is made at once when it was asked for lately, so that
/// no client waits for it, else on demand.
final class LatestState: Sendable {
    /// A form of the series.
    enum Form: Int, CaseIterable, Sendable {
        case prometheus
        case openMetrics
    }

    private struct Text {
        var text: ByteBuffer?
        /// ns of the monotonic clock; nil for never.
        var askedAt: Int64?
    }

    private struct Contents {
        var overview: Overview?
        var deployment = Deployment(mode: "", environment: "", directory: "")
        var history = History()
        var log = EventLog()
        var coverage = CoverageHistory()
        var texts = Form.allCases.map { _ in Text() }
    }

    /// A monitor that only the holder of a lock uses.
    private struct Guarded: @unchecked Sendable {
        var monitor: Monitor?
    }

    /// For how long a form that was asked for is made in advance, ns.
    private static let lately: Int64 = 60_000_000_000

    private let contents = Locked(Contents())
    private let guarded = Locked(Guarded(monitor: nil))

    /// Looks at the stages and puts the answers up.
    func post(_ monitor: Monitor, _ deployment: Deployment) {
        let box = Guarded(monitor: monitor)
        let now = Clock.monotonicNanoseconds()
        let wanted = contents.withLock { contents in
            Form.allCases.filter { form in
                contents.texts[form.rawValue].askedAt.map { now - $0 < Self.lately } ?? false
            }
        }
        guarded.withLock { guarded in
            guarded = box
            guard let monitor = guarded.monitor else { return }
            let overview = monitor.sample()
            let texts = wanted.map { ($0, Self.text(monitor, $0)) }
            contents.withLock { contents in
                contents.overview = overview
                contents.history.take(overview)
                contents.log.take(overview)
                contents.deployment = deployment
                contents.coverage.take(overview)
                for form in Form.allCases { contents.texts[form.rawValue].text = nil }
                for (form, text) in texts { contents.texts[form.rawValue].text = text }
            }
        }
    }

    /// The newest overview; nil before the first look.
    var overview: Overview? { contents.withLock { $0.overview } }
    /// What the configuration says of the deployment.
    var deployment: Deployment { contents.withLock { $0.deployment } }

    /// The page as of the newest overview; nil before the first look.
    var page: Page? {
        contents.withLock { contents in
            contents.overview.map {
                Page(
                    overview: $0, history: contents.history, coverage: contents.coverage,
                    events: contents.log.events)
            }
        }
    }

    /// The newest series; nil before the first look.
    func metrics(_ form: Form) -> ByteBuffer? {
        let now = Clock.monotonicNanoseconds()
        let ready = contents.withLock { contents in
            contents.texts[form.rawValue].askedAt = now
            return contents.texts[form.rawValue].text
        }
        if let ready { return ready }
        return guarded.withLock { guarded in
            guard let monitor = guarded.monitor else { return nil }
            let text = Self.text(monitor, form)
            contents.withLock { $0.texts[form.rawValue].text = text }
            return text
        }
    }

    private static func text(_ monitor: Monitor, _ form: Form) -> ByteBuffer {
        // Made once, and shared by every request until the next look.
        monitor.withMetrics(isOpenMetrics: form == .openMetrics) { ByteBuffer(bytes: $0) }
    }
}
