import Posix
import Stats

/// What healthd remembers of one stats file from reading to reading.
final class StageWatch {
    let file: StatsFile
    private(set) var snapshot: StatsSnapshot
    /// ns of the monotonic clock.
    private(set) var readAt: Int64
    private(set) var rates = Rates()
    private(set) var residue: Int64?
    /// Seconds for which the conservation equation has not closed.
    private(set) var residueAge = 0.0
    /// Since when the stage has ended, ns of the monotonic clock.
    private(set) var endedAt: Int64?
    /// Since when it has no connection.
    private(set) var disconnectedAt: Int64?
    /// The name and labels of the series of each metric, made once; nil for one that came before.
    private(set) var series: [MetricSeries?] = []
    /// Names and labels of those, since a file may have one twice.
    private var names: Set<String> = []
    private var conservation = ConservationWatch()
    private var recent = RecentDelays()
    /// Counters by symbol and kind, by their place among the metrics.
    private var streams: [Int: StreamFlow] = [:]
    /// The share of one processor that it used lately, 0 to the number of processors.
    private(set) var processorShare: Double?
    /// Where its ledger is; nil for a stage without, or one whose files may not be looked at.
    private(set) var ledgerPath: String?
    private var soughtLedgerAt = Int64.min
    private var flow: [(time: Int64, values: [Int64])] = []
    private var errors: [(time: Int64, failed: Int64, good: Int64, limited: Int64)] = []

    /// Rates are over so many ns.
    private static let rateWindow: Int64 = 10_000_000_000
    /// Shares of errors are over so many ns, in steps.
    private static let errorWindow: Int64 = 60_000_000_000
    private static let errorStep: Int64 = 2_000_000_000

    init(path: String, now: Int64) throws(StatsError) {
        file = try StatsFile(path: path)
        snapshot = try file.read()
        readAt = now
        take(snapshot, now: now)
    }

    /// Reads the file again.
    func read(now: Int64) throws(StatsError) { take(try file.read(), now: now) }

    private func take(_ snapshot: StatsSnapshot, now: Int64) {
        self.snapshot = snapshot
        readAt = now
        for (place, metric) in snapshot.metrics.enumerated().dropFirst(series.count) {
            if metric.name == FigureName.streamRecords {
                streams[place] = StreamFlow(metric, now: now)
            }
            let new = MetricSeries(metric.definition, identity: identity)
            let isNew = names.insert("\(new.name) \(new.labels)").inserted
            series.append(isNew ? new : nil)
        }
        if snapshot.life == .running { endedAt = nil } else { endedAt = endedAt ?? now }
        residue = Conservation.residue(snapshot)
        residueAge = residue.map { conservation.take($0, snapshot, now: now) } ?? 0
        noteFlow(now)
        noteErrors(now)
        recent.take(snapshot.metrics, now: now)
        for place in streams.keys {
            streams[place]?.take(snapshot.metrics[place].value, now: now)
        }
        seekLedger(now)
        if let connected = snapshot.value(FigureName.connectionsOpen) {
            disconnectedAt = connected > 0 ? nil : disconnectedAt ?? now
        } else if snapshot.state == .connecting {
            disconnectedAt = disconnectedAt ?? now
        } else {
            disconnectedAt = nil
        }
    }

    private func noteFlow(_ now: Int64) {
        let names = [
            FigureName.recordsIn, FigureName.recordsOut, FigureName.bytesIn, FigureName.bytesOut,
        ]
        flow.append((now, names.map { snapshot.sum($0) ?? 0 } + [snapshot.processorTime ?? 0]))
        while flow.count > 2, let first = flow.first, now - first.time > Self.rateWindow {
            flow.removeFirst()
        }
        guard let first = flow.first, let last = flow.last, last.time > first.time else { return }
        let seconds = Double(last.time - first.time) / 1e9
        func rate(_ index: Int) -> Double {
            max(0, Double(last.values[index]) - Double(first.values[index])) / seconds
        }
        processorShare = snapshot.processorTime == nil ? nil : rate(4) / 1e9
        rates = Rates(recordsIn: rate(0), recordsOut: rate(1), bytesIn: rate(2), bytesOut: rate(3))
    }

