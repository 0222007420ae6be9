import Foundation
import TestSupport
import Testing

/// `recq book`: order books from snapshots and changes, which prove themselves.
struct RecqBookTests {
    /// A recomputable book: what each side has after each change is worked out here as well.
    private struct Market {
        private(set) var lines: [String] = []
        var bids: [Int: Int] = [:]
        var asks: [Int: Int] = [:]
        private(set) var id = 1000
        private var time = 1_704_067_200_000_000
        private var state: UInt64 = 42

        private mutating func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }

        private func line(_ kind: String, _ own: String, _ bids: [(Int, Int)], _ asks: [(Int, Int)])
            -> String
        {
            func side(_ levels: [(Int, Int)]) -> String {
                "[" + levels.map { "[\"\($0.0).5\",\"\($0.1)\"]" }.joined(separator: ",") + "]"
            }
            return "{\"kind\":\"\(kind)\",\"symbol\":\"BTCUSDT\",\"source\":\"sbe\",\"venue\":1,"
                + "\"flags\":0,\"price_exponent\":-8,\"qty_exponent\":-8,\"event_time_us\":\(time),"
                + "\"ingest_time_ns\":\"1\",\(own),\"bids\":\(side(bids)),\"asks\":\(side(asks))}\n"
        }

        init() {
            for step in 1...50 {
                bids[10_000 - step] = 1 + random(9)
                asks[10_000 + step] = 1 + random(9)
            }
        }

        /// The record of the book as it is; `id` may be of the past, with its book.
        func snapshot(_ depth: Int = 1000) -> String {
            line(
                "depthSnapshot", "\"last_update_id\":\(id),\"series\":\(depth == 20 ? 20 : 0)",
                bids.sorted { $0.key > $1.key }.prefix(depth).map { ($0.key, $0.value) },
                asks.sorted { $0.key < $1.key }.prefix(depth).map { ($0.key, $0.value) })
        }

        mutating func add(_ line: String) { lines.append(line) }

        /// Changes some levels and returns the record of it.
        mutating func change() -> String {
            time += 100_000
            let first = id + 1
            id += 1 + random(3)
            var changes: ([(Int, Int)], [(Int, Int)]) = ([], [])
            for _ in 0..<random(4) {
                let (bid, ask) = (9_999 - random(60), 10_001 + random(60))
                let (one, other) = (random(5), random(5))
                bids[bid] = one == 0 ? nil : one
                asks[ask] = other == 0 ? nil : other
                changes.0.removeAll { $0.0 == bid }
                changes.1.removeAll { $0.0 == ask }
                changes.0.append((bid, one))
                changes.1.append((ask, other))
            }
            return line(
                "depthDiff", "\"first_update_id\":\(first),\"last_update_id\":\(id)", changes.0,
                changes.1)
        }

        func best(_ count: Int) -> [String] {
            let bids = bids.sorted { $0.key > $1.key }.prefix(count)
            let asks = asks.sorted { $0.key < $1.key }.prefix(count)
            return bids.enumerated().map {
                "bid,\($0.offset + 1),\($0.element.key).5,\($0.element.value)"
            }
                + asks.enumerated().map {
                    "ask,\($0.offset + 1),\($0.element.key).5,\($0.element.value)"
                }
        }
    }

    private static func run(
        _ lines: [String], _ options: [String]
    ) throws -> Program.Outcome {
        try Program.run("recq", ["book"] + options, input: RecqTests.frames(lines.joined()))
    }

    @Test func `the book is what the changes make it, and each snapshot proves it`() throws {
        var market = Market()
        market.add(market.snapshot())
        var late: String?
        for step in 1...600 {
            let change = market.change()
            market.add(change)
            if step % 100 == 0 { market.add(market.snapshot(step % 200 == 0 ? 20 : 1000)) }
            // A snapshot over REST comes some changes later than the book that it is of.
            if step == 250 { late = market.snapshot() }
            if step == 255, let late { market.add(late) }
        }
        let outcome = try Self.run(market.lines, ["--format", "csv", "--every", "1h", "-n", "7"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            outcome.errors.contains(
                "8 snapshots, 7 proven, 0 different, 1 not comparable, 0 holes"),
            "\(outcome.errors)")
        let rows = outcome.text.split(separator: "\n").suffix(14).map {
            $0.split(separator: ",").dropFirst(3).joined(separator: ",")
        }
        #expect(rows == market.best(7), "\(outcome.text.suffix(400))")
    }

    @Test func `every interval of event time has its book`() throws {
        var market = Market()
        market.add(market.snapshot())
        for _ in 1...50 { market.add(market.change()) }
        let outcome = try Self.run(market.lines, ["--format", "json", "--every", "1s", "-n", "1"])
        let times = outcome.text.split(separator: "\n").compactMap { line in
            (try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["time"]
                as? String
        }
        #expect(
            times == [
                "2024-01-01T00:00:01.000000Z", "2024-01-01T00:00:02.000000Z",
                "2024-01-01T00:00:03.000000Z", "2024-01-01T00:00:04.000000Z",
                "2024-01-01T00:00:05.000000Z",
                // And the last change, which came at the end of that interval.
                "2024-01-01T00:00:05.000000Z",
            ], "\(times)")
        let all = try Self.run(market.lines, ["--format", "json", "--every", "0", "-n", "1"])
        #expect(all.text.split(separator: "\n").count == 51)
    }

    @Test func `a wrong level is found by the next snapshot, and named`() throws {
        var market = Market()
        market.add(market.snapshot())
        for _ in 1...20 { market.add(market.change()) }
        var wrong = market
        wrong.bids[9_990] = 77
        market.add(wrong.snapshot())
        let outcome = try Self.run(market.lines, ["--prove"])
        #expect(outcome.status == 1 && outcome.text.isEmpty, "\(outcome.status) \(outcome.text)")
        #expect(outcome.errors.contains("bid 9990.5: "), "\(outcome.errors)")
        #expect(outcome.errors.contains("77 in the snapshot"), "\(outcome.errors)")
    }

    @Test func `a hole in the changes is told, and the next snapshot begins again`() throws {
        var market = Market()
        market.add(market.snapshot())
        for step in 1...30 {
            let change = market.change()
            if step != 15 { market.add(change) }
        }
        let before = try Self.run(market.lines, ["--prove"])
        #expect(before.errors.contains("are missing"), "\(before.errors)")
        #expect(before.errors.contains(", 1 hole,"), "\(before.errors)")
        market.add(market.snapshot())
        for _ in 1...5 { market.add(market.change()) }
        market.add(market.snapshot())
        let after = try Self.run(market.lines, ["--format", "csv", "--every", "1h", "-n", "3"])
        #expect(after.errors.contains("1 proven, 0 different"), "\(after.errors)")
        let rows = after.text.split(separator: "\n").suffix(6).map {
            $0.split(separator: ",").dropFirst(3).joined(separator: ",")
        }
        #expect(rows == market.best(3))
    }

    @Test func `without a snapshot there is no book`() throws {
        var market = Market()
        for _ in 1...5 { market.add(market.change()) }
        let outcome = try Self.run(market.lines, [])
        #expect(outcome.status == 1 && outcome.errors.contains("no snapshot"), "\(outcome.errors)")
        #expect(try Program.run("recq", ["book", "--every", "soon"], input: []).status == 64)
        #expect(try Program.run("recq", ["book", "--levels", "0"], input: []).status == 64)
    }
}
