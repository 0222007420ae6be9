import Posix
public import Stage
public import Stats

/// What became of a sink's records, counted where the work is done and published once a turn.
public struct SinkTally: Sendable {
    /// Records taken in, and their bytes.
    public var recordsIn: Int64 = 0
    /// Bytes taken in.
    public var bytesIn: Int64 = 0
    /// Taken again from what an earlier run left.
    public var recovered: Int64 = 0
    /// Records delivered and booked.
    public var recordsOut: Int64 = 0
    /// Bytes delivered and booked.
    public var bytesOut: Int64 = 0
    /// Held already, by the ledger.
    public var refused: Int64 = 0
    /// Delivered, though they may have been delivered before.
    public var possibleRepeats: Int64 = 0
    /// With an event time that cannot be right.
    public var impossibleTimes: Int64 = 0
    /// Put aside without room in the quarantine file.
    public var quarantineLeftOut: Int64 = 0
    /// Taken in, and neither confirmed nor put aside yet.
    public var waiting: Int64 = 0
    fileprivate var asides = [Int64](repeating: 0, count: QuarantineReason.allCases.count)

    /// Nothing yet.
    public init() {}

    /// Put aside, for whatever reason.
    public var quarantined: Int64 { asides.reduce(0, +) }

    /// Notes that records were put aside.
    public mutating func notePutAside(_ reason: QuarantineReason, records: Int64 = 1) {
        asides[reason.rawValue] += records
    }
}

/// The figures that every sink has, under the same names.
///
/// They balance: records_in + records_recovered = records_out + records_refused +
/// records_quarantined + records_waiting.
public struct SinkFigures {
    /// Those of every stage.
    public let flow: FlowFigures
    /// Bytes that a crash left half written.
    public let tornBytes: Counter
    private let stats: StatsWriter
    private let recovered: Counter
    private let refused: Counter
    private let possibleRepeats: Counter
    private let impossibleTimes: Counter
    private let quarantineLeftOut: Counter
    private let asides: [(reason: QuarantineReason, counter: Counter)]
    private let spoolBytes: Gauge
    private let oldestWaiting: Gauge
    private var disk: DiskFigures

    /// Adds the figures.
    ///
    /// - Parameters:
    ///   - state: the directory where the sink keeps what waits.
    ///   - spoolMax: most bytes that may wait there.
    ///   - goesOut: what a record's way out is, for the help.
    ///   - reasons: why this sink puts records aside.
    public init(
        _ stats: StatsWriter, state: String, spoolMax limit: Int, goesOut: String,
        putsAside reasons: [QuarantineReason]
    ) {
        self.stats = stats
        flow = FlowFigures(stats, goesOut: goesOut, delay: "ack_delay")
        recovered = stats.counter(
            "records_recovered", help: "Records replayed from an earlier run.")
        refused = stats.counter("records_refused", help: "Records that the ledger already holds.")
        possibleRepeats = stats.counter(
            "possible_repeats",
            help: "Records delivered that may have been delivered before.")
        impossibleTimes = stats.counter(
            "impossible_times", help: "Records with an event time that cannot be right.")
        quarantineLeftOut = stats.counter(
            "quarantine_left_out", help: "Records quarantined while the quarantine file was full.")
        asides = reasons.map { reason in
            let counter = stats.counter(
                "records_quarantined", labels: "reason=\"\(reason.label)\"",
                help: "Records quarantined, by reason.")
            return (reason, counter)
        }
        tornBytes = stats.counter(
            "torn_bytes", help: "Bytes that a crash left half written in ledger and spool.")
        spoolBytes = stats.gauge("spool_bytes", help: "Bytes that wait on disk for delivery.")
        stats.gauge("spool_max_bytes", help: "Most bytes that may wait on disk.").set(Int64(limit))
        oldestWaiting = stats.gauge(
            "oldest_waiting_time_ns",
            help: "When the oldest record that is not confirmed yet was received; 0 for none.")
        disk = DiskFigures(stats, directory: state)
    }

    /// Publishes the tally as one, so that it balances whenever someone looks, and notes that the
    /// sink's loop has turned.
    public func publish(_ tally: SinkTally) {
        stats.update {
            flow.recordsIn.advance(to: tally.recordsIn)
            flow.bytesIn.advance(to: tally.bytesIn)
            recovered.advance(to: tally.recovered)
            flow.recordsOut.advance(to: tally.recordsOut)
            flow.bytesOut.advance(to: tally.bytesOut)
            refused.advance(to: tally.refused)
            possibleRepeats.advance(to: tally.possibleRepeats)
            impossibleTimes.advance(to: tally.impossibleTimes)
            quarantineLeftOut.advance(to: tally.quarantineLeftOut)
            for (reason, counter) in asides { counter.advance(to: tally.asides[reason.rawValue]) }
            flow.waiting.set(tally.waiting)
        }
        stats.heartbeat.beat()
    }

    /// Notes what waits on disk.
    ///
    /// - Parameter oldest: when the oldest record was received, ns since the epoch; nil for none.
    public mutating func note(spoolBytes bytes: Int64, oldest: Int64?) {
        spoolBytes.set(bytes)
        oldestWaiting.set(oldest ?? 0)
        disk.update(now: Clock.monotonicNanoseconds())
    }
}
