import Binance
import Stage
import Stats

/// The figures of a pull in its stats file.
struct PullCounters {
    let written: Counter
    let gaps: Counter
    private let requests: Gauge
    private let retries: Gauge
    private let limited: Gauge
    private let bytes: Gauge
    private let weightUsed: Gauge
    private let weightLimit: Gauge
    private let breaker: Gauge

    init(_ stage: borrowing Stage) {
        let stats = stage.stats
        written = stats.counter("records_out", help: "Records written to standard output.")
        gaps = stats.counter("gap_records_out", help: "Gap records written: ids that did not come.")
        requests = stats.gauge("requests", help: "Requests sent to the venue.")
        retries = stats.gauge("request_retries", help: "Requests that were repeats.")
        limited = stats.gauge("rate_limited", help: "Answers 429 and 418.")
        bytes = stats.gauge("response_bytes", help: "Bytes of reply bodies.")
        weightUsed = stats.gauge("weight_used", help: "Request weight used in this window.")
        weightLimit = stats.gauge("weight_limit", help: "Request weight that a window allows.")
        breaker = stats.gauge("breaker_state", help: "0 closed, 1 half-open, 2 open.")
    }

    func update(
        _ counts: VenueClient.Counts, _ weight: (used: Int, limit: Int), breaker state: String
    ) {
        requests.set(Int64(counts.requests))
        retries.set(Int64(counts.retries))
        limited.set(Int64(counts.limited))
        bytes.set(Int64(counts.bytes))
        weightUsed.set(Int64(weight.used))
        weightLimit.set(Int64(weight.limit))
        breaker.set(state == "closed" ? 0 : state == "open" ? 2 : 1)
    }
}
