import AWS
import Glibc
import Monitoring
import Posix
import Stage
import Stats

/// Cuts time into periods and gives each to CloudWatch.
final class CloudWatchExport {
    private enum Target {
        case sender(CloudWatchSender)
        case lines
    }

    private let options: CloudWatchOptions
    private let target: Target
    private let monitor: Monitor
    private let log: Log
    private let refused: Counter
    private let dropped: Counter
    private let waiting: Gauge
    /// Ns since the epoch.
    private var nextCut: Int64
    private var nextCall: Int64

    /// Begins to add up.
    init(_ options: CloudWatchOptions, _ monitor: Monitor, in stage: borrowing Stage) throws {
        self.options = options
        self.monitor = monitor
        log = stage.log
        switch options.way {
        case .emf: target = .lines
        case .api(let location, let credentials):
            target = .sender(
                try CloudWatchSender(
                    location, credentials, namespace: options.namespace, in: stage))
        }
        refused = stage.stats.counter(
            "cloudwatch_points_refused", labels: "by=\"rules\"",
            help: "Data points that break a rule of CloudWatch.")
        dropped = stage.stats.counter(
            "cloudwatch_points_dropped",
            help: "Data points that were dropped because too many waited.")
        waiting = stage.stats.gauge(
            "cloudwatch_points_waiting", help: "Data points that CloudWatch has not accepted yet.")
        let now = Clock.realtimeNanoseconds()
        nextCut = Self.boundary(after: now, Double(options.resolution))
        nextCall = Self.boundary(after: now, options.interval)
        monitor.beginPeriods()
    }

    /// The next multiple of some seconds.
    private static func boundary(after now: Int64, _ seconds: Double) -> Int64 {
        let step = Int64(seconds * 1e9)
        return (now / step + 1) * step
    }

    /// Seconds until there is something to do.
    var delay: Double {
        max(0, Double(min(nextCut, nextCall) - Clock.realtimeNanoseconds()) / 1e9)
    }

    /// To be called after each look.
    func tick() {
        let now = Clock.realtimeNanoseconds()
        let isDue = now >= nextCall
        // Also when the clock was set back: nothing is to stand still for as long.
        guard now >= nextCut || isDue || nextCut - now > 2 * 60_000_000_000 else { return }
        var entries: [MetricQueue.Entry] = []
        if now >= nextCut || isDue { entries = cut(now) }
        nextCut = Self.boundary(after: now, Double(options.resolution))
        nextCall = Self.boundary(after: now, options.interval)
        note(entries, isDue: isDue)
    }

    /// Gives away what is there.
    func end() {
        note(cut(Clock.realtimeNanoseconds()), isDue: true)
        if case .sender(let sender) = target { sender.stop() }
    }

    private func note(_ entries: [MetricQueue.Entry], isDue: Bool) {
        guard case .sender(let sender) = target else { return }
        let counts = sender.take(entries, isDue: isDue)
        waiting.set(Int64(counts.waiting))
        dropped.advance(to: Int64(counts.dropped))
    }

    /// Ends a period. Data points that break a rule are left out, and said so.
    private func cut(_ now: Int64) -> [MetricQueue.Entry] {
        guard let period = monitor.endPeriod() else { return [] }
        let all = PeriodMetrics(period: period, resolution: options.resolution).data
        var good: [MetricDatum] = []
        var first: String?
        for datum in all {
            if let reason = MetricRules.refusal(datum, now: now / 1_000_000) {
                first = first ?? "\(datum.name): \(reason)"
            } else {
                good.append(datum)
            }
        }
        if let first {
            // One line a period: a name that breaks a rule does so in every point of its stage.
            let count = all.count - good.count
            refused.add(count)
            log.warning(
                "\(count) \(count == 1 ? "data point is" : "data points are") not sent, first \(first)"
            )
        }
        switch target {
        case .sender: return good.map { MetricQueue.Entry(json: $0.json, time: $0.time) }
        case .lines:
            for line in EmbeddedMetrics.lines(namespace: options.namespace, good) {
                // A reader that is gone must not stop healthd.
                try? Descriptor.standardError().writeAll(Array((line + "\n").utf8).span.bytes)
            }
            return []
        }
    }
}