    private func noteErrors(_ now: Int64) {
        // The newest entry moves until it is a step away from the one before.
        if errors.count > 1,
            errors[errors.count - 1].time - errors[errors.count - 2].time < Self.errorStep
        {
            errors.removeLast()
        }
        func total(_ names: [String]) -> Int64 {
            names.reduce(0) { $0.addingClamped(snapshot.sum($1) ?? 0) }
        }
        let failed = total([FigureName.decodeErrors, FigureName.recordsQuarantined])
        let limited = total([FigureName.rateLimited, FigureName.throttles])
        errors.append((now, failed, snapshot.value(FigureName.recordsIn) ?? 0, limited))
        while errors.count > 2, let first = errors.first, now - first.time > Self.errorWindow {
            errors.removeFirst()
        }
    }

    /// A sink keeps its ledger open; the kernel knows by which name. Sought once a minute until it
    /// is there.
    private func seekLedger(_ now: Int64) {
        guard snapshot.life == .running, ledgerPath == nil,
            snapshot.metrics.contains(where: { $0.name == FigureName.ledgerHeld }),
            soughtLedgerAt == .min || now - soughtLedgerAt > Self.errorWindow
        else { return }
        soughtLedgerAt = now
        ledgerPath = OpenFiles.path(endingIn: "/ledger", of: snapshot.pid)
    }

    // MARK: - What the rules ask

    /// Percent of the last minute's messages that could not be decoded, of all before the first
    /// reading too when it is younger than a minute.
    var decodeErrorPercent: Double {
        guard let last = errors.last, let first = errors.first else { return 0 }
        let age = Clock.realtimeNanoseconds().subtractingClamped(snapshot.startTime)
        let isYoung = age < Self.errorWindow
        let failed = Double(last.failed) - (isYoung ? 0 : Double(first.failed))
        let good = Double(last.good) - (isYoung ? 0 : Double(first.good))
        return failed <= 0 ? 0 : 100 * failed / (failed + max(0, good))
    }

    /// Answers of the last minute that asked for fewer requests.
    var limitedLately: Int64 {
        guard let last = errors.last, let first = errors.first else { return 0 }
        return last.limited.subtractingClamped(first.limited)
    }

    /// Seconds since its loop turned.
    var heartbeatAge: Double {
        max(0, readAt.seconds(since: snapshot.heartbeat))
    }

    /// Labels that tell it from other processes, and that a restart does not change. `instance` is
    /// Prometheus' own word for what it scrapes.
    var identity: String {
        let names: KeyValuePairs = ["stage": snapshot.stage, "stage_instance": snapshot.instance]
        let pipeline: KeyValuePairs = ["pipeline": snapshot.pipeline]
        return LabelSet(names).text
            + (snapshot.pipeline.isEmpty ? "" : "," + LabelSet(pipeline).text)
    }

    /// True once its process is over.
    var isOver: Bool { snapshot.life != .running }

    /// True when it died, or ended because it could not go on.
    var hasFailed: Bool { snapshot.life == .dead || isOver && snapshot.state == .failed }

    /// True for a run that was given no name.
    var isVisitor: Bool { snapshot.isVisitor }

    /// Its delays of the last minutes.
    var delays: [Delay] { recent.delays }

    /// What it counts by symbol and kind, in order.
    var streamViews: [StreamView] {
        streams.values.map { $0.view(stage: id, now: readAt) }
            .sorted { ($0.symbol, $0.kind) < ($1.symbol, $1.kind) }
    }

    /// What its ledger holds.
    var coverage: [SequenceCoverage] { SequenceCoverage.all(in: snapshot) }

    /// When it gave its last sign of life, ns since the epoch.
    var lastSign: Int64 {
        let offset = Clock.realtimeNanoseconds() - Clock.monotonicNanoseconds()
        return max(snapshot.stateSince, snapshot.heartbeat.addingClamped(offset))
    }

    var id: String { "\(snapshot.stage).\(snapshot.instance)" }

    /// The state in one word.
    var state: String {
        switch snapshot.life {
        case .dead: "dead"
        case .running where snapshot.isSuspended: "suspended"
        default: "\(snapshot.state)"
        }
    }
}
