import Identity
import Ledger
import Posix
import Records
import Sink
import Stage
import Stats

/// The figures of this sink beside those that every sink has.
struct ObjectFigures {
    var common: SinkFigures
    let requestDuration: Histogram
    let abortedUploads: Counter
    private var objects: CounterFamily
    private let waitingObjects: Gauge
    private let oldestDue: Gauge
    private let conflicting: Gauge
    private let reserve: Gauge
    private var coverage: CoverageFigures
    /// Sequences of which the figures do not tell the latest yet.
    private var changed: Set<SequenceID> = []
    private var coveredAt: Int64 = .min / 2
    /// How often coverage is looked at, ns: it costs with the holes of a sequence, and there may be
    /// an object each millisecond.
    private static let coverageInterval: Int64 = 1_000_000_000

    init(_ stats: StatsWriter, state: String, spoolMax: Int) {
        common = SinkFigures(
            stats, state: state, spoolMax: spoolMax,
            goesOut: "in objects that were delivered and entered in the ledger",
            putsAside: [.brokenMessage, .implausibleIDs, .conflictingObject])
        objects = stats.counters(
            "objects_out", label: "kind",
            help: "Objects delivered and entered in the ledger, by kind of record.")
        waitingObjects = stats.gauge(
            "objects_waiting", help: "Finished objects that are not delivered yet.")
        abortedUploads = stats.counter(
            "uploads_aborted", help: "Multipart uploads of earlier runs that were aborted.")
        oldestDue = stats.gauge(
            "oldest_due_time_ns",
            help:
                "When the oldest object that is not in the ledger yet was finished; 0 without one.")
        requestDuration = stats.histogram(
            "request_duration", labels: "operation=\"put\"", help: "Time to deliver an object.")
        conflicting = stats.gauge(
            "objects_conflicting",
            help: "Objects kept in conflicts/ because other content is at their keys.")
        reserve = stats.gauge(
            "disk_reserve_bytes",
            help: "Disk space kept in reserve for recording what is delivered.")
        coverage = CoverageFigures(stats)
    }

    /// Notes how many objects are kept aside.
    func note(conflicting count: Int) { conflicting.set(Int64(count)) }

    /// Notes the room that is kept.
    func note(reserve bytes: Int64) { reserve.set(bytes) }

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

    /// Notes that the ledger has more of some sequences.
    mutating func noteChange(of sequences: [SequenceID]) { changed.formUnion(sequences) }

    /// Shows what the ledger holds of the sequences that have changed, unless that was done a moment
    /// ago.
    ///
    /// - Parameter now: ns of the monotonic clock.
    mutating func showCoverage(_ ledger: borrowing Ledger, now: Int64, always: Bool = false) {
        guard !changed.isEmpty, always || now - coveredAt >= Self.coverageInterval else { return }
        for sequence in changed {
            if let coverage = ledger.coverage(of: sequence) {
                self.coverage.note(coverage, of: sequence)
            }
        }
        changed.removeAll(keepingCapacity: true)
        coveredAt = Clock.monotonicNanoseconds()
    }
}
