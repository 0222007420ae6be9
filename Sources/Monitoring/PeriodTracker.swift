import Stats

/// Adds up what happens from look to look, so that nothing is missed when a process comes and goes
/// between two exports.
struct PeriodTracker {
    private struct Process: Hashable {
        let id: String
        let startTime: Int64
    }

    /// Symbols that are distinguished: each is billed as metrics of its own.
    private static let maximumSymbols = 20
    /// Looks after which a process that is not seen is forgotten.
    private static let memory = 60
    /// Names with dimensions that a period may have; stats files are bytes from outside.
    private static let maximumKeys = 2000

    private var period: Period
    /// What each process had counted when it was seen last, metric by metric, and how many looks
    /// ago that was: a file that could not be read once must not be counted again.
    private var before: [Process: (values: [ArraySlice<UInt64>], age: Int)] = [:]
    private var symbols: Set<String> = []
    private let begun: Int64

    /// - Parameter time: ns since the epoch.
    init(time: Int64) {
        begun = time
        period = Period(start: time)
    }

    /// Gives the period up to now and begins a new one.
    mutating func end(time: Int64) -> Period {
        defer { period = Period(start: time) }
        return period
    }

    mutating func take(_ stages: [StageWatch], _ overview: Overview) {
        var present: Set<Process> = []
        for stage in stages {
            let process = Process(id: stage.id, startTime: stage.snapshot.startTime)
            present.insert(process)
            take(stage.snapshot, process)
        }
        for (process, known) in before where !present.contains(process) {
            let isForgotten = known.age >= Self.memory
            before[process] = isForgotten ? nil : (known.values, known.age + 1)
        }
        takeLevels(stages, overview)
    }

    // MARK: - What grows

    private mutating func take(_ snapshot: StatsSnapshot, _ process: Process) {
        // What ran before we did has counted before; a process that is new began at nothing.
        let isOld = before[process] == nil && snapshot.startTime < begun
        let old = before[process]?.values ?? []
        for (index, metric) in snapshot.metrics.enumerated() where !isOld {
            let values = index < old.count ? old[index] : []
            switch metric.kind {
            case .counter:
                let grown = metric.value &- Int64(bitPattern: values.first ?? 0)
                if grown > 0 { count(metric, snapshot, grown) }
            case .histogram:
                guard let name = PeriodNames.durations(metric.name) else { continue }
                add(metric.buckets, values.dropFirst(), key(name, snapshot))
            case .gauge: continue
            }
        }
        before[process] = (snapshot.metrics.map(\.values), 0)
    }

    private mutating func count(
        _ metric: StatsSnapshot.Metric, _ snapshot: StatsSnapshot, _ grown: Int64
    ) {
        for name in PeriodNames.counts(stage: snapshot.stage, metric: metric.name) {
            add(grown, key(name, snapshot))
            if PeriodNames.reference.contains(name) { add(grown, Period.Key(name)) }
        }
        guard metric.name == FigureName.streamRecords,
            ReferenceSeries.source(snapshot.stage) != nil,
            let symbol = LabelSet(parsing: metric.labels)["symbol"]
        else { return }
        if symbols.count < Self.maximumSymbols { symbols.insert(symbol) }
        guard symbols.contains(symbol) else { return }
        var key = key("MessagesProcessed", snapshot)
        key.symbol = symbol
        add(grown, key)
    }

    private func key(_ name: String, _ snapshot: StatsSnapshot) -> Period.Key {
        let pipeline = snapshot.pipeline.isEmpty ? "default" : snapshot.pipeline
        return Period.Key(name, pipeline: pipeline, stage: snapshot.stage)
    }

    private mutating func add(_ grown: Int64, _ key: Period.Key) {
        guard period.counts[key] != nil || period.counts.count < Self.maximumKeys else { return }
        period.counts[key, default: 0] &+= grown
    }

    private mutating func add(
        _ buckets: ArraySlice<UInt64>, _ old: ArraySlice<UInt64>, _ key: Period.Key
    ) {
        guard period.durations[key] != nil || period.durations.count < Self.maximumKeys else {
            return
        }
        var sums =
            period.durations[key] ?? [UInt64](repeating: 0, count: HistogramBuckets.count)
        let old = Array(old)
        var hasGrown = false
        for (index, count) in buckets.enumerated() where index < sums.count {
            let known = index < old.count ? old[index] : 0
            guard count > known else { continue }
            sums[index] &+= count - known
            hasGrown = true
        }
        if hasGrown { period.durations[key] = sums }
    }

    // MARK: - What goes up and down

    private mutating func takeLevels(_ stages: [StageWatch], _ overview: Overview) {
        var levels: [Period.Key: Double] = [:]
        let running = stages.filter {
            $0.snapshot.life == .running && $0.snapshot.stage != "healthd"
        }
        levels[Period.Key("ServiceRunning")] = running.isEmpty ? 0 : 1
        levels[Period.Key("Healthy")] = overview.isHealthy ? 1 : 0
        let taps = running.filter { $0.snapshot.stage == "sbe-tap" }
        if !taps.isEmpty {
            let isConnected = taps.contains {
                ($0.snapshot.sum(FigureName.connectionsOpen) ?? 0) > 0
            }
            levels[Period.Key("SBEConnectionStatus")] = isConnected ? 1 : 0
            let times = taps.compactMap { $0.snapshot.value(FigureName.lastRecordTime) }
            if let last = times.max(), last > 0 {
                let age = max(0, overview.time.seconds(since: last))
                levels[Period.Key("SBELastMessageAge")] = age
            }
        }
        for stage in running {
            let snapshot = stage.snapshot
            for (name, figure) in [
                ("RecordsWaiting", FigureName.recordsWaiting),
                ("SpoolBytes", FigureName.spoolBytes), ("HolesOpen", FigureName.ledgerHoles),
            ] {
                guard let value = snapshot.sum(figure) else { continue }
                levels[key(name, snapshot), default: 0] += Double(value)
            }
            if let residue = stage.residue {
                levels[key("ConservationResidue", snapshot), default: 0] += Double(residue)
            }
        }
        for (key, value) in levels {
            guard period.levels[key] != nil || period.levels.count < Self.maximumKeys else {
                continue
            }
            period.levels[key, default: Period.Looks()].add(value)
        }
    }
}
