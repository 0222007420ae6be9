import Posix
import Stats

/// What a stage tells the service manager that started it: that it is ready, that its loop turns,
/// that it stops, and in one sentence what it does.
///
/// The sentence and the sign of life are sent by the loop that moves the records (``Heartbeat``), so
/// that a stage whose loop hangs falls silent and is started again.
final class ServiceNotices: Sendable {
    /// Longest time between two sentences, ns; a watchdog wants its sign at least twice in its limit.
    private static let interval: Int64 = 10_000_000_000
    /// A source that has found no venue for this long counts as started, ns: it is well and goes on
    /// trying, and a host that starts must not wait for a venue.
    static let patience: Int64 = 30_000_000_000

    private struct Life: Sendable {
        var state = StageState.starting
        var since: Int64
        var isReady = false
        var records: Int64 = 0
        var reported: Int64
    }

    private let manager: ServiceManager
    private let life: Locked<Life>

    /// Begins to tell; nil where no service manager listens.
    init?(_ environment: [String: String], stats: StatsWriter) {
        guard let manager = ServiceManager(environment) else { return nil }
        self.manager = manager
        let now = Clock.monotonicNanoseconds()
        life = Locked(Life(since: now, reported: now))
        let watched = manager.watchdogLimit.map { min($0 / 2, Self.interval) } ?? Self.interval
        // Figures are words of memory that any thread may read. They are there as long as the process.
        nonisolated(unsafe) let figures = stats
        stats.heartbeat.every(watched) { [weak self] in self?.report(figures) }
    }

    /// The stage is in another part of its life.
    func enter(_ state: StageState, _ stats: StatsWriter) {
        let now = Clock.monotonicNanoseconds()
        let isNewlyReady = life.withLock { life in
            life.state = state
            life.since = now
            let isNewlyReady = state == .running && !life.isReady
            life.isReady = life.isReady || isNewlyReady
            return isNewlyReady
        }
        var words = ["STATUS=\(sentence(stats, at: now))"]
        if isNewlyReady { words.append("READY=1") }
        if state == .draining { words.append("STOPPING=1") }
        manager.tell(words)
    }

    /// Tells the manager that the configuration is read again, and that this is over: `systemctl
    /// reload` of a unit of Type=notify-reload waits for that. One that is not ready yet, or stops,
    /// is in another part of its life, which READY would end.
    ///
    /// Source: sd_notify(3), `RELOADING=1` and `MONOTONIC_USEC=…`, systemd 253.
    func around(_ reload: () -> Void) {
        let isRunning = life.withLock { $0.isReady && $0.state != .draining }
        if isRunning {
            let now = Clock.monotonicNanoseconds() / 1000
            manager.tell(["RELOADING=1", "MONOTONIC_USEC=\(now)"])
        }
        reload()
        guard isRunning else { return }
        let stops = life.withLock { $0.state == .draining }
        manager.tell(stops ? ["READY=1", "STOPPING=1"] : ["READY=1"])
    }

    /// The stage ends; the sentence stays in the unit's status.
    func end(status: Int32, _ words: String) {
        let reason = words.isEmpty ? "" : ": \(words)"
        manager.tell(["STATUS=" + (status == 0 ? "done" : "ended with \(status)\(reason)")])
    }

    private func report(_ stats: StatsWriter) {
        let now = Clock.monotonicNanoseconds()
        var words = ["WATCHDOG=1", "STATUS=\(sentence(stats, at: now))"]
        let isNewlyReady = life.withLock { life in
            guard life.state == .connecting, !life.isReady, now - life.since >= Self.patience else {
                return false
            }
            life.isReady = true
            return true
        }
        if isNewlyReady { words.append("READY=1") }
        manager.tell(words)
    }

    /// For example `running: 1302 records/s, 41234567 in, 41234555 out, 12 waiting`.
    private func sentence(_ stats: StatsWriter, at now: Int64) -> String {
        let records = stats.value(of: FigureName.recordsIn)
        let (state, rate) = life.withLock { life in
            let seconds = Double(now - life.reported) / 1e9
            let rate = seconds > 0 ? Double((records ?? 0) - life.records) / seconds : 0
            if seconds >= 1 {
                life.reported = now
                life.records = records ?? 0
            }
            return (life.state, Int64(rate.rounded()))
        }
        guard let records, state == .running || state == .draining else { return "\(state)" }
        let out = stats.value(of: FigureName.recordsOut) ?? 0
        let waiting = stats.value(of: FigureName.recordsWaiting) ?? 0
        return "\(state): \(rate) records/s, \(records) in, \(out) out, \(waiting) waiting"
    }
}
