import Posix
import Stats

/// Samples in Prometheus' text format 0.0.4 or in OpenMetrics 1.0.
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

    /// What a sample says.
    enum Value {
        case integer(Int64)
        /// ns, shown as seconds to the last digit.
        case seconds(Int64)
        /// Billionths, shown as what they are of, to the last digit.
        case billionths(Int64)
        /// ns, shown as seconds: their sum, and the count of each of ``HistogramBuckets``.
        case histogram(sum: UInt64, counts: ArraySlice<UInt64>)
    }

    struct Sample {
        /// Without braces.
        let labels: String
        let value: Value
    }

    struct Family {
        /// Without the suffix of its sort.
        let name: String
        let kind: MetricKind
        let help: String
        var samples: [Sample] = []
    }

    private(set) var families: [Family] = []
    private var places: [String: Int] = [:]

    /// Adds a sample. The first one of a name says what sort it is and what it means; one of
    /// another sort is left out, because no scrape could take both.
    mutating func add(
        _ kind: MetricKind, _ name: String, _ labels: String, _ value: Value, help: String
    ) {
        if let place = places[name] {
            guard families[place].kind == kind else { return }
            families[place].samples.append(Sample(labels: labels, value: value))
        } else {
            places[name] = families.count
            families.append(
                Family(
                    name: name, kind: kind, help: help,
                    samples: [Sample(labels: labels, value: value)]))
        }
    }

    /// The names of the families, as a scrape in text format shows them.
    var names: [String] {
        families.map { $0.kind == .counter ? $0.name + "_total" : $0.name }
    }

    /// Ns as seconds, to the last digit.
    static func seconds(_ nanoseconds: Int64) -> String {
        var text = Bytes(capacity: 32)
        text.append(seconds: nanoseconds)
        return String(decoding: text.array, as: UTF8.self)
    }
}
