import Binance
import Identity
import Posix
import Records
import Stage
import Stats

/// The figures of a tap. They balance: records_in = records_out + duplicates + filtered +
/// records_refused + records_quarantined + records_waiting, with a message that is not understood
/// as one record.
struct TapCounters {
    let flow: FlowFigures
    let quarantined: [Counter]
    let quarantineFull: Counter
    let messages: Counter
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
    let snapshotFailures: Counter
    let venueErrors: Counter
    let heartbeat: Heartbeat
    private let gaps: Counter
    private let snapshots: Counter
    private let duplicates: Counter
    private let behind: Counter
    private let late: Counter
    private let filtered: Counter
    private let refused: Counter
    private let surplus: Counter
    private let stats: StatsWriter
    /// By place in the merge.
    private var streams: [Counter] = []
    /// Streams that are distinguished.
    private static let maximumStreams = 128
    private var publishedAt: Int64 = 0

    init(_ stage: borrowing Stage, slots: Int) {
        let stats = stage.stats
        self.stats = stats
        heartbeat = stats.heartbeat
        flow = FlowFigures(stats, isSource: true)
        gaps = stats.counter(
            FigureName.gapRecordsOut, help: "Gap records written: ids that are missing.")
        snapshots = stats.counter("snapshots_out", help: "Book snapshots fetched and written.")
        duplicates = stats.counter(
            FigureName.duplicates, help: "Copies of records that came before.")
        behind = stats.counter(
            "behind",
            help: "Duplicates since nothing new came for a long time: ids may have restarted.")
        late = stats.counter("late", help: "Trades that came after they were declared missing.")
        filtered = stats.counter(
            FigureName.filtered, help: "Open klines that were not asked for.")
        refused = stats.counter(
            FigureName.recordsRefused, help: "Records left out because the reader is slow.")
        surplus = stats.counter("surplus_bytes", help: "Bytes after messages, ignored.")
        messages = stats.counter(FigureName.messages, help: "Binary messages received.")
        quarantined = StreamError.Reason.allCases.map {
            stats.counter(
                FigureName.recordsQuarantined, labels: Labels.pair("reason", $0.rawValue),
                help: "Messages that could not be decoded.")
        }
        quarantineFull = stats.counter(
            "quarantine_full", help: "Of those, messages that the file did not take.")
        reconnects = LossCause.allCases.map {
            stats.counter(
                FigureName.reconnects, labels: Labels.pair("cause", $0.rawValue),
                help: "Connections lost or refused.")
        }
        connects = stats.counter("connects", help: "Connections opened.")
        rotations = stats.counter("rotations", help: "Connections replaced as planned.")
        open = stats.gauge(FigureName.connectionsOpen, help: "Connections open now.")
        pings = stats.counter("pings", help: "Pings received.")
        pongs = stats.counter("pongs", help: "Pongs sent; one may answer several pings.")
        wins = (0..<slots).map {
            stats.counter(
                "wins", labels: Labels.pair("connection", "\($0)"),
                help: "Records that this connection brought first.")
        }
        buffered = stats.gauge(
            FigureName.bufferBytes, help: "Bytes waiting for the reader, in memory.")
        spilled = stats.gauge("spill_bytes", help: "Bytes waiting for the reader, in a file.")
        blocked = stats.counter("blocked_ns", help: "Time in which the network was not read.")
        venueErrors = stats.counter(
            "venue_errors", help: "Errors that the venue reported in text messages.")
        snapshotFailures = stats.counter(
            FigureName.snapshotFailures, help: "Snapshots of books that could not be fetched.")
    }

    /// True when it is time to publish: some loops turn a hundred thousand times a second, and who
    /// looks at figures does so once in a second.
    ///
    /// - Parameter now: monotonic ns.
    mutating func isDue(at now: Int64) -> Bool {
        guard now - publishedAt >= 50_000_000 else { return false }
        publishedAt = now
        return true
    }

    /// Publishes what became of the records, as one.
    ///
    /// - Parameters:
    ///   - captured: raw records, which the merge has not seen.
    ///   - uncaptured: those that were left out.
    mutating func publish(
        _ merge: borrowing StreamMerge, _ output: borrowing OutputBuffer, captured: Int,
        uncaptured: Int = 0
    ) {
        let counts = merge.counts
        let decoded = counts.decoded.total
        let aside = quarantined.reduce(0) { $0 + Int($1.value) }
        let waiting = merge.waiting
        while streams.count < min(merge.streams.count, Self.maximumStreams) {
            let subscription = merge.streams[streams.count].sequence.subscription
            streams.append(
                stats.counter(
                    FigureName.streamRecords,
                    labels: Labels.pair("symbol", "\(subscription.symbol)") + ","
                        + Labels.pair("stream", subscription.kind.figureName),
                    help: "Records, by symbol and kind."))
        }
        stats.update {
            flow.recordsIn.advance(
                to: Int64(
                    decoded + counts.filtered + counts.snapshots + aside + captured + uncaptured))
            filtered.advance(to: Int64(counts.filtered))
            flow.recordsOut.advance(to: Int64(output.merged.records - counts.gaps + captured))
            duplicates.advance(to: Int64(counts.duplicates))
            refused.advance(to: Int64(output.merged.leftOut + uncaptured))
            flow.waiting.set(Int64(waiting))
            gaps.advance(to: Int64(counts.gaps))
            flow.bytesOut.advance(to: output.written)
        }
        snapshots.advance(to: Int64(counts.snapshots))
        behind.advance(to: Int64(counts.behind))
        late.advance(to: Int64(counts.late))
        surplus.advance(to: Int64(counts.surplusBytes))
        for (place, counter) in streams.enumerated() {
            counter.advance(to: Int64(merge.streams[place].sequence.fresh))
        }
        heartbeat.beat()
    }
}

extension StreamKind {
    /// For the figures of streams: the kind of record, with the interval of klines.
    fileprivate var figureName: String {
        if case .kline(let interval) = self { return "kline \(interval.rawValue)" }
        return record.name
    }
}
