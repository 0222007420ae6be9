import Foundation
import Identity
import Records
import SimulatedMarket
import TestSupport
import Testing

/// `ledgerctl verify --against` as built: what trades, aggregates and klines of a bucket say about each
/// other.
struct AgainstTests {
    /// What is done to a market, and what `verify` says of it.
    struct Case: Sendable {
        let name: String
        let against: String
        var more: [String] = []
        let spoil: @Sendable (inout AgainstMarket) -> Void
        let status: Int32
        let words: [String]
        /// Words that must not be there.
        var absent: [String] = []
    }

    private static let cases: [Case] = [
        Case(
            name: "nothing", against: "aggTrades", spoil: { _ in }, status: 0,
            words: ["1960 rows equal to 3920 trades 1 to 3920, volume ", "40 voided"],
            absent: ["differ", "unknown", "left out"]),
        Case(
            name: "nothing", against: "klines", spoil: { _ in }, status: 0,
            words: ["167 rows equal to 3920 trades 1 to 3920, volume "],
            absent: ["differ", "unknown", "left out"]),
        // Trades.
        Case(
            name: "a trade removed", against: "aggTrades", spoil: { $0.trades.remove(at: 499) },
            status: 1, words: ["missing   500 to 500", "trades 500 are not held", "1 difference"]),
        Case(
            name: "a trade removed", against: "klines", spoil: { $0.trades.remove(at: 499) },
            status: 1,
            words: [
                "differs   kline 1m", "trade count ", "; trades 500 are not held", "1 difference",
            ]),
        Case(
            name: "trades of three minutes removed", against: "klines",
            spoil: { market in
                let start = AgainstMarket.start + 40 * 60_000_000
                market.trades.removeAll { (start..<(start + 180_000_000)).contains($0.time) }
            }, status: 1, words: ["3 differences", "of the trades 0", "are not held"]),
        Case(
            name: "a price changed", against: "aggTrades", spoil: { $0.trades[999].ticks += 1 },
            status: 1, words: ["price ", "of trade 1000 ", "1 difference"]),
        Case(
            name: "a price far off", against: "klines", spoil: { $0.trades[999].ticks += 100_000 },
            status: 1, words: ["high ", "quote volume ", "1 difference"],
            absent: ["trade count", "taker buy volume"]),
        Case(
            name: "a quantity changed", against: "aggTrades", spoil: { $0.trades[999].steps += 1 },
            status: 1, words: ["quantity ", "1 difference"], absent: ["price "]),
        Case(
            name: "a quantity changed", against: "klines", spoil: { $0.trades[999].steps += 1 },
            status: 1, words: ["): volume ", "1 difference"], absent: ["trade count"]),
        Case(
            name: "a side changed", against: "aggTrades",
            spoil: { $0.trades[999].isBuyerMaker.toggle() }, status: 1,
            words: ["another side than trade 1000"]),
        Case(
            name: "a side changed", against: "klines",
            spoil: { $0.trades[999].isBuyerMaker.toggle() }, status: 1,
            words: ["taker buy volume", "1 difference"], absent: ["trade count"]),
        Case(
            name: "a trade in another minute", against: "klines",
            spoil: { $0.trades[999].time += 60_000_000 }, status: 1,
            words: ["trade count", "2 differences"]),
        Case(
            name: "a trade repeated", against: "klines",
            spoil: { $0.trades.append($0.trades[999]) }, status: 0, words: ["167 rows equal"]),
        // Aggregates.
        Case(
            name: "an aggregate removed", against: "aggTrades",
            spoil: { market in market.aggregates.removeAll { $0.id == 700 || $0.id == 701 } },
            status: 1,
            words: [
                "BTCUSDT aggTrade  1 to 2000  1 hole", "unknown   trades ",
                "no aggTrade that is held names them",
            ], absent: ["differs"]),
        Case(
            name: "an aggregate that begins later", against: "aggTrades",
            spoil: { market in
                let index = market.aggregates.firstIndex { $0.first > 0 && $0.last > $0.first } ?? 0
                market.aggregates[index].first += 1
            }, status: 1, words: ["quantity ", "1 difference", "no aggTrade that is held names"]),
        Case(
            name: "an aggregate that goes into the next", against: "aggTrades",
            spoil: { $0.aggregates[120].last += 1 }, status: 1,
            words: ["another aggregate names trades", "2 differences"]),
        Case(
            name: "an aggregate's price", against: "aggTrades",
            spoil: { $0.aggregates[120].ticks -= 3 }, status: 1, words: ["price ", "1 difference"]),
        Case(
            name: "an aggregate's quantity", against: "aggTrades",
            spoil: { $0.aggregates[120].steps += 7 }, status: 1,
            words: ["quantity ", "1 difference"]),
        // Klines.
        Case(
            name: "a kline removed", against: "klines", spoil: { $0.klines.remove(at: 50) },
            status: 1, words: ["1 hole", "1 unknown", "no kline 1m of 2023-12-31T23:20"]),
        Case(
            name: "a kline's count", against: "klines", spoil: { $0.klines[60].trades += 1 },
            status: 1, words: ["trade count ", "1 difference"], absent: ["; volume "]),
        Case(
            name: "a kline's volume", against: "klines", spoil: { $0.klines[60].steps -= 1 },
            status: 1, words: ["volume ", "1 difference"], absent: ["trade count", "quote"]),
        Case(
            name: "a kline's quote volume", against: "klines", spoil: { $0.klines[60].quote += 9 },
            status: 1, words: ["quote volume ", "1 difference"], absent: ["taker"]),
        Case(
            name: "a kline's taker volume", against: "klines",
            spoil: { $0.klines[60].boughtSteps += 1 }, status: 1,
            words: ["taker buy volume ", "1 difference"]),
        Case(
            name: "prices of klines", against: "klines",
            spoil: { market in
                market.klines[10].open += 1
                market.klines[20].high += 1
                market.klines[30].low -= 1
                market.klines[40].close -= 1
            }, status: 1, words: ["open ", "high ", "low ", "close ", "4 differences"]),
        Case(
            name: "the first kline", against: "klines", spoil: { $0.klines[0].trades -= 1 },
            status: 1, words: ["trade count ", "1 difference"]),
        // Edges.
        Case(
            name: "trades that begin and end within an aggregate and a minute",
            against: "aggTrades",
            spoil: { market in
                market.trimToMiddleOfAggregates()
            }, status: 0,
            words: ["2 not compared", "left out  aggTrade", "are outside the range"],
            absent: ["differs"]),
        Case(
            name: "trades that begin and end within an aggregate and a minute", against: "klines",
            spoil: { $0.trimToMiddleOfAggregates() }, status: 0,
            words: ["2 not compared", "the interval reaches beyond the trades"],
            absent: ["differs"]),
        Case(
            name: "aggregates end before the trades", against: "aggTrades",
            spoil: { $0.aggregates.removeLast(3) }, status: 0,
            words: ["1 not compared", "left out  trades ", " to 3920: no aggTrade"]),
        Case(
            name: "aggregates end before a range that was named", against: "aggTrades",
            more: ["--from", "3000", "--to", "3920"], spoil: { $0.aggregates.removeLast(3) },
            status: 1, words: ["unknown   trades ", "1 unknown"]),
        Case(
            name: "aggregates end more than an hour before the trades", against: "aggTrades",
            spoil: { $0.aggregates.removeLast(1000) }, status: 1, words: ["unknown   trades "]),
        Case(
            name: "klines end before the trades", against: "klines",
            spoil: { $0.klines.removeLast(10) }, status: 0,
            words: ["157 rows equal", "left out  trades ", "no kline 1m of 2024-01-01T01:07"]),
        Case(
            name: "klines end more than an hour before the trades", against: "klines",
            spoil: { $0.klines.removeLast(100) }, status: 1, words: ["unknown   trades "]),
        Case(
            name: "a day", against: "klines",
            more: ["--from", "2023-12-31T23:00", "--to", "2024-01-01T01:00"],
            spoil: { $0.trimToMiddleOfAggregates() }, status: 0,
            words: ["120 rows equal"], absent: ["left out"]),
        Case(
            name: "a range of times", against: "aggTrades",
            more: ["--from", "2023-12-31T23:00", "--to", "2024-01-01T01:00"], spoil: { _ in },
            status: 0, words: ["1411 rows equal"], absent: ["left out", "differs"]),
        Case(
            name: "a range of ids", against: "aggTrades", more: ["--from", "1001", "--to", "2000"],
            spoil: { _ in }, status: 0, words: [" rows equal", "rows of other trades"],
            absent: ["differs", "unknown"]),
        // Nothing.
        Case(
            name: "no aggregates", against: "aggTrades", spoil: { $0.aggregates = [] }, status: 1,
            words: ["against aggTrade  unknown: none is held"]),
        Case(
            name: "no klines of an interval", against: "klines", more: ["--interval", "1h"],
            spoil: { _ in }, status: 1, words: ["against kline  unknown: none is held"]),
        Case(
            name: "nothing but an aggregate of other trades", against: "aggTrades",
            spoil: { market in
                market.aggregates = [market.aggregates[0]]
                market.trades.removeFirst(20)
            }, status: 1, words: ["unknown   trades 21 to 3920"]),
    ]

