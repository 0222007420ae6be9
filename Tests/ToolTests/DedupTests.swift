import Foundation
import TestSupport
import Testing

/// What dedup passes of trades, and of what is said to be missing of them.
struct DedupTests {
    private static let common = """
        "symbol":"BTCUSDT","source":"sbe","price_exponent":-8,"qty_exponent":-8,\
        "event_time_us":1704067200000000,"ingest_time_ns":"1704067200000000001","venue":1,"flags":0
        """

    private static func trade(_ id: Int64) -> String {
        """
        {"kind":"trade",\(common),"trade_id":\(id),"price":1,"qty":1,"is_buyer_maker":false,\
        "is_best_match":null}
        """
    }

    private static func kline(_ minute: Int64) -> String {
        """
        {"kind":"kline",\(common),"interval":"1m","open_time_us":\(minute * 60_000_000),\
        "close_time_us":\(minute * 60_000_000 + 59_999_999),"open_price":1,"high_price":1,\
        "low_price":1,"close_price":1,"volume":1,"quote_volume":1,"taker_buy_base_volume":1,\
        "taker_buy_quote_volume":1,"trade_count":1,"is_closed":true}
        """
    }

    /// Of klines of a minute.
    private static func gapOfKlines(_ ids: ClosedRange<Int64>) -> String {
        gap(ids, template: 3, series: 2)
    }

    private static func gap(
        _ ids: ClosedRange<Int64>, _ reason: String = "missed", template: Int = 1, series: Int = 0
    ) -> String {
        """
        {"kind":"gap",\(common),"first_id":\(ids.lowerBound),"last_id":\(ids.upperBound),\
        "missing_kind":"trade","reason":"\(reason)","missing_template":\(template),"series":\(series)}
        """
    }

    private func frames(_ lines: [String]) throws -> [UInt8] {
        let packed = try Program.run(
            "recq", ["pack"], input: Array((lines.joined(separator: "\n") + "\n").utf8))
        try #require(packed.status == 0, "\(packed.errors)")
        return packed.output
    }

    /// The records that come out, as `7` for a trade and `4-6` for a gap record.
    private func passed(
        _ lines: [String], _ options: [String] = []
    ) throws -> (records: [String], errors: String) {
        let outcomes = try Program.pipeline(
            [
                ["dedup"] + options, ["recq", "json"],
                [
                    "jq", "-r",
                    #"if .kind == "gap" then "\(.first_id)-\(.last_id)" else .trade_id // .update_id // .arrival // .open_time_us end"#,
                ],
            ], input: try frames(lines))
        #expect(outcomes.map(\.status) == [0, 0, 0], "\(outcomes.map(\.errors))")
        return (outcomes[2].text.split(separator: "\n").map(String.init), outcomes[0].errors)
    }

    struct Case: Sendable {
        let lines: [String]
        let passed: [String]
    }

    /// A trade at a time, in seconds.
    private static func trade(_ id: Int64, at time: Int64) -> String {
        trade(id).replacing("1704067200000000,", with: "\(time)000000,")
    }

    @Test func `ids that begin again an hour later are passed on, and told of once`() throws {
        let (old, new) = (1_704_067_200 as Int64, 1_704_070_800 as Int64)
        let lines =
            (1...50).map { Self.trade($0, at: old + $0) }
            // Copies from a second tap, some late.
            + (20...50).map { Self.trade($0, at: old + $0) }
            + (1...30).map { Self.trade($0, at: new + $0) }
            + (5...30).map { Self.trade($0, at: new + $0) }
        let outcome = try passed(lines)
        #expect(outcome.records == (Array(1...50) + Array(1...30)).map { "\($0)" })
        let warnings = outcome.errors.split(separator: "\n").filter { $0.contains("began again") }
        #expect(warnings.count == 1, "\(outcome.errors)")
        #expect(warnings.first?.contains("BTCUSDT trade") == true, "\(outcome.errors)")
    }

    @Test func `copies of old records are copies, in whatever order history comes`() throws {
        func trades(_ ids: ClosedRange<Int64>) -> [String] {
            ids.map { Self.trade($0, at: 1_704_067_200 + $0 / 100 * 86_400) }
        }
        let outcome = try passed(
            trades(1...100) + trades(900...1000) + trades(300...400) + trades(950...1000)
                + trades(1...100) + trades(300...400))
        #expect(outcome.records.count == 302, "\(outcome.records.count)")
        #expect(!outcome.errors.contains("began again"), "\(outcome.errors)")
    }

