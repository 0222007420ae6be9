import Stats

extension StageView {
    /// What a watch knows, for those who look.
    init(_ watch: StageWatch, isReplaced: Bool, problems: [Problem.Code]) {
        let snapshot = watch.snapshot
        var figures: [String: Int64] = [:]
        var labelled: [(name: String, labels: String, value: Int64)] = []
        for metric in snapshot.metrics {
            if metric.kind == .histogram { continue }
            if metric.name.hasPrefix(FigureName.ledger), SequenceCoverage(metric) != nil {
                continue
            }
            figures[metric.name, default: 0] &+= metric.value
            if !metric.labels.isEmpty {
                labelled.append((metric.name, metric.labels, metric.value))
            }
        }
        self.init(
            id: watch.id, stage: snapshot.stage, instance: snapshot.instance,
            isVisitor: snapshot.isVisitor, isReplaced: isReplaced, pipeline: snapshot.pipeline,
            version: snapshot.version, pid: snapshot.pid,
            startTime: snapshot.startTime, state: watch.state, stateSince: snapshot.stateSince,
            isRunning: snapshot.life == .running, heartbeatAge: watch.heartbeatAge,
            waitsFor: "\(snapshot.wait)",
            lastError: snapshot.lastError.map { ($0.text, $0.time) }, figures: figures,
            labelled: labelled, rates: watch.snapshot.life == .running ? watch.rates : Rates(),
            delays: watch.delays, coverage: watch.coverage,
            residue: watch.residue, problems: problems, streams: watch.streamViews,
            processorShare: watch.processorShare, memory: snapshot.residentBytes,
            ledgerPath: watch.ledgerPath)
    }
}

extension Delay {
    /// Of a histogram; nil when nothing was counted.
    init?(_ metric: StatsSnapshot.Metric, _ buckets: ArraySlice<UInt64>) {
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
    /// Of every sequence that a stage's ledger shows, in order.
    static func all(in snapshot: StatsSnapshot) -> [SequenceCoverage] {
        var found: [String: SequenceCoverage] = [:]
        for metric in snapshot.metrics
        where metric.kind != .histogram && metric.name.hasPrefix(FigureName.ledger) {
            guard let new = SequenceCoverage(metric) else { continue }
            found[new.sequence, default: new].note(metric)
        }
        return found.values.sorted { $0.sequence < $1.sequence }
    }

    /// The sequence that a figure's labels name, without numbers; nil when they name none.
    init?(_ metric: StatsSnapshot.Metric) {
        guard metric.labels.hasPrefix("symbol=") else { return nil }
        let labels = LabelSet(parsing: metric.labels)
        guard let symbol = labels["symbol"], let kind = labels["kind"] else { return nil }
        self.init(
            symbol: symbol, kind: kind, series: labels["series"] ?? "",
            epoch: labels["epoch"] ?? "")
    }

    private mutating func note(_ metric: StatsSnapshot.Metric) {
        switch metric.name {
        case FigureName.ledgerFirst: first = metric.value
        case FigureName.ledgerLast: last = metric.value
        case FigureName.ledgerHeld: held = metric.value
        case FigureName.ledgerDeclared: declared = metric.value
        case FigureName.ledgerMissing: missing = metric.value
        case FigureName.ledgerRepaired: repaired = metric.value
        case FigureName.ledgerHoles: holes = metric.value
        case FigureName.ledgerOldestHole: oldestHole = metric.value
        case FigureName.ledgerHoleFirst: holeFirst = metric.value
        case FigureName.ledgerHoleLast: holeLast = metric.value
        default: break
        }
    }
}