    @Test(arguments: cases.indices)
    func `what is spoiled is named, and what is not stays equal`(index: Int) throws {
        let spoiled = Self.cases[index]
        var market = AgainstMarket()
        spoiled.spoil(&market)
        try StoredMarket(market).expect(
            [spoiled.against] + spoiled.more, status: spoiled.status, spoiled.words,
            absent: spoiled.absent, "\(spoiled.name), \(spoiled.against)")
    }

    @Test func `ids of two sinks count once, and other values of one are a difference`() throws {
        var market = AgainstMarket()
        let stored = try StoredMarket(market)
        _ = try StoredMarket(market, beside: stored)
        for other in ["aggTrades", "klines"] {
            try stored.expect([other], status: 0, ["to 3920 trades 1 to 3920"])
        }
        market.trades[9].ticks += 1
        market.aggregates[9].ticks += 1
        market.klines[9].close += 1
        _ = try StoredMarket(market, beside: stored)
        for (other, words) in [
            ("aggTrades", "trade 10 is held twice, with different values"),
            ("aggTrades", "aggTrade 10 at"), ("klines", "2023-12-31T22:39"),
        ] {
            try stored.expect([other], status: 1, [words, "held twice"])
        }
    }

    @Test func `trades that are declared absent are not compared`() throws {
        var market = AgainstMarket()
        market.trades.remove(at: 499)
        let stored = try StoredMarket(
            market,
            and: Sample.frame(.gap, 500...500, at: AgainstMarket.start, reason: .absent))
        for other in ["aggTrades", "klines"] {
            try stored.expect(
                [other], status: 1, ["trades 500 are declared absent"], absent: ["differs"])
            try stored.expect([other, "--allow-declared"], status: 0, ["1 not compared"])
        }
    }

