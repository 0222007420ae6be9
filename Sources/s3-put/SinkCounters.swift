import Glibc
import Ledger
import Posix
import Records
import Stage
import Stats

/// What became of the records, counted where the work is done and published once a batch.
struct SinkTally {
    var recordsIn: Int64 = 0
    var bytesIn: Int64 = 0
    var recovered: Int64 = 0
    var recordsOut: Int64 = 0
    var bytesOut: Int64 = 0
    var refused: Int64 = 0
    var quarantined: Int64 = 0
    /// In objects that are not booked yet.
    var waiting: Int64 = 0
    var objects: Int64 = 0
}

/// The figures of the sink. They balance: records_in + records_recovered = records_out +
/// records_refused + records_quarantined + records_waiting.
struct SinkCounters {
    let flow: FlowFigures
    let requestDuration: Histogram
    let tornBytes: Counter
    let abortedUploads: Counter
    private let recovered: Counter
    private let refused: Counter
    private let quarantined: Counter
    private var objects: CounterFamily
    private let waitingObjects: Gauge
    private let spoolBytes: Gauge
    private let spoolMax: Gauge
    private let oldestWaiting: Gauge
    private let oldestDue: Gauge
    private let stats: StatsWriter
    private var disk: DiskFigures
    private var coverage: CoverageFigures

    init(_ stats: StatsWriter, state: String, spoolMax limit: Int) {
        self.stats = stats
        flow = FlowFigures(
            stats, goesOut: "in objects that were delivered and booked", delay: "ack_delay")
        recovered = stats.counter(
            "records_recovered", help: "Records taken again from what an earlier run left.")
        refused = stats.counter("records_refused", help: "Records that were held already.")
        quarantined = stats.counter(
            "records_quarantined", labels: "reason=\"broken_message\"",
            help: "Records put aside, by reason.")
        objects = stats.counters(
            "objects_out", label: "kind", help: "Objects delivered and booked, by kind of record.")
        tornBytes = stats.counter(
            "torn_bytes", help: "Bytes that a crash left half written in ledger and spool.")
        waitingObjects = stats.gauge("objects_waiting", help: "Finished objects on their way.")
        spoolBytes = stats.gauge("spool_bytes", help: "Bytes that wait on disk for delivery.")
        abortedUploads = stats.counter(
            "uploads_aborted", help: "Uploads in parts of earlier runs that were ended.")
        spoolMax = stats.gauge("spool_max_bytes", help: "Most bytes that may wait on disk.")
        oldestWaiting = stats.gauge(
            "oldest_waiting_time_ns",
            help: "When the oldest record that is not booked yet was taken in; 0 for none.")
        oldestDue = stats.gauge(
            "oldest_due_time_ns",
            help: "When the oldest finished object that is not booked yet was finished; 0: none.")
        requestDuration = stats.histogram(
            "request_duration", labels: "operation=\"put\"", help: "Time to deliver an object.")
        disk = DiskFigures(stats, directory: state)
        coverage = CoverageFigures(stats)
        spoolMax.set(Int64(limit))
    }

    /// Publishes the tally as one, so that it balances whenever somebody looks.
    func publish(_ tally: SinkTally) {
        stats.update {
            flow.recordsIn.advance(to: tally.recordsIn)
            flow.bytesIn.advance(to: tally.bytesIn)
            recovered.advance(to: tally.recovered)
            flow.recordsOut.advance(to: tally.recordsOut)
            flow.bytesOut.advance(to: tally.bytesOut)
            refused.advance(to: tally.refused)
            quarantined.advance(to: tally.quarantined)
            flow.waiting.set(tally.waiting)
        }
    }

    /// Notes what waits.
    ///
    /// - Parameters:
    ///   - oldest: when the oldest open object began, ns of the monotonic clock.
    ///   - due: when the oldest finished object was finished.
    mutating func note(
        spoolBytes bytes: Int64, objects count: Int, oldest: Int64?, due: Int64?
    ) {
        spoolBytes.set(bytes)
        waitingObjects.set(Int64(count))
        let now = Clock.monotonicNanoseconds()
        let offset = Clock.realtimeNanoseconds() - now
        oldestWaiting.set([oldest, due].compactMap { $0 }.min().map { $0 + offset } ?? 0)
        oldestDue.set(due.map { $0 + offset } ?? 0)
        disk.update(now: now)
        stats.heartbeat.beat()
    }

    /// Notes that an object was delivered and booked.
    mutating func noteObject(template: UInt16) { objects.add(for: Kind.name(template: template)) }

    /// Notes what the ledger holds of a sequence.
    mutating func note(_ coverage: Coverage, of key: SequenceKey) {
        self.coverage.note(coverage, of: key)
    }
}
