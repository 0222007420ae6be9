import AWS
import Monitoring

/// Data points in CloudWatch's embedded metric format: a line of JSON for each set of dimensions,
/// from which CloudWatch's agent, or a log group, makes metrics.
///
/// Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
enum EmbeddedMetrics {
    /// Metrics of a line.
    private static let maximumMetrics = 100
    /// Numbers of a metric.
    private static let maximumValues = 100

    /// The lines.
    static func lines(namespace: String, _ data: [MetricDatum]) -> [String] {
        var groups: [[MetricDatum]] = []
        for datum in data.sorted(by: { order($0) < order($1) }) {
            if let last = groups.last, last[0].dimensions == datum.dimensions,
                last[0].time == datum.time, last.count < maximumMetrics
            {
                groups[groups.count - 1].append(datum)
            } else {
                groups.append([datum])
            }
        }
        return groups.map { line(namespace, $0) }
    }

    private static func order(_ datum: MetricDatum) -> String {
        datum.dimensions.map { "\($0.name)=\($0.value)" }.joined(separator: "\u{0}")
    }

    private static func line(_ namespace: String, _ data: [MetricDatum]) -> String {
        let definitions = data.map { datum -> JSONValue in
            var members: [(String, JSONValue)] = [
                ("Name", .string(datum.name)), ("Unit", .string(datum.unit.rawValue)),
            ]
            if datum.isHighResolution { members.append(("StorageResolution", .integer(1))) }
            return .object(members)
        }
        let names = data[0].dimensions.map { JSONValue.string($0.name) }
        let directive = JSONValue.object([
            ("Namespace", .string(namespace)), ("Dimensions", .array([.array(names)])),
            ("Metrics", .array(definitions)),
        ])
        var members: [(String, JSONValue)] = [
            (
                "_aws",
                .object([
                    ("Timestamp", .integer(data[0].time)),
                    ("CloudWatchMetrics", .array([directive])),
                ])
            )
        ]
        members += data[0].dimensions.map { ($0.name, .string($0.value)) }
        members += data.map { ($0.name, number($0.value)) }
        return JSONValue.object(members).text
    }

    /// The format has numbers and lists of at most a hundred, and no counts: a level becomes its
    /// mean, a distribution a list in which each number stands for an equal part of it.
    private static func number(_ value: MetricDatum.Value) -> JSONValue {
        switch value {
        case .single(let value): return .number(value)
        case .statistics(let set): return .number(set.sum / set.count)
        case .distribution(let values, let counts):
            let total = counts.reduce(0, +)
            let parts = min(Int(min(total, 1e6)), maximumValues)
            var list: [JSONValue] = []
            var index = 0
            var seen = counts[0]
            for part in 0..<parts {
                let wanted = (Double(part) + 0.5) / Double(parts) * total
                while seen < wanted, index < values.count - 1 {
                    index += 1
                    seen += counts[index]
                }
                list.append(.number(values[index]))
            }
            return .array(list)
        }
    }
}