    @Test func `an object that is damaged or gone leaves nothing proven`() throws {
        let stored = try StoredMarket()
        let key = try #require(stored.run.keys.first { $0.contains("kind=trade") })
        let path = "\(stored.run.data)/\(key)"
        var content = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        content[content.count / 2] ^= 1
        try FileManager.default.removeItem(atPath: path)
        try Data(content).write(to: URL(fileURLWithPath: path))
        try stored.expect(["klines"], status: 1, ["has changed since it was stored"])
        try FileManager.default.removeItem(atPath: path)
        try stored.expect(["aggTrades"], status: 1, ["is missing"])
    }

    @Test func `what does not go together is refused with the reason`() throws {
        let stored = try StoredMarket()
        for (arguments, words) in [
            (["books"], "aggTrades or klines"), (["aggTrades", "--read"], "leave out --read"),
            (["klines", "--kind", "kline"], "leave out --kind"),
            (["aggTrades", "--interval", "1m"], "--against klines"),
        ] {
            let outcome = try stored.verify(arguments)
            #expect(outcome.status == 64, "\(outcome.errors)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
        let ledger = try Program.run(
            "ledgerctl", ["verify", stored.run.state, "--against", "klines"])
        #expect(ledger.status == 64 && ledger.errors.contains("--against"), "\(ledger.errors)")
    }
}

/// A market that s3-put has stored in a directory.
private struct StoredMarket {
    let run: S3PutRun

    /// - Parameters:
    ///   - frames: stored with it.
    ///   - other: whose directory it is put into, by a sink of its own.
    init(
        _ market: AgainstMarket = AgainstMarket(), and frames: [UInt8] = [],
        beside other: StoredMarket? = nil
    ) throws {
        var run = try S3PutRun()
        if let other { run.options = ["--to", "file://" + other.run.data] }
        let outcome = try run.put(try market.frames() + frames)
        try #require(outcome.status == 0, "\(outcome.errors)")
        self.run = run
    }

    func verify(_ arguments: [String]) throws -> Program.Outcome {
        try Program.run(
            "ledgerctl",
            ["verify", "file://" + run.data, "--symbol", "BTCUSDT", "--against"] + arguments)
    }

    /// Verifies, and compares what comes out.
    func expect(
        _ arguments: [String], status: Int32, _ words: [String], absent: [String] = [],
        _ name: String = ""
    ) throws {
        let outcome = try verify(arguments)
        #expect(outcome.status == status, "\(name): \(outcome.text)\(outcome.errors)")
        for words in words {
            #expect(outcome.text.contains(words), "\(name), \(words): \(outcome.text)")
        }
        for words in absent {
            #expect(!outcome.text.contains(words), "\(name), \(words): \(outcome.text)")
        }
    }
}

/// The same in a bucket of a server.
@Suite(.enabled(if: MiniStack.python != nil, "\(MiniStack.absence)"))
struct AgainstS3Tests {
    @Test func `a bucket is compared as a directory is`() throws {
        let server = try MiniStack()
        let place = try TemporaryDirectory()
        var market = AgainstMarket()
        market.klines[60].trades += 1
        let stored = try Program.run(
            "s3-put", ["--to", "s3://bronze/data", "--state-dir", place.path("state")],
            input: try market.frames(), environment: server.environment)
        try #require(stored.status == 0, "\(stored.errors)")
        for (other, status, words) in [
            ("aggTrades", Int32(0), "1960 rows equal to 3920 trades 1 to 3920"),
            ("klines", 1, "1 difference"),
        ] {
            let outcome = try Program.run(
                "ledgerctl", ["verify", "s3://bronze/data", "--against", other],
                environment: server.environment)
            #expect(outcome.status == status, "\(outcome.text)\(outcome.errors)")
            #expect(outcome.text.contains(words), "\(outcome.text)\(outcome.errors)")
        }
    }
}

extension AgainstMarket {
    /// Leaves trades from the second of an aggregate on to the last but one of another.
    mutating func trimToMiddleOfAggregates() {
        let wide = aggregates.filter { $0.first > 0 && $0.last > $0.first }
        guard let first = wide.first(where: { $0.id > 100 }),
            let last = wide.last(where: { $0.id < 1900 })
        else { return }
        trades.removeAll { $0.id <= first.first || $0.id >= last.last }
    }
}
