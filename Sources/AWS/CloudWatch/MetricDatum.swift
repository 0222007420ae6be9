import Encoding

/// One data point of CloudWatch.
///
/// Source: Amazon CloudWatch API Reference, 2010-08-01, "MetricDatum".
public struct MetricDatum: Sendable, Equatable {
    /// What a number counts; the raw value is CloudWatch's spelling.
    public enum Unit: String, Sendable, CaseIterable {
        case seconds = "Seconds"
        case milliseconds = "Milliseconds"
        case bytes = "Bytes"
        case percent = "Percent"
        case count = "Count"
        case none = "None"
    }

    /// A name and a value that tell metrics of one name apart.
    public struct Dimension: Sendable, Hashable {
        /// 1 to 255 characters.
        public let name: String
        /// 1 to 1024 characters.
        public let value: String

        /// Names a value.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Many samples as four numbers; percentiles are lost.
    public struct Statistics: Sendable, Equatable {
        /// How many samples.
        public var count: Double
        /// Of all samples.
        public var sum: Double
        /// The least.
        public var minimum: Double
        /// The greatest.
        public var maximum: Double

        /// Samples as four numbers.
        public init(count: Double, sum: Double, minimum: Double, maximum: Double) {
            self.count = count
            self.sum = sum
            self.minimum = minimum
            self.maximum = maximum
        }
    }

    /// What was measured.
    public enum Value: Sendable, Equatable {
        case single(Double)
        case statistics(Statistics)
        /// Values and how often each came; percentiles are kept.
        case distribution(values: [Double], counts: [Double])
    }

    /// Such as `MessagesProcessed`.
    public var name: String
    /// In order.
    public var dimensions: [Dimension]
    /// Milliseconds since the epoch.
    public var time: Int64
    /// What was measured.
    public var value: Value
    /// What the numbers count.
    public var unit: Unit
    /// Kept to the second for three hours, instead of to the minute.
    public var isHighResolution: Bool

    /// A data point.
    public init(
        _ name: String, dimensions: [Dimension] = [], time: Int64, value: Value, unit: Unit,
        isHighResolution: Bool = false
    ) {
        self.name = name
        self.dimensions = dimensions
        self.time = time
        self.value = value
        self.unit = unit
        self.isHighResolution = isHighResolution
    }

    /// As a request has it.
    public var json: String {
        var text = "{\"MetricName\":\(String(jsonQuoted: name))"
        if !dimensions.isEmpty {
            let list = dimensions.map {
                "{\"Name\":\(String(jsonQuoted: $0.name)),\"Value\":\(String(jsonQuoted: $0.value))}"
            }
            text += ",\"Dimensions\":[\(list.joined(separator: ","))]"
        }
        // Seconds with three decimals.
        let rest = String(1000 + time % 1000).dropFirst()
        text += ",\"Timestamp\":\(time / 1000).\(rest)"
        switch value {
        case .single(let value): text += ",\"Value\":\(value)"
        case .statistics(let set):
            text += ",\"StatisticValues\":{\"SampleCount\":\(set.count),\"Sum\":\(set.sum)"
            text += ",\"Minimum\":\(set.minimum),\"Maximum\":\(set.maximum)}"
        case .distribution(let values, let counts):
            text += ",\"Values\":\(values),\"Counts\":\(counts)"
        }
        text += ",\"Unit\":\"\(unit.rawValue)\""
        text += ",\"StorageResolution\":\(isHighResolution ? 1 : 60)}"
        return text
    }
}
