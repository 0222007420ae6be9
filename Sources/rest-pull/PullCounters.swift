import Binance
import Identity
import Posix
import Records
import Stage
import Stats

/// The figures of a pull in its stats file. They balance: records_in = records_out + filtered +
/// records_waiting.
struct PullCounters {
    let flow: FlowFigures
    private let filtered: Counter
    private let gaps: Counter
    private let badReplies: Counter
    private let requests: Counter
    private let retries: Counter
    private let limited: Counter
    private let weightUsed: Gauge
    private let weightLimit: Gauge
    private let breaker: Gauge
    private let stats: StatsWriter
    private var sequences: [SequenceID: Counter] = [:]
    /// Sequences that are distinguished.
    private static let maximumSequences = 128

    /// What became of the rows, published once a turn of the loop.
    private(set) var tally = (taken: Int64(0), written: Int64(0), left: Int64(0), gaps: Int64(0))
    private(set) var waiting: Int64 = 0

    init(_ stage: borrowing Stage) {
        let stats = stage.stats
        self.stats = stats
        flow = FlowFigures(stats, isSource: true)
        filtered = stats.counter(
            FigureName.filtered, help: "Records of replies that were not requested, or are repeats."
        )
        gaps = stats.counter(
            FigureName.gapRecordsOut, help: "Gap records written: ids that are missing.")
        badReplies = stats.counter(
            FigureName.decodeErrors, help: "Replies that could not be decoded.")
        requests = stats.counter(FigureName.requests, help: "Requests sent to the venue.")
        retries = stats.counter(FigureName.requestRetries, help: "Requests that were repeats.")
        limited = stats.counter(FigureName.rateLimited, help: "Answers 429 and 418.")
        weightUsed = stats.gauge("weight_used", help: "Request weight used in this window.")
        weightLimit = stats.gauge("weight_limit", help: "Request weight that a window allows.")
        breaker = stats.gauge(FigureName.breakerState, help: "0 closed, 1 half-open, 2 open.")
    }

    /// A reply could not be decoded.
    func noteBadReply() { badReplies.add() }

    /// A page came.
    mutating func took(_ rows: Int) {
        tally.taken += Int64(rows)
        waiting += Int64(rows)
    }

    /// Rows of a page that waited are written.
    ///
    /// - Parameter isLive: false for what was asked for long after it happened.
    mutating func wrote(_ rows: Int, last: borrowing FrameView, isLive: Bool) {
        tally.written += Int64(rows)
        waiting -= Int64(rows)
        count(rows, of: last.sequence)
        let times = RecordTimes(last)
        flow.note(times, isLive: isLive)
        flow.noteOut(receivedAt: times.ingest)
    }

    private mutating func count(_ rows: Int, of sequence: SequenceID) {
        if let counter = sequences[sequence] { return counter.add(rows) }
        guard sequences.count < Self.maximumSequences else { return }
        let counter = stats.counter(
            FigureName.streamRecords,
            labels: Labels.pair("symbol", "\(sequence.symbol)") + ","
                + Labels.pair("stream", RecordKind.name(template: sequence.template)),
            help: "Records, by symbol and kind.")
        sequences[sequence] = counter
        counter.add(rows)
    }

    /// Rows of a page that waited are not needed.
    mutating func left(_ rows: Int) {
        tally.left += Int64(rows)
        waiting -= Int64(rows)
    }

    /// A gap record was written.
    mutating func declared() { tally.gaps += 1 }

    /// Shows the figures as they are; to be called after a flush.
    func publish(bytesOut: Int64) {
        stats.update {
            flow.recordsIn.advance(to: tally.taken)
            flow.recordsOut.advance(to: tally.written)
            filtered.advance(to: tally.left)
            flow.waiting.set(waiting)
            gaps.advance(to: tally.gaps)
            flow.bytesOut.advance(to: bytesOut)
        }
    }

    /// Shows what was asked of the archive.
    func note(requests count: Int, retries: Int, bytes: Int) {
        requests.advance(to: Int64(count))
        self.retries.advance(to: Int64(retries))
        flow.bytesIn.advance(to: Int64(bytes))
        stats.heartbeat.beat()
    }

    /// Shows how the client is, and that the loop turns.
    func update(
        _ counts: VenueClient.Counts, _ weight: (used: Int, limit: Int), breaker state: String
    ) {
        requests.advance(to: Int64(counts.requests))
        retries.advance(to: Int64(counts.retries))
        limited.advance(to: Int64(counts.limited))
        flow.bytesIn.advance(to: Int64(counts.bytes))
        weightUsed.set(Int64(weight.used))
        weightLimit.set(Int64(weight.limit))
        breaker.set(state == "closed" ? 0 : state == "open" ? 2 : 1)
        stats.heartbeat.beat()
    }
}
