import Stats

/// Series in Prometheus' text format 0.0.4 or in OpenMetrics 1.0.
///
/// Sources: prometheus.io/docs/instrumenting/exposition_formats and
/// github.com/prometheus/OpenMetrics, specification 1.0.
struct Exposition {
    enum Form: Sendable, CaseIterable {
        case prometheus
        case openMetrics

        /// The media type of an answer.
        var contentType: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    private struct Family {
        let name: String
        let kind: MetricKind
        let help: String
        var lines = ""

        /// Adds a series.
        mutating func append(_ suffix: String, _ labels: String, _ value: String) {
            lines += name
            lines += suffix
            if !labels.isEmpty {
                lines += "{"
                lines += labels
                lines += "}"
            }
            lines += " "
            lines += value
            lines += "\n"
        }

        /// Adds a bucket of a histogram.
        mutating func append(
            _ suffix: String, _ start: String, _ bound: String, _ value: String
        ) {
            lines += name
            lines += suffix
            lines += "{"
            lines += start
            lines += bound
            lines += "\"} "
            lines += value
            lines += "\n"
        }
    }

    private var families: [Family] = []
    private var places: [String: Int] = [:]

    /// Adds a series. The first one of a name says what sort it is and what it means; one of
    /// another sort is left out, because no scrape could take both.
    ///
    /// - Parameters:
    ///   - name: without the suffix of its sort.
    ///   - labels: without braces.
    mutating func add(
        _ kind: MetricKind, _ name: String, _ labels: String, _ value: String, help: String
    ) {
        guard let place = place(kind, name, help) else { return }
        families[place].append(kind == .counter ? "_total" : "", labels, value)
    }

    /// Adds a histogram of ns as seconds, with a bound at every fourth power of two.
    mutating func add(
        histogram name: String, _ labels: String, sum: UInt64, buckets: some Collection<UInt64>,
        help: String
    ) {
        guard let place = place(.histogram, name, help) else { return }
        let start = labels.isEmpty ? "le=\"" : labels + ",le=\""
        var total: UInt64 = 0
        var bound = 0
        for (index, count) in buckets.enumerated() {
            total &+= count
            if bound < Self.bounds.count, Self.bounds[bound].index == index {
                families[place].append("_bucket", start, Self.bounds[bound].text, String(total))
                bound += 1
            }
        }
        families[place].append("_bucket", start, "+Inf", String(total))
        families[place].append("_sum", labels, Self.seconds(Int64(bitPattern: sum)))
        families[place].append("_count", labels, String(total))
    }

    /// Buckets whose upper end is a bound of the exported histogram: 2^10 ns (1 µs), 2^12, … 2^44.
    private static let bounds: [(index: Int, text: String)] =
        (0..<HistogramBuckets.count).compactMap { index in
            guard let end = HistogramBuckets.end(of: index), end.nonzeroBitCount == 1,
                (end.trailingZeroBitCount - HistogramBuckets.firstPower) % 2 == 0
            else { return nil }
            return (index, seconds(Int64(end)))
        }

    /// Ns as seconds, to the last digit.
    static func seconds(_ nanoseconds: Int64) -> String {
        let sign = nanoseconds < 0 ? "-" : ""
        let size = nanoseconds.magnitude
        let whole = size / 1_000_000_000
        let rest = size % 1_000_000_000
        guard rest > 0 else { return "\(sign)\(whole).0" }
        var digits = String(String(rest + 1_000_000_000).dropFirst())
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(sign)\(whole).\(digits)"
    }

    private mutating func place(_ kind: MetricKind, _ name: String, _ help: String) -> Int? {
        if let place = places[name] { return families[place].kind == kind ? place : nil }
        families.append(Family(name: name, kind: kind, help: help))
        places[name] = families.count - 1
        return families.count - 1
    }

    /// The names of the families, as a scrape in text format shows them.
    var names: [String] {
        families.map { $0.kind == .counter ? $0.name + "_total" : $0.name }
    }

    /// The whole text.
    func text(_ form: Form) -> String {
        var text = ""
        for family in families {
            let name =
                form == .prometheus && family.kind == .counter
                ? family.name + "_total" : family.name
            let help = family.help.replacing("\\", with: "\\\\").replacing("\n", with: " ")
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(family.kind)\n"
            if form == .openMetrics, name.hasSuffix("_seconds") || name.hasSuffix("_bytes") {
                text += "# UNIT \(name) \(name.hasSuffix("_seconds") ? "seconds" : "bytes")\n"
            }
            text += family.lines
        }
        return form == .openMetrics ? text + "# EOF\n" : text
    }
}
