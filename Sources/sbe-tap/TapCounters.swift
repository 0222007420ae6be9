import Binance
import Stage
import Stats

/// Why a connection was lost or refused, for figures.
enum LossCause: String, CaseIterable {
    /// The network, or TLS.
    case network
    /// The server did not want to open it.
    case refused
    /// The server broke RFC 6455.
    case broken
    /// It ended without a close frame.
    case ended
    /// The server closed it.
    case closed
    /// Nothing came for too long.
    case stalled
}

/// The figures of a tap.
struct TapCounters {
    private let recordsIn: Counter
    private let decoded: [Counter]
    let recordsOut: Counter
    let gaps: Counter
    private let snapshots: Counter
    private let duplicates: Counter
    private let late: Counter
    private let dropped: Counter
    private let surplus: Counter
    private let waiting: Gauge
    let bytesOut: Counter
    let messages: Counter
    let bytesIn: Counter
    let quarantined: [Counter]
    let quarantineFull: Counter
    let reconnects: [Counter]
    let connects: Counter
    let rotations: Counter
    let open: Gauge
    let pings: Counter
    let pongs: Counter
    let wins: [Counter]
    let buffered: Gauge
    let spilled: Gauge
    let blocked: Counter
    let lastMessage: Gauge
    let eventDelay: Histogram
    let outputDelay: Histogram
    let snapshotFailures: Counter

    init(_ stage: borrowing Stage, seats: Int) {
        let stats = stage.stats
        recordsIn = stats.counter("records_in", help: "Records decoded or fetched.")
        decoded = StreamKind.allCases.map {
            stats.counter(
                "stream_records", labels: "stream=\"\($0.rawValue)\"",
                help: "Records decoded, by stream.")
        }
        recordsOut = stats.counter("records_out", help: "Records to standard output.")
        gaps = stats.counter("gap_records_out", help: "Gap records among them.")
        snapshots = stats.counter("snapshots_out", help: "Book snapshots among them.")
        duplicates = stats.counter("duplicates", help: "Records that another copy came before.")
        late = stats.counter("late", help: "Trades that came after they were declared missing.")
        dropped = stats.counter("records_dropped", help: "Records left out: the reader is slow.")
        surplus = stats.counter("surplus_bytes", help: "Bytes after messages, ignored.")
        waiting = stats.gauge("records_waiting", help: "Records that wait for copy or snapshot.")
        bytesOut = stats.counter("bytes_out", help: "Bytes to standard output.")
        messages = stats.counter("messages", help: "Binary messages received.")
        bytesIn = stats.counter("bytes_in", help: "Bytes received over WebSockets.")
        quarantined = StreamError.Reason.allCases.map {
            stats.counter(
                "records_quarantined", labels: "reason=\"\($0.rawValue)\"",
                help: "Messages that could not be decoded.")
        }
        quarantineFull = stats.counter(
            "quarantine_full", help: "Of those, messages that the full file did not take.")
        reconnects = LossCause.allCases.map {
            stats.counter(
                "reconnects", labels: "cause=\"\($0.rawValue)\"",
                help: "Connections lost or refused, by cause.")
        }
        connects = stats.counter("connects", help: "Connections opened.")
        rotations = stats.counter("rotations", help: "Connections replaced as planned.")
        open = stats.gauge("connections_open", help: "Connections open now.")
        pings = stats.counter("pings", help: "Pings received.")
        pongs = stats.counter("pongs", help: "Pongs sent; one may answer several pings.")
        wins = (0..<seats).map {
            stats.counter(
                "wins", labels: "connection=\"\($0)\"",
                help: "Records that this connection brought first.")
        }
        buffered = stats.gauge("buffer_bytes", help: "Bytes that wait for the reader, in memory.")
        spilled = stats.gauge("spill_bytes", help: "Bytes that wait for the reader, in a file.")
        blocked = stats.counter("blocked_ns", help: "Time in which the network was not read.")
        lastMessage = stats.gauge("last_message_ns", help: "When the last message came.")
        eventDelay = stats.histogram("event_delay", help: "From the venue's time to receipt.")
        outputDelay = stats.histogram("output_delay", help: "From receipt to standard output.")
        snapshotFailures = stats.counter("snapshot_failures", help: "Snapshots not to be had.")
    }

    /// Takes the figures of a merge over.
    func follow(_ merge: borrowing StreamMerge) {
        let counts = merge.counts
        var all = counts.gaps + counts.snapshots
        for (counter, count) in zip(decoded, counts.decoded) {
            Self.follow(counter, count)
            all += count
        }
        Self.follow(recordsIn, all)
        Self.follow(recordsOut, counts.out)
        Self.follow(gaps, counts.gaps)
        Self.follow(snapshots, counts.snapshots)
        Self.follow(duplicates, counts.duplicates)
        Self.follow(late, counts.late)
        Self.follow(dropped, counts.dropped)
        Self.follow(surplus, counts.surplusBytes)
        waiting.set(Int64(merge.waiting))
    }

    /// Raises a counter to a total.
    static func follow(_ counter: Counter, _ total: Int) {
        counter.add(total - Int(counter.value))
    }
}
