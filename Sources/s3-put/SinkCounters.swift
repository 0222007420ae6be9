import Identity
import Ledger
import Posix
import Records
import Stage
import Stats

/// The figures of this sink beside those that every sink has.
struct SinkCounters {
    var common: SinkFigures
    let requestDuration: Histogram
    let abortedUploads: Counter
    private var objects: CounterFamily
    private let waitingObjects: Gauge
    private let oldestDue: Gauge
    private var coverage: CoverageFigures

    init(_ stats: StatsWriter, state: String, spoolMax: Int) {
        common = SinkFigures(
            stats, state: state, spoolMax: spoolMax,
            goesOut: "in objects that were delivered and booked", putsAside: [.brokenMessage])
        objects = stats.counters(
            "objects_out", label: "kind", help: "Objects delivered and booked, by kind of record.")
        waitingObjects = stats.gauge("objects_waiting", help: "Finished objects on their way.")
        abortedUploads = stats.counter(
            "uploads_aborted", help: "Uploads in parts of earlier runs that were ended.")
        oldestDue = stats.gauge(
            "oldest_due_time_ns",
            help: "When the oldest finished object that is not booked yet was finished; 0: none.")
        requestDuration = stats.histogram(
            "request_duration", labels: "operation=\"put\"", help: "Time to deliver an object.")
        coverage = CoverageFigures(stats)
    }

    /// Notes what waits.
    ///
    /// - Parameters:
    ///   - oldest: when the oldest open object began, ns of the monotonic clock.
    ///   - due: when the oldest finished object was finished.
    mutating func note(
        spoolBytes: Int64, objects count: Int, oldest: Int64?, due: Int64?
    ) {
        let offset = Clock.realtimeNanoseconds() - Clock.monotonicNanoseconds()
        common.note(
            spoolBytes: spoolBytes,
            oldest: [oldest, due].compactMap { $0 }.min().map { $0 + offset })
        waitingObjects.set(Int64(count))
        oldestDue.set(due.map { $0 + offset } ?? 0)
    }

    /// Notes that an object was delivered and booked.
    mutating func noteObject(template: UInt16) {
        objects.add(for: RecordKind.name(template: template))
    }

    /// Notes what the ledger holds of a sequence.
    mutating func note(_ coverage: Coverage, of key: SequenceID) {
        self.coverage.note(coverage, of: key)
    }
}
