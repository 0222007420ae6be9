import AWS
import Monitoring
import Stats

/// A period as data points of CloudWatch.
struct PeriodMetrics {
    let period: Period
    /// Seconds that it covers.
    let resolution: Int

    /// One for each name and set of dimensions, in order.
    var data: [MetricDatum] {
        let counts = period.counts.map { key, grown in
            datum(key, .single(Double(grown)), Self.unit(key.name))
        }
        let levels = period.levels.map { key, looks in
            let statistics = MetricDatum.Statistics(
                count: Double(looks.count), sum: looks.sum, minimum: looks.minimum,
                maximum: looks.maximum)
            return datum(key, .statistics(statistics), Self.unit(key.name))
        }
        let durations = period.durations.compactMap { key, buckets in
            Self.distribution(buckets).map { datum(key, $0, .milliseconds) }
        }
        return (counts + levels + durations).sorted {
            ($0.name, $0.dimensions.count, $0.dimensions.map(\.value).joined(separator: " "))
                < ($1.name, $1.dimensions.count, $1.dimensions.map(\.value).joined(separator: " "))
        }
    }

    private func datum(
        _ key: Period.Key, _ value: MetricDatum.Value, _ unit: MetricDatum.Unit
    ) -> MetricDatum {
        let dimensions = [
            ("Pipeline", key.pipeline), ("Stage", key.stage), ("Symbol", key.symbol),
        ].compactMap { name, value in value.map { MetricDatum.Dimension(name, $0) } }
        // A data point belongs to the stretch of time that it begins in.
        let seconds = period.start / 1_000_000_000
        let start = seconds - seconds % Int64(resolution)
        return MetricDatum(
            key.name, dimensions: dimensions, time: start * 1000, value: value, unit: unit,
            isHighResolution: resolution < 60)
    }

    private static func unit(_ name: String) -> MetricDatum.Unit {
        switch name {
        case "SBELastMessageAge": .seconds
        case _ where name.contains("Bytes"): .bytes
        default: .count
        }
    }

    /// Buckets that were counted, as the middle of each in ms and its count. Where there are more
    /// than CloudWatch takes, neighbours are put together.
    static func distribution(_ buckets: [UInt64]) -> MetricDatum.Value? {
        var step = 1
        while true {
            var values: [Double] = []
            var counts: [Double] = []
            for first in stride(from: 0, to: buckets.count, by: step) {
                let last = min(first + step, buckets.count) - 1
                let count = buckets[first...last].reduce(0, &+)
                guard count > 0 else { continue }
                let low = first == 0 ? 0 : HistogramBuckets.end(of: first - 1) ?? 0
                let high = HistogramBuckets.end(of: last) ?? low
                values.append(Double(low + (high - low) / 2) / 1e6)
                counts.append(Double(count))
            }
            if values.isEmpty { return nil }
            if values.count <= MetricRules.maximumValues {
                return .distribution(values: values, counts: counts)
            }
            step *= 2
        }
    }
}
