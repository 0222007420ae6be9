import Stats

/// How a stage's metric is called for Prometheus: `ingestor_stage_` before it, base units at its
/// end, and the labels of the stage before its own.
struct MetricSeries {
    let name: String
    let labels: String
    private let scale: Int64

    /// Labels that a stage must not give its figures: they name the stage, or are Prometheus' own.
    private static let reserved: Set<String> = [
        "stage", "stage_instance", "pipeline", "instance", "job", "le", "quantile",
    ]

    init(_ definition: StatsSnapshot.Definition, identity: String) {
        var name = definition.name
        var scale: Int64 = 0
        if definition.kind == .histogram {
            name += "_seconds"
        } else if name.hasSuffix("_ns") {
            name = name.dropLast(3) + "_seconds"
            scale = 1
        } else if name.hasSuffix("_us") {
            name = name.dropLast(3) + "_seconds"
            scale = 1000
        } else if name.hasSuffix("_ms") {
            name = name.dropLast(3) + "_seconds"
            scale = 1_000_000
        }
        self.scale = scale
        let safe = name.utf8.map { byte -> UInt8 in
            let isSafe =
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            return isSafe ? byte : UInt8(ascii: "_")
        }
        self.name = "ingestor_stage_" + String(decoding: safe, as: UTF8.self)
        let own =
            definition.labels.isEmpty
            ? "" : LabelSet(parsing: definition.labels).without(Self.reserved).text
        labels = own.isEmpty ? identity : identity + "," + own
    }

    /// What the metric says, in the base unit.
    func value(_ metric: StatsSnapshot.Metric) -> Exposition.Value {
        if metric.kind == .histogram {
            return .histogram(sum: metric.values.first ?? 0, counts: metric.buckets)
        }
        return scale == 0
            ? .integer(metric.value) : .seconds(metric.value.multipliedClamped(by: scale))
    }
}
