import Encoding
import Posix
import Stats

extension Exposition {
    /// Appends the whole text, in UTF-8.
    func write(_ form: Form, to text: inout Bytes) {
        for family in families {
            family.writeHead(form, to: &text)
            for sample in family.samples { family.write(sample, to: &text) }
        }
        if form == .openMetrics { text.append("# EOF\n") }
    }
}

extension Exposition.Family {
    fileprivate func writeHead(_ form: Exposition.Form, to text: inout Bytes) {
        let shown = form == .prometheus && kind == .counter ? name + "_total" : name
        let help = help.replacing("\\", with: "\\\\").replacing("\n", with: " ")
        text.append(utf8: "# HELP \(shown) \(help)\n# TYPE \(shown) \(kind)\n")
        guard form == .openMetrics else { return }
        for unit in ["seconds", "bytes"] where shown.hasSuffix("_\(unit)") {
            text.append(utf8: "# UNIT \(shown) \(unit)\n")
        }
    }

    fileprivate func write(_ sample: Exposition.Sample, to text: inout Bytes) {
        switch sample.value {
        case .integer(let value):
            writeName(kind == .counter ? "_total" : "", sample.labels, to: &text)
            text.append(decimal: value)
        case .seconds(let value), .billionths(let value):
            writeName(kind == .counter ? "_total" : "", sample.labels, to: &text)
            text.append(seconds: value)
        case .histogram(let sum, let counts):
            let total = writeBuckets(counts, sample.labels, to: &text)
            writeName("_sum", sample.labels, to: &text)
            text.append(seconds: Int64(clamping: sum))
            text.append(UInt8(ascii: "\n"))
            writeName("_count", sample.labels, to: &text)
            text.append(decimal: total)
        }
        text.append(UInt8(ascii: "\n"))
    }

    /// Writes the counts up to each bound.
    ///
    /// - Returns: the whole count.
    private func writeBuckets(
        _ counts: ArraySlice<UInt64>, _ labels: String, to text: inout Bytes
    ) -> Int64 {
        // All lines begin alike.
        let start = text.count
        text.append(utf8: name)
        text.append("_bucket{")
        text.append(utf8: labels)
        text.append(labels.isEmpty ? "le=\"" : ",le=\"")
        let beginning = start..<text.count
        var total: UInt64 = 0
        var next = counts.startIndex
        for (index, bound) in HistogramBound.all.enumerated() {
            if index > 0 { text.append(again: beginning) }
            let end = bound.buckets.map { counts.startIndex + $0 } ?? counts.endIndex
            for count in counts[next..<end] { total &+= count }
            next = end
            text.append(utf8: bound.text)
            text.append("\"} ")
            text.append(decimal: Int64(clamping: total))
            text.append(UInt8(ascii: "\n"))
        }
        return Int64(clamping: total)
    }

    private func writeName(_ suffix: StaticString, _ labels: String, to text: inout Bytes) {
        text.append(utf8: name)
        text.append(suffix)
        if !labels.isEmpty {
            text.append(UInt8(ascii: "{"))
            text.append(utf8: labels)
            text.append(UInt8(ascii: "}"))
        }
        text.append(UInt8(ascii: " "))
    }
}

/// A bound of an exported histogram; not every bucket, which would be 272 lines, but every fourth
/// power of two: 2^10 ns (1 µs), 2^12, … 2^44, and infinity.
private struct HistogramBound {
    /// How many of ``HistogramBuckets`` are below; nil for all.
    let buckets: Int?
    /// In seconds.
    let text: String

    static let all: [HistogramBound] =
        (0..<HistogramBuckets.count).compactMap { index in
            guard let end = HistogramBuckets.end(of: index), end.nonzeroBitCount == 1,
                (end.trailingZeroBitCount - HistogramBuckets.firstPower) % 2 == 0
            else { return nil }
            return HistogramBound(buckets: index + 1, text: Exposition.seconds(Int64(end)))
        } + [HistogramBound(buckets: nil, text: "+Inf")]
}

extension Bytes {
    /// Appends ns as seconds, without zeros at the end but the first behind the point.
    mutating func append(seconds nanoseconds: Int64) {
        append(decimal: nanoseconds, exponent: -9)
        var digits = nanoseconds.magnitude % 1_000_000_000
        var zeros = 0
        while zeros < 8, digits % 10 == 0 {
            digits /= 10
            zeros += 1
        }
        truncate(to: count - zeros)
    }
}
