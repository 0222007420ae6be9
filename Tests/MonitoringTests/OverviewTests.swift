import Foundation
import Stats
import TestSupport
import Testing

@testable import Monitoring

/// What is made of overviews: order, curves, events, periods.
struct OverviewTests {
    /// A stage of an overview, as far as these tests look at it.
    static func view(
        _ id: String, state: String = "running", out: Double = 0, waiting: Int64? = nil,
        error: (String, Int64)? = nil
    ) -> StageView {
        let parts = id.split(separator: ".").map(String.init)
        return StageView(
            id: id, stage: parts[0], instance: parts.last ?? "", pipeline: "", version: "1",
            pid: 1, startTime: 1, state: state, stateSince: 1, isRunning: state == "running",
            heartbeatAge: 0, waitsFor: "nothing", lastError: error.map { ($0.0, $0.1) },
            figures: waiting.map { ["records_waiting": $0] } ?? [:], labelled: [],
            rates: Rates(recordsOut: out), delays: [], coverage: [], residue: nil, problems: [])
    }

    static func overview(
        _ stages: [StageView], _ links: [(String, String)] = [], problems: [Problem] = [],
        time: Int64 = 1_000_000_000
    ) -> Overview {
        Overview(
            time: time, service: "test", startTime: 0, stages: stages,
            links: links.map {
                Link(from: $0.0, to: $0.1, bytesBetween: nil, recordsPerSecond: 0)
            }, problems: problems)
    }

    @Test(
        arguments: [
            (
                ["a.1", "b.1", "c.1"], [("a.1", "b.1"), ("b.1", "c.1")],
                [["a.1"], ["b.1"], ["c.1"]]
            ),
            // Two sources into one, one into two sinks, and a short cut.
            (
                ["d.1", "r.1", "s.1", "t.1", "u.1"],
                [("r.1", "d.1"), ("s.1", "d.1"), ("d.1", "t.1"), ("d.1", "u.1"), ("r.1", "u.1")],
                [["r.1", "s.1"], ["d.1"], ["t.1", "u.1"]]
            ),
            // A link to a stage that is not there, and one to itself.
            (["a.1"], [("a.1", "gone.1"), ("a.1", "a.1")], [["a.1"]]),
        ] as [([String], [(String, String)], [[String]])])
    func `stages stand in the order in which records pass them`(
        ids: [String], links: [(String, String)], levels: [[String]]
    ) throws {
        let overview = Self.overview(ids.map { Self.view($0) }, links)
        #expect(try #require(overview.pipelines.first).levels.map { $0.map(\.id) } == levels)
        #expect(overview.pipelines.count == 1)
    }

    @Test func `a ring of pipes and two files of one name end, and every stage is shown once`() {
        let ids = ["a.1", "b.1", "c.1", "a.1", "z.1"]
        let overview = Self.overview(
            ids.map { Self.view($0) }, [("a.1", "b.1"), ("b.1", "c.1"), ("c.1", "a.1")])
        let shown = overview.pipelines.flatMap { $0.levels.joined() }.map(\.id)
        #expect(shown.sorted() == ["a.1", "b.1", "c.1", "z.1"])
        #expect(overview.pipelines.last?.isSingle == true)
    }

    @Test func `curves hold fifteen minutes, a point each five seconds, newest last`() {
        var history = History()
        let step = History.step
        for tick in 0..<(5 * 200) {
            let time = Int64(tick) * step / 5 + 1_000_000_000_000
            history.take(
                Self.overview([Self.view("a.1", out: Double(tick / 5), waiting: 7)], time: time))
        }
        let points = history["a.1"]
        #expect(points.count == History.length)
        #expect(points.map(\.recordsOut) == (20..<200).map { Float($0) })
        #expect(points.last?.waiting == 7)
        #expect(MemoryLayout<History.Point>.stride == 12)
        // Another stage, later: the first is forgotten.
        history.take(Self.overview([Self.view("b.1")], time: 3_000_000_000_000))
        #expect(history["a.1"].isEmpty && history["b.1"].count == 1)
        // A clock that was set back.
        history.take(Self.overview([Self.view("b.1")], time: 2_000_000_000_000))
        #expect(history["b.1"].count == 2)
    }

