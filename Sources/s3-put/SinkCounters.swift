import Stage
import Stats

/// The figures of the sink. They balance: records_in + records_recovered = records_out + refused +
/// quarantined + what waits.
struct SinkCounters {
    let recordsIn: Counter
    let recovered: Counter
    let recordsOut: Counter
    let refused: Counter
    let quarantined: Counter
    let objects: Counter
    let tornBytes: Counter
    let waitingObjects: Gauge
    let spoolBytes: Gauge
    let abortedUploads: Counter

    init(_ stats: StatsWriter) {
        recordsIn = stats.counter("records_in", help: "Records read.")
        recovered = stats.counter(
            "records_recovered", help: "Records taken again from an earlier run's spool.")
        recordsOut = stats.counter(
            "records_out", help: "Records in objects that were delivered and booked.")
        refused = stats.counter("records_refused", help: "Records that were held already.")
        quarantined = stats.counter(
            "records_quarantined", help: "Records whose message breaks its template.")
        objects = stats.counter("objects_out", help: "Objects delivered and booked.")
        tornBytes = stats.counter(
            "torn_bytes", help: "Bytes that a crash left half written in ledger and spool.")
        waitingObjects = stats.gauge("objects_waiting", help: "Finished objects on their way.")
        spoolBytes = stats.gauge("spool_bytes", help: "Bytes that wait on disk for delivery.")
        abortedUploads = stats.counter(
            "uploads_aborted", help: "Uploads in parts of earlier runs that were ended.")
    }
}
