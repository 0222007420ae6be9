import Stats

/// The series of the service that this replaces, by their old names: sums over the processes of a
/// stage.
struct ReferenceSeries {
    /// A series: family, then labels.
    struct Key: Hashable {
        let family: String
        let labels: LabelSet
    }

    private(set) var counters: [Key: Int64] = [:]
    private(set) var histograms: [Key: ArraySlice<UInt64>] = [:]

    static let help = [
        "ingestor_messages": "Records received from the venue.",
        "ingestor_processing_duration_seconds":
            "From receipt of a record until it is passed on or acknowledged.",
        "ingestor_errors": "Errors, by stage and type.",
        "ingestor_kinesis_records": "Records that Kinesis acknowledged.",
        "ingestor_s3_files": "Objects delivered.",
        "ingestor_connection_status": "1 when connected, else 0.",
        "ingestor_queue_size": "Records received, neither passed on nor confirmed yet.",
        "ingestor_last_message_timestamp": "When the last record came, seconds since the epoch.",
    ]

    /// How errors are called, by the counter that has them.
    private static let errorTypes = [
        FigureName.decodeErrors: "decode", FigureName.recordsQuarantined: "quarantined",
        FigureName.requestRetries: "retry", FigureName.retries: "retry",
        FigureName.rateLimited: "throttled", FigureName.throttles: "throttled",
        FigureName.retriesTransient: "retry", FigureName.retriesHeld: "retry",
        FigureName.failedEntries: "failed", FigureName.reconnects: "connection",
        FigureName.snapshotFailures: "snapshot", FigureName.tornBytes: "torn",
    ]

    /// Adds what one process counted.
    mutating func add(_ snapshot: StatsSnapshot) {
        let source = Self.source(snapshot.stage)
        for metric in snapshot.metrics {
            if metric.kind == .histogram {
                if metric.name == FigureName.outputDelay
                    || metric.name == FigureName.acknowledgementDelay
                {
                    add(
                        metric.values, "ingestor_processing_duration_seconds",
                        ["operation": snapshot.stage])
                }
                continue
            }
            guard metric.kind == .counter else { continue }
            if let type = Self.errorTypes[metric.name] {
                add(
                    metric.value, "ingestor_errors",
                    ["component": snapshot.stage, "error_type": type])
            }
            switch metric.name {
            case FigureName.streamRecords:
                guard let source else { continue }
                let labels = LabelSet(parsing: metric.labels)
                add(
                    metric.value, "ingestor_messages",
                    [
                        "source": source, "symbol": labels["symbol"] ?? "",
                        "message_type": labels["stream"] ?? "",
                    ])
            case FigureName.objectsOut:
                let kind = LabelSet(parsing: metric.labels)["kind"]
                add(metric.value, "ingestor_s3_files", ["data_type": kind ?? ""])
            case FigureName.streamRecordsOut where snapshot.stage == "kinesis-put":
                let stream = LabelSet(parsing: metric.labels)["stream"]
                add(metric.value, "ingestor_kinesis_records", ["stream": stream ?? ""])
            default: break
            }
        }
    }

    /// Adds the sums of others.
    mutating func add(_ other: ReferenceSeries) {
        counters.merge(other.counters) { $0 &+ $1 }
        for (key, values) in other.histograms { add(values, key) }
    }

    private mutating func add(
        _ value: Int64, _ family: String, _ labels: KeyValuePairs<String, String>
    ) {
        counters[Key(family: family, labels: LabelSet(labels)), default: 0] &+= value
    }

    private mutating func add(
        _ values: ArraySlice<UInt64>, _ family: String, _ labels: KeyValuePairs<String, String>
    ) {
        add(values, Key(family: family, labels: LabelSet(labels)))
    }

    private mutating func add(_ values: ArraySlice<UInt64>, _ key: Key) {
        guard let old = histograms[key] else { return histograms[key] = values }
        histograms[key] = ArraySlice(zip(old, values).map { $0 &+ $1 })
    }

    /// What a source calls where its records come from; nil for other stages.
    static func source(_ stage: String) -> String? {
        switch stage {
        case "sbe-tap": "sbe"
        case "rest-pull": "rest"
        default: nil
        }
    }
}

/// What processes that are gone counted: a sum over processes must not fall when one goes, or
/// Prometheus would take it for a restart and count everything twice.
struct RetiredTotals {
    private(set) var series = ReferenceSeries()

    mutating func add(_ snapshot: StatsSnapshot) { series.add(snapshot) }
}