    @Test func `states that change, rules that fire and clear, and errors are noted once each`() {
        var log = EventLog()
        let problem = Problem(.stageDead, stage: "a.1", "a.1: gone")
        log.take(Self.overview([Self.view("a.1")]))
        log.take(Self.overview([Self.view("a.1")]))
        log.take(Self.overview([Self.view("a.1", state: "dead")], problems: [problem]))
        log.take(
            Self.overview(
                [Self.view("a.1", state: "dead", error: ("no room", 5))], problems: [problem]))
        log.take(
            Self.overview([Self.view("a.1", state: "dead", error: ("no room", 5))]))
        log.take(Self.overview([]))
        #expect(log.events.map(\.kind) == [.state, .state, .raised, .error, .cleared, .state])
        #expect(log.events.map(\.number) == Array(1...6))
        #expect(log.events[1].text == "is dead, was running")
        #expect(log.events[2].text == "stage_dead: a.1: gone")
    }

    @Test func `the log of events is bounded in number and in length`() throws {
        var log = EventLog()
        let long = String(repeating: "x", count: 5000)
        for turn in 0..<500 {
            log.take(
                Self.overview(
                    [Self.view("a.1", error: (long, Int64(turn + 1)))],
                    time: Int64(turn) * 10_000_000_000))
        }
        #expect(log.events.count == EventLog.length)
        #expect(try #require(log.events.map(\.text.count).max()) <= 301)
    }

    @Test func `a stage that warns without end does not push out what else happened`() {
        var log = EventLog()
        log.take(
            Self.overview([Self.view("a.1")], problems: [Problem(.diskFull, stage: "a.1", "full")]))
        for turn in 0..<1000 {
            log.take(
                Self.overview(
                    [Self.view("a.1", error: ("error \(turn)", Int64(turn + 1)))],
                    time: 1_000_000_000 + Int64(turn) * 1_000_000_000))
        }
        #expect(log.events.contains { $0.kind == .raised }, "\(log.events.map(\.text))")
        #expect(log.events.count { $0.kind == .error } == 100)
    }

    @Test(
        arguments: [
            (0, "0"), (7, "7"), (999, "999"), (999.7, "1k"), (1234, "1.23k"), (12_345, "12.3k"),
            (1_000_000, "1M"), (2.5, "2.5"), (0.123, "0.12"), (-1500, "-1.5k"),
            (.infinity, "–"), (.nan, "–"),
        ] as [(Double, String)])
    func `numbers are short`(value: Double, text: String) {
        #expect(Readable.number(value) == text)
    }

    @Test(
        arguments: [
            (0, "0 s"), (0.000_25, "250 µs"), (0.0123, "12.3 ms"), (4.2, "4.2 s"),
            (310, "5 m 10 s"), (10_920, "3 h 2 m"), (1_000_000, "11 d"), (.infinity, "–"),
        ] as [(Double, String)])
    func `durations are short`(value: Double, text: String) {
        #expect(Readable.duration(value) == text)
    }

    @Test func `a share is whole only when it is`() {
        #expect(Readable.percent(1) == "100 %")
        #expect(Readable.percent(0.999_999) == "99.99 %")
        var coverage = SequenceCoverage(symbol: "BTCUSDT", kind: "trade")
        (coverage.first, coverage.last, coverage.held) = (1, 1_000_000_000, 999_999_999)
        (coverage.missing, coverage.holes) = (1, 1)
        #expect(coverage.share < 1 && Readable.percent(coverage.share) == "99.99 %")
        coverage.missing = 0
        #expect(coverage.share == 1)
    }
}
