/// What CloudWatch takes. One bad data point fails a whole call, so each is judged before it is
/// sent.
///
/// Source: Amazon CloudWatch API Reference, "PutMetricData", "MetricDatum", "Dimension",
/// "StatisticSet"; read 2026-11-24.
public enum MetricRules {
    /// Distinct values of a distribution.
    public static let maximumValues = 150
    /// Data points of a call.
    public static let maximumData = 1000
    /// Bytes of a call, before compression: what the service counts is not said clearly.
    public static let maximumBody = 1_000_000
    /// How old a data point may be, ms: two weeks.
    static let maximumAge: Int64 = 14 * 86_400_000
    /// How far ahead of the clock, ms: two hours.
    static let maximumLead: Int64 = 2 * 3_600_000

    /// Why a namespace cannot be used; nil when it can.
    public static func refusal(namespace: String) -> String? {
        if let reason = refusal(text: namespace, most: 255, "the namespace") { return reason }
        if namespace.hasPrefix(":") { return "the namespace \(namespace) begins with a colon" }
        if namespace.hasPrefix("AWS/") { return "the namespace \(namespace) is AWS's own" }
        let isPlain = namespace.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || ".-_/#: ".utf8.contains(byte)
        }
        return isPlain
            ? nil
            : "the namespace \(namespace) has characters other than letters, digits and . - _ / # :"
    }

    /// Why a data point cannot be sent; nil when it can.
    ///
    /// - Parameter now: milliseconds since the epoch.
    public static func refusal(_ datum: MetricDatum, now: Int64) -> String? {
        refusal(text: datum.name, most: 255, "the metric's name") ?? refusal(datum.dimensions)
            ?? refusal(datum.value) ?? refusal(time: datum.time, now: now)
    }

    /// Why a time cannot be sent; nil when it can.
    ///
    /// - Parameters: both in milliseconds since the epoch.
    public static func refusal(time: Int64, now: Int64) -> String? {
        let (age, overflow) = now.subtractingReportingOverflow(time)
        if overflow || age > maximumAge { return "it is older than two weeks" }
        return age < -maximumLead ? "it is more than two hours ahead" : nil
    }

    private static func refusal(text: String, most: Int, _ what: String) -> String? {
        if text.utf8.count > most { return "\(what) has more than \(most) characters" }
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return "\(what) has characters outside ASCII"
        }
        return text.utf8.contains { $0 != 0x20 } ? nil : "\(what) is empty"
    }

    private static func refusal(_ dimensions: [MetricDatum.Dimension]) -> String? {
        if dimensions.count > 30 { return "it has more than 30 dimensions" }
        if Set(dimensions.map(\.name)).count < dimensions.count { return "a dimension is repeated" }
        for dimension in dimensions {
            if dimension.name.hasPrefix(":") { return "a dimension's name begins with a colon" }
            if let reason = refusal(text: dimension.name, most: 255, "a dimension's name")
                ?? refusal(text: dimension.value, most: 1024, "the dimension \(dimension.name)")
            {
                return reason
            }
        }
        return nil
    }

    private static func refusal(_ value: MetricDatum.Value) -> String? {
        switch value {
        case .single(let value):
            return isTaken(value) ? nil : "\(value) is not a number that CloudWatch accepts"
        case .statistics(let set):
            guard [set.count, set.sum, set.minimum, set.maximum].allSatisfy(isTaken) else {
                return "a statistic is not a number that CloudWatch accepts"
            }
            if set.count <= 0 { return "it has no sample" }
            return set.minimum <= set.maximum ? nil : "its minimum is above its maximum"
        case .distribution(let values, let counts):
            guard (1...maximumValues).contains(values.count), counts.count == values.count else {
                return "\(values.count) values with \(counts.count) counts are not taken"
            }
            guard values.allSatisfy(isTaken), counts.allSatisfy({ isTaken($0) && $0 > 0 }) else {
                return "a value is not a number that CloudWatch accepts"
            }
            return nil
        }
    }

    /// Within ±2^360, and no NaN.
    private static func isTaken(_ value: Double) -> Bool {
        value.isFinite && value.magnitude <= 0x1p360
    }
}