    @Test func `what is left of a trimmed gap record keeps its evidence`() throws {
        let evidence = "GET /api/v3/historicalTrades?fromId=1: 200 []"
        let gap = Self.gap(1...9, "notServed").dropLast() + ",\"evidence\":\"\(evidence)\"}"
        let frames = try RecqTests.frames(
            [Self.trade(4), String(gap)].joined(separator: "\n") + "\n")
        let run = try Program.run("dedup", [], input: frames)
        let lines = try Program.run("recq", ["json"], input: run.output).text.split(separator: "\n")
        let gaps = lines.filter { $0.contains("\"gap\"") }
        #expect(gaps.count == 2, "\(lines)")
        for line in gaps { #expect(line.contains(evidence), "\(line)") }
    }

    @Test(arguments: [
        // Two taps: what one missed, the other has brought.
        Case(
            lines: (1...8).map { trade($0) } + [
                trade(1), trade(2), trade(3), gap(4...6), trade(7),
            ],
            passed: (1...8).map { "\($0)" }),
        Case(
            lines: [trade(1), trade(4), trade(5), gap(2...8), trade(9)],
            passed: ["1", "4", "5", "2-3", "6-8", "9"]),
        Case(lines: [trade(1), gap(2...3), gap(2...3), trade(4)], passed: ["1", "2-3", "4"]),
        Case(
            lines: [trade(1), gap(2...5), gap(4...7), trade(8)], passed: ["1", "2-5", "6-7", "8"]),
        // Another reason is news: it tells that nobody can fetch them.
        Case(
            lines: [trade(1), gap(2...3), gap(2...3, "absent"), gap(2...3, "absent")],
            passed: ["1", "2-3", "2-3"]),
        // What was declared may come after all, and is then not missing any more.
        Case(
            lines: [trade(1), gap(2...4), trade(5), trade(3), gap(2...4, "absent")],
            passed: ["1", "2-4", "5", "3", "2-2", "4-4"]),
        // Of other kinds nothing is known between two records; copies are copies.
        Case(
            lines: [gap(2...9, template: 4), gap(2...9, template: 4), gap(2...8, template: 4)],
            passed: ["2-9", "2-8"]),
        // A kline takes up its whole interval, in microseconds.
        Case(
            lines: [kline(1), gapOfKlines(60_000_000...239_999_999), kline(4), kline(3)],
            passed: ["60000000", "120000000-239999999", "240000000", "180000000"]),
        Case(
            lines: [kline(1), kline(4), kline(3), gapOfKlines(60_000_005...200_000_000), kline(4)],
            passed: ["60000000", "240000000", "180000000", "120000000-179999999"]),
        Case(
            lines: [kline(1), kline(4), gapOfKlines(120_000_005...239_999_990)],
            passed: ["60000000", "240000000", "120000005-239999990"]),
    ])
    func `of a gap record passes what is news`(_ wanted: Case) throws {
        #expect(try passed(wanted.lines).records == wanted.passed)
    }

    @Test func `a hole that the source has declared is not marked again`() throws {
        let lines = [Self.trade(1), Self.gap(2...4), Self.trade(7)]
        #expect(try passed(lines, ["--mark-gaps"]).records == ["1", "2-4", "5-6", "7"])
    }

    @Test func `klines that are skipped are marked from the first to the last microsecond`() throws
    {
        let lines = [1, 2, 5, 4, 5].map { Self.kline($0) }
        let marked = ["60000000", "120000000", "180000000-299999999", "300000000", "240000000"]
        #expect(try passed(lines, ["--mark-gaps"]).records == marked)
    }

    @Test func `a wild id is passed on, and nothing is dropped for it`() throws {
        let far: Int64 = 5_000_000_000_000
        let lines = [1, 2, far, 3, 4, 3].map { Self.trade($0) }
        let outcome = try passed(lines, ["--mark-gaps"])
        #expect(outcome.records == ["1", "2", "\(far)", "3", "4"])
        #expect(outcome.errors.contains("cannot be right"), "\(outcome.errors)")
    }

    @Test func `klines that share an interval pass, each once`() throws {
        let minute = 28_401_120 as Int64
        let (own, other) = ("\(minute * 60_000_000)", "\(minute * 60_000_000 + 30_000_000)")
        let even = Self.kline(minute)
        let odd = even.replacing("_time_us\":\(own)", with: "_time_us\":\(other)")
        #expect(try passed([even, odd, even, odd]).records == [own, other])
        #expect(try passed([odd, even, odd, even]).records == [other, own])
        let next = Self.kline(minute + 3)
        let marked = try passed([odd, next, even], ["--mark-gaps"]).records
        #expect(marked.count == 4 && marked.last == own, "\(marked)")
    }

    /// Another program, of sets of ids in Python, says what has to come out.
    @Test func `streams of all kinds come out as the reference says`() throws {
        let python = try #require(Python.path)
        let script = packageRoot.appendingPathComponent("Tests/ToolTests/dedup_reference.py").path
        let outcome = try Program.run(
            python, [script, "\(Program.directory.path)/dedup", "1", "40"])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        #expect(outcome.text.contains("40 streams"), "\(outcome.text)")
    }

    @Test func `a record without a number always passes`() throws {
        let raw = """
            {"kind":"raw",\(Self.common),"arrival":5,"message":"AAAA"}
            """
        #expect(try passed([raw, raw, raw]).records == ["5", "5", "5"])
    }

    @Test(arguments: ["trade", "kline"])
    func `ids that descend with holes take no time that grows with their square`(
        kind: String
    ) throws {
        let count: Int64 = 100_000
        let lines = (1...count).map {
            kind == "trade" ? Self.trade(2 * (count - $0)) : Self.kline(2 * (count - $0))
        }
        let input = try frames(lines)
        let place = try TemporaryDirectory()
        // Processor time: how busy the machine is does not matter.
        let outcome = try Program.run(
            "bash",
            [
                "-c",
                "TIMEFORMAT=%U; { time \(Program.directory.path)/dedup > \(place.path)/out 2> /dev/null; } 2>&1",
            ], input: input)
        let seconds = Double(outcome.text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 999
        let size = try FileManager.default.attributesOfItem(atPath: place.path("out"))[.size]
        #expect(size as? Int == input.count)
        // Of a debug build; it was a minute.
        #expect(seconds < 20, "\(outcome.text)")
    }
}
