import Posix
import Stage
import Stats

/// What became of the records, counted where the work is done and published once a turn.
struct DeliveryTally {
    var recordsIn: Int64 = 0
    var bytesIn: Int64 = 0
    var recovered: Int64 = 0
    var recordsOut: Int64 = 0
    var bytesOut: Int64 = 0
    var refused: Int64 = 0
    /// Put aside: the message breaks its template, is too long, or the service will not take it.
    var broken: Int64 = 0
    var tooLong: Int64 = 0
    var notTaken: Int64 = 0

    var quarantined: Int64 { broken + tooLong + notTaken }
}

/// The figures of the sink. They balance: records_in + records_recovered = records_out +
/// records_refused + records_quarantined + records_waiting.
struct DeliveryCounters {
    let flow: FlowFigures
    let bytesSent: Counter
    let tornBytes: Counter
    let syncDuration: Histogram
    let spoolBytes: Gauge
    private let recovered: Counter
    private let refused: Counter
    private let broken: Counter
    private let tooLong: Counter
    private let notTaken: Counter
    private let spoolMax: Gauge
    private let oldestWaiting: Gauge
    private let callsInFlight: Gauge
    private let credentialsLeft: Gauge
    private let stats: StatsWriter
    private var disk: DiskFigures

    init(_ stats: StatsWriter, state: String, spoolMax limit: Int) {
        self.stats = stats
        flow = FlowFigures(stats, goesOut: "confirmed by the service", delay: "ack_delay")
        bytesSent = stats.counter("bytes_sent", help: "Bytes of request bodies, repeats included.")
        recovered = stats.counter(
            "records_recovered", help: "Records taken again from an earlier run's spool.")
        refused = stats.counter("records_refused", help: "Records that were held already.")
        func putAside(_ reason: String) -> Counter {
            stats.counter(
                "records_quarantined", labels: "reason=\"\(reason)\"",
                help: "Records put aside, by reason.")
        }
        broken = putAside("broken_message")
        tooLong = putAside("too_long")
        notTaken = putAside("refused_by_service")
        tornBytes = stats.counter(
            "torn_bytes", help: "Bytes that a crash left half written in ledger and spools.")
        spoolBytes = stats.gauge("spool_bytes", help: "Bytes that wait on disk for delivery.")
        spoolMax = stats.gauge("spool_max_bytes", help: "Most bytes that may wait on disk.")
        oldestWaiting = stats.gauge(
            "oldest_waiting_time_ns",
            help: "When the oldest record that is not confirmed yet was received; 0 for none.")
        callsInFlight = stats.gauge("calls_in_flight", help: "Calls under way, one a lane at most.")
        credentialsLeft = stats.gauge(
            "credentials_seconds_left",
            help: "Seconds until the credentials in use end; 0 for those that do not.")
        syncDuration = stats.histogram("sync_duration", help: "Time to force a spool to the disk.")
        disk = DiskFigures(stats, directory: state)
        spoolMax.set(Int64(limit))
    }

    /// Publishes the tally as one, so that it balances whenever somebody looks.
    func publish(_ tally: DeliveryTally, waiting: Int) {
        stats.update {
            flow.recordsIn.advance(to: tally.recordsIn)
            flow.bytesIn.advance(to: tally.bytesIn)
            recovered.advance(to: tally.recovered)
            flow.recordsOut.advance(to: tally.recordsOut)
            flow.bytesOut.advance(to: tally.bytesOut)
            refused.advance(to: tally.refused)
            broken.advance(to: tally.broken)
            tooLong.advance(to: tally.tooLong)
            notTaken.advance(to: tally.notTaken)
            flow.waiting.set(Int64(waiting))
        }
        stats.heartbeat.beat()
    }

    /// Notes what waits, and on what.
    mutating func note(
        spoolBytes bytes: Int64, oldest: Int64?, calls: Int, credentialsExpire: Int64?
    ) {
        spoolBytes.set(bytes)
        oldestWaiting.set(oldest ?? 0)
        callsInFlight.set(Int64(calls))
        let now = Clock.realtimeNanoseconds() / 1_000_000_000
        credentialsLeft.set(credentialsExpire.map { $0 - now } ?? 0)
        disk.update(now: Clock.monotonicNanoseconds())
    }
}

/// The figures of one stream.
struct StreamCounters {
    let records: Counter
    let requests: Counter
    let duration: Histogram
    let failedEntries: Counter
    let throttles: Counter
    let retriesTransient: Counter
    let retriesThrottle: Counter
    let retriesHeld: Counter
    let unknownOutcomes: Counter
    /// 0 closed, 1 half-open, 2 open.
    let breaker: Gauge
    let shards: Gauge

    init(_ stats: StatsWriter, stream: String) {
        // Labels have 128 bytes, and a name as many.
        let label = "stream=\"\(stream.prefix(100))\""
        records = stats.counter(
            "stream_records_out", labels: label, help: "Records that the stream has confirmed.")
        requests = stats.counter("requests", labels: label, help: "PutRecords calls.")
        duration = stats.histogram(
            "request_duration", labels: label, help: "From a call's start to its answer.")
        failedEntries = stats.counter(
            "failed_entries", labels: label, help: "Entries of calls that were not stored.")
        throttles = stats.counter(
            "throttles", labels: label, help: "Calls in which a shard asked for less.")
        retriesTransient = stats.counter(
            "retries_transient", labels: label, help: "Calls that go again after a failure.")
        retriesThrottle = stats.counter(
            "retries_throttle", labels: label, help: "Calls that go again after a throttle.")
        retriesHeld = stats.counter(
            "retries_held", labels: label, help: "Calls that go again once a person has helped.")
        unknownOutcomes = stats.counter(
            "unknown_outcomes", labels: label,
            help: "Records sent again although they may have been stored.")
        breaker = stats.gauge(
            "breaker_state", labels: label, help: "0 closed, 1 half-open, 2 open.")
        shards = stats.gauge("shards", labels: label, help: "Open shards; 0 while not known.")
    }
}
