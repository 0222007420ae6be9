import Posix
import Stats

/// Everything that a host says of itself, as series for Prometheus.
struct HostMetrics {
    /// What the last look found.
    let overview: Overview
    /// Processes that count for the host's health, in order.
    let members: [StageWatch]
    /// Totals of processes that are gone.
    let retired: RetiredTotals
    /// Of healthd.
    let version: String

    func exposition() -> Exposition {
        var exposition = Exposition()
        addReference(to: &exposition)
        addWhole(to: &exposition)
        // Two files may claim one name; a scrape that has a series twice would be refused whole.
        var shown: Set<String> = []
        for stage in members where shown.insert(stage.identity).inserted {
            add(stage, to: &exposition)
        }
        ProcessFigures.add(startTime: overview.startTime, to: &exposition)
        return exposition
    }

    // MARK: - The names of the service that this replaces

    private func addReference(to exposition: inout Exposition) {
        var series = retired.series
        for stage in members { series.add(stage.snapshot) }
        for (key, value) in series.counters.sorted(by: { $0.key < $1.key }) {
            exposition.add(
                .counter, key.family, key.labels.text, .integer(value),
                help: ReferenceSeries.help[key.family] ?? key.family)
        }
        for (key, values) in series.histograms.sorted(by: { $0.key < $1.key }) {
            exposition.add(
                .histogram, key.family, key.labels.text,
                .histogram(sum: values.first ?? 0, counts: values.dropFirst()),
                help: ReferenceSeries.help[key.family] ?? key.family)
        }
        addState(to: &exposition)
    }

    /// What is so now, by stage or source: the best or newest of its processes, or their sum.
    private func addState(to exposition: inout Exposition) {
        var connected: [String: Bool] = [:]
        var waiting: [String: Int64] = [:]
        var last: [String: Int64] = [:]
        for stage in members where stage.snapshot.life == .running {
            let snapshot = stage.snapshot
            let source = ReferenceSeries.source(snapshot.stage)
            if let state = isConnected(stage) {
                let name = source ?? snapshot.stage
                connected[name] = connected[name] ?? false || state
            }
            if let count = snapshot.value(FigureName.recordsWaiting) {
                waiting[snapshot.stage, default: 0] &+= count
            }
            if let source, let time = snapshot.value(FigureName.lastRecordTime) {
                last[source] = max(last[source] ?? 0, time)
            }
        }
        func add(_ family: String, _ label: String, _ values: [String: Exposition.Value]) {
            for (name, value) in values.sorted(by: { $0.key < $1.key }) {
                exposition.add(
                    .gauge, family, LabelSet([label: name]).text, value,
                    help: ReferenceSeries.help[family] ?? family)
            }
        }
        add(
            "ingestor_connection_status", "component",
            connected.mapValues { .integer($0 ? 1 : 0) })
        add("ingestor_queue_size", "queue_type", waiting.mapValues { .integer($0) })
        add(
            "ingestor_last_message_timestamp", "source",
            last.mapValues { .seconds($0) })
    }

    private func isConnected(_ stage: StageWatch) -> Bool? {
        let snapshot = stage.snapshot
        if let open = snapshot.value(FigureName.connectionsOpen) { return open > 0 }
        let breakers = snapshot.metrics.filter { $0.name == FigureName.breakerState }
        guard !breakers.isEmpty else { return nil }
        return breakers.allSatisfy { $0.value == 0 } && snapshot.state != .connecting
    }

    // MARK: - What healthd finds

