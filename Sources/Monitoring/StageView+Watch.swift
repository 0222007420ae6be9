import Stats

extension StageView {
    /// What a watch knows, for those who look.
    init(_ watch: StageWatch, problems: [Problem.Code]) {
        let snapshot = watch.snapshot
        var figures: [String: Int64] = [:]
        var labelled: [(name: String, labels: String, value: Int64)] = []
        var delays: [Delay] = []
        var coverage: [String: SequenceCoverage] = [:]
        for metric in snapshot.metrics {
            if metric.kind == .histogram {
                if let delay = Delay(metric) { delays.append(delay) }
                continue
            }
            if metric.name.hasPrefix("ledger_"), let sequence = metric.sequence {
                coverage[sequence, default: SequenceCoverage(sequence: sequence)].take(metric)
                continue
            }
            figures[metric.name, default: 0] &+= metric.value
            if !metric.labels.isEmpty {
                labelled.append((metric.name, metric.labels, metric.value))
            }
        }
        self.init(
            id: watch.id, stage: snapshot.stage, instance: snapshot.instance,
            pipeline: snapshot.pipeline, version: snapshot.version, pid: snapshot.pid,
            startTime: snapshot.startTime, state: watch.state, stateSince: snapshot.stateSince,
            isRunning: snapshot.life == .running, heartbeatAge: watch.heartbeatAge,
            waitsFor: "\(snapshot.wait)",
            lastError: snapshot.lastError.map { ($0.text, $0.time) }, figures: figures,
            labelled: labelled, rates: watch.snapshot.life == .running ? watch.rates : Rates(),
            delays: delays, coverage: coverage.values.sorted { $0.sequence < $1.sequence },
            residue: watch.residue, problems: problems)
    }
}

extension Delay {
    /// Of a histogram; nil when nothing was counted.
    init?(_ metric: StatsSnapshot.Metric) {
        let buckets = metric.buckets
        guard let median = HistogramBuckets.quantile(0.5, of: buckets),
            let high = HistogramBuckets.quantile(0.99, of: buckets)
        else { return nil }
        let labels = metric.labels.isEmpty ? "" : "{\(metric.labels)}"
        self.init(
            name: metric.name + labels, count: buckets.reduce(0, &+),
            median: Double(median) / 1e9, high: Double(high) / 1e9)
    }
}

extension SequenceCoverage {
    fileprivate mutating func take(_ metric: StatsSnapshot.Metric) {
        switch metric.name {
        case "ledger_first_id": first = metric.value
        case "ledger_last_id": last = metric.value
        case "ledger_held_ids": held = metric.value
        case "ledger_declared_ids": declared = metric.value
        case "ledger_missing_ids": missing = metric.value
        case "ledger_holes_open": holes = metric.value
        case "ledger_oldest_hole_time_ns": oldestHole = metric.value
        default: break
        }
    }
}

extension StatsSnapshot.Metric {
    /// The value of a label `sequence`, when that is the only one.
    fileprivate var sequence: String? {
        let start = "sequence=\""
        guard labels.hasPrefix(start), labels.hasSuffix("\"") else { return nil }
        return String(labels.dropFirst(start.count).dropLast())
    }
}
