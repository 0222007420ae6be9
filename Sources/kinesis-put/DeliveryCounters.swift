import Posix
import Sink
import Stage
import Stats

/// The figures of this sink beside those that every sink has.
struct DeliveryCounters {
    var common: SinkFigures
    let bytesSent: Counter
    let syncDuration: Histogram
    private let callsInFlight: Gauge
    private let credentialsLeft: Gauge

    init(_ stats: StatsWriter, state: String, spoolMax: Int) {
        common = SinkFigures(
            stats, state: state, spoolMax: spoolMax, goesOut: "confirmed by the service",
            putsAside: [.brokenMessage, .tooLong, .refusedByService, .implausibleIDs])
        bytesSent = stats.counter("bytes_sent", help: "Bytes of request bodies, repeats included.")
        callsInFlight = stats.gauge(
            "calls_in_flight", help: "Calls in flight, one per shard at most.")
        credentialsLeft = stats.gauge(
            "credentials_seconds_left",
            help: "Seconds until the credentials in use end; 0 for those that do not.")
        syncDuration = stats.histogram("sync_duration", help: "Time to force a spool to the disk.")
    }

    /// Notes what waits, and on what.
    mutating func note(
        spoolBytes: Int64, oldest: Int64?, calls: Int, credentialsExpire: Int64?
    ) {
        common.note(spoolBytes: spoolBytes, oldest: oldest)
        callsInFlight.set(Int64(calls))
        let now = Clock.realtimeNanoseconds() / 1_000_000_000
        credentialsLeft.set(credentialsExpire.map { $0 - now } ?? 0)
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
            "throttles", labels: label, help: "Calls that a shard throttled.")
        retriesTransient = stats.counter(
            "retries_transient", labels: label, help: "Calls repeated after a failure.")
        retriesThrottle = stats.counter(
            "retries_throttle", labels: label, help: "Calls repeated after a throttle.")
        retriesHeld = stats.counter(
            "retries_held", labels: label,
            help: "Calls that are repeated once a problem was fixed by hand.")
        unknownOutcomes = stats.counter(
            "unknown_outcomes", labels: label,
            help: "Records sent again although they may have been stored.")
        breaker = stats.gauge(
            "breaker_state", labels: label, help: "0 closed, 1 half-open, 2 open.")
        shards = stats.gauge("shards", labels: label, help: "Open shards; 0 while not known.")
    }
}