    private func addWhole(to exposition: inout Exposition) {
        exposition.add(
            .gauge, "ingestor_healthy", "", .integer(overview.isHealthy ? 1 : 0),
            help: "1 when nothing makes it unhealthy, else 0.")
        for code in Problem.Code.allCases {
            let count = overview.problems.count { $0.code == code }
            exposition.add(
                .gauge, "ingestor_problems", "code=\"\(code.rawValue)\"", .integer(Int64(count)),
                help: "Problems that are known now, by code.")
        }
        exposition.add(
            .gauge, "ingestor_healthd_uptime_seconds", "",
            .seconds(overview.time - overview.startTime),
            help: "Time since healthd started.")
        exposition.add(
            .gauge, "ingestor_build_info", LabelSet(["version": version]).text, .integer(1),
            help: "Always 1; the label is healthd's version.")
        exposition.add(
            .gauge, "ingestor_visitors", "", .integer(Int64(overview.visitors.count)),
            help: "Runs that were given no name and do not count for the host's health.")
        exposition.add(
            .gauge, "ingestor_stages_unseen", "", .integer(Int64(overview.unseen)),
            help: "Stages beyond those that healthd follows.")
        addGapRates(overview, to: &exposition)
        let members = Set(overview.members.map(\.id))
        for link in overview.links where members.contains(link.from) && members.contains(link.to) {
            guard let bytes = link.bytesBetween else { continue }
            exposition.add(
                .gauge, "ingestor_link_bytes", LabelSet(["from": link.from, "to": link.to]).text,
                .integer(Int64(bytes)), help: "Bytes that wait in the pipe between two stages.")
        }
    }

    /// Ids missed, repaired and declared of a million, by sequence, as each ledger has them.
    private func addGapRates(_ overview: Overview, to exposition: inout Exposition) {
        var shown: Set<String> = []
        for stage in overview.members where stage.isRunning || !stage.isReplaced {
            for coverage in stage.coverage {
                for (state, ids) in [
                    ("missing", coverage.missing), ("repaired", coverage.repaired),
                    ("declared", coverage.declared),
                ] {
                    let text = LabelSet([
                        "ledger": stage.id, "symbol": coverage.symbol, "kind": coverage.kind,
                        "series": coverage.series, "epoch": coverage.epoch, "state": state,
                    ]).text
                    guard shown.insert(text).inserted else { continue }
                    exposition.add(
                        .gauge, "ingestor_gap_ids_per_million", text,
                        .billionths(Int64(min(coverage.perMillion(ids) * 1e9, 9e18))),
                        help: "Of a million ids of a sequence those that are missing, were "
                            + "repaired since the start, or are declared absent.")
                }
            }
        }
    }

    // MARK: - What each stage counts

    private func add(_ stage: StageWatch, to exposition: inout Exposition) {
        let snapshot = stage.snapshot
        let identity = stage.identity
        func gauge(
            _ name: String, _ value: Exposition.Value, _ help: String, _ labels: String = ""
        ) {
            exposition.add(
                .gauge, "ingestor_stage_" + name,
                labels.isEmpty ? identity : identity + "," + labels, value, help: help)
        }
        gauge(
            "up", .integer(snapshot.life == .running ? 1 : 0), "1 while the process runs, else 0.")
        gauge(
            "info", .integer(1), "Always 1; the labels say more of the stage.",
            LabelSet(["state": stage.state, "version": snapshot.version]).text)
        gauge(
            "start_time_seconds", .seconds(snapshot.startTime),
            "When the process started, since the epoch.")
        gauge(
            "heartbeat_age_seconds",
            .seconds(max(0, stage.readAt.subtractingClamped(snapshot.heartbeat))),
            "Time since the stage's loop turned.")
        if let time = snapshot.processorTime {
            exposition.add(
                .counter, "ingestor_stage_processor_seconds", identity, .seconds(time),
                help: "Processor time that the stage has used.")
        }
        if let bytes = snapshot.residentBytes {
            gauge("resident_bytes", .integer(bytes), "Memory that the stage occupies.")
        }
        for stream in stage.streamViews {
            gauge(
                "stream_age_seconds", .seconds(Int64(stream.age * 1e9)),
                "Time since a record of the symbol and kind came.",
                LabelSet(["symbol": stream.symbol, "kind": stream.kind]).text)
        }
        if let residue = stage.residue, snapshot.isConsistent {
            gauge(
                "conservation_residue", .integer(residue),
                "Records that came in and are accounted for nowhere; 0 when nothing is lost.")
        }
        for (metric, series) in zip(snapshot.metrics, stage.series) {
            guard let series else { continue }
            exposition.add(
                metric.kind, series.name, series.labels, series.value(metric), help: metric.help)
        }
    }
}

extension ReferenceSeries.Key: Comparable {
    static func < (one: Self, other: Self) -> Bool {
        (one.family, one.labels.text) < (other.family, other.labels.text)
    }
}
