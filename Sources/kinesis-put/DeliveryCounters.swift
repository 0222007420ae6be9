import Stage
import Stats

/// The figures of the sink. They balance: records_in + records_recovered = records_out +
/// records_refused + records_quarantined + records_waiting.
struct DeliveryCounters {
    let recordsIn: Counter
    let bytesIn: Counter
    let recovered: Counter
    let recordsOut: Counter
    let bytesOut: Counter
    let refused: Counter
    let quarantined: Counter
    let tooLong: Counter
    let notTaken: Counter
    let tornBytes: Counter
    let waiting: Gauge
    let spoolBytes: Gauge
    let oldestAge: Gauge
    let callsInFlight: Gauge
    let credentialsExpire: Gauge
    let deliveryDelay: Histogram
    let syncDuration: Histogram

    init(_ stats: StatsWriter) {
        recordsIn = stats.counter("records_in", help: "Records read.")
        bytesIn = stats.counter("bytes_in", help: "Bytes read.")
        recovered = stats.counter(
            "records_recovered", help: "Records taken again from an earlier run's spool.")
        recordsOut = stats.counter("records_out", help: "Records that the service confirmed.")
        bytesOut = stats.counter("bytes_out", help: "Bytes of requests sent.")
        refused = stats.counter("records_refused", help: "Records that were held already.")
        quarantined = stats.counter(
            "records_quarantined", labels: "reason=\"bad_message\"",
            help: "Records whose message breaks its template.")
        tooLong = stats.counter(
            "records_quarantined", labels: "reason=\"too_long\"",
            help: "Records longer than a Kinesis record may be.")
        notTaken = stats.counter(
            "records_quarantined", labels: "reason=\"refused_by_service\"",
            help: "Records that the service will not take.")
        tornBytes = stats.counter(
            "torn_bytes", help: "Bytes that a crash left half written in ledger and spools.")
        waiting = stats.gauge("records_waiting", help: "Records taken in and not yet confirmed.")
        spoolBytes = stats.gauge("spool_bytes", help: "Bytes that wait on disk for delivery.")
        oldestAge = stats.gauge(
            "oldest_waiting_ms", help: "Age of the oldest record that waits, in ms; 0 for none.")
        callsInFlight = stats.gauge("calls_in_flight", help: "Calls under way, one a lane at most.")
        credentialsExpire = stats.gauge(
            "credentials_expire_seconds", help: "When the credentials end, s since 1970; 0 never.")
        deliveryDelay = stats.histogram(
            "delivery_delay", help: "From a record's arrival to its confirmation.")
        syncDuration = stats.histogram("sync_duration", help: "Time to force a spool to the disk.")
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
        // Labels have 64 bytes.
        let label = "stream=\"\(stream.prefix(52))\""
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
