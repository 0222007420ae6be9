import Encoding
import Foundation
import Posix
import Stats
import TestSupport
import Testing

@testable import Monitoring

/// Texts for scrapers and for people.
struct ExpositionTests {
    @Test(arguments: [
        (0, "0.0"), (1, "0.000000001"), (1024, "0.000001024"), (1_500_000_000, "1.5"),
        (-250_000_000, "-0.25"), (Int64.max, "9223372036.854775807"),
        (Int64.min, "-9223372036.854775808"),
    ])
    func `ns become seconds to the last digit`(value: Int64, text: String) {
        #expect(Exposition.seconds(value) == text)
    }

    @Test(arguments: [
        (#"a="b",c="d""#, #"a="b",c="d""#), (#"a="q\"\\\n""#, #"a="q\"\\\n""#), ("", ""),
        (#"a="open"#, ""), (#"0a="x""#, ""), (#"a="b",__c="d""#, #"a="b""#), (#"a=b"#, ""),
        (#"a="b"} evil 1"#, #"a="b""#),
    ])
    func `labels of a stage are taken as far as they are labels`(text: String, taken: String) {
        #expect(LabelSet(parsing: text).text == taken)
    }

    private static func text(_ exposition: Exposition, _ form: Exposition.Form) -> String {
        var text = Bytes()
        exposition.write(form, to: &text)
        return String(decoding: text.array, as: UTF8.self)
    }

    @Test func `a name has one sort, a histogram has its sum and count, and OpenMetrics its end`() {
        var exposition = Exposition()
        exposition.add(.counter, "x", "", .integer(1), help: "An x.")
        exposition.add(.gauge, "x", "", .integer(2), help: "Another x.")
        var counts = [UInt64](repeating: 0, count: HistogramBuckets.count)
        counts[0] = 2
        counts[HistogramBuckets.index(of: 5_000_000)] = 3
        counts[HistogramBuckets.count - 1] = 1
        exposition.add(
            .histogram, "d_seconds", "a=\"b\"", .histogram(sum: 7, counts: counts[...]),
            help: "A d.")
        let text = Self.text(exposition, .prometheus)
        #expect(
            text.contains("# TYPE x_total counter\nx_total 1\n") && !text.contains(" 2\n# TYPE"))
        #expect(text.contains("d_seconds_bucket{a=\"b\",le=\"0.000001024\"} 2\n"))
        #expect(text.contains("d_seconds_bucket{a=\"b\",le=\"0.016777216\"} 5\n"))
        #expect(text.contains("d_seconds_bucket{a=\"b\",le=\"+Inf\"} 6\n"))
        #expect(text.contains("d_seconds_sum{a=\"b\"} 0.000000007\nd_seconds_count{a=\"b\"} 6\n"))
        let open = Self.text(exposition, .openMetrics)
        #expect(open.contains("# TYPE x counter\nx_total 1\n") && open.hasSuffix("# EOF\n"))
        #expect(open.contains("# UNIT d_seconds seconds\n"))
        #expect(exposition.names == ["x_total", "d_seconds"])
    }

    @Test func `JSON texts are read back by Foundation`() throws {
        let value = JSONValue.object([
            ("a\"\\\u{1}\n", .string("é😀\t\r")), ("n", .null), ("i", .integer(.min)),
            ("d", .number(0.1)), ("x", .number(.nan)), ("b", .array([.bool(true), .bool(false)])),
        ])
        let read = try JSONSerialization.jsonObject(with: Data(value.text.utf8)) as? [String: Any]
        #expect(read?["a\"\\\u{1}\n"] as? String == "é😀\t\r")
        #expect(read?["i"] as? Int64 == .min && read?["d"] as? Double == 0.1)
        #expect(read?["x"] is NSNull && (read?["b"] as? [Bool]) == [true, false])
    }

    @Test func `times are what Foundation says they are`() {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        var random = SeededRandom(4)
        for _ in 0..<2000 {
            let time = Int64.random(in: 0...9_000_000_000_000_000, using: &random) * 1000
            let text = Timestamp.milliseconds(nanoseconds: time)
            let date = formatter.date(from: text)?.timeIntervalSince1970 ?? -1
            #expect(abs(date - Double(time / 1_000_000) / 1000) < 0.001, "\(text)")
        }
        #expect(
            Timestamp.milliseconds(nanoseconds: 1_709_164_800_000_000_000)
                == "2024-02-29T00:00:00.000Z")
    }
}
