import Foundation
import Identity
import Ledger
import Posix
import TestSupport
import Testing

/// ledgerctl as built: what it says of ledgers, and what it takes out.
struct LedgerCtlTests {
    private static let quotes = LedgerTests.name("BTCUSDT", .bestBidAsk)
    private static let depth = LedgerTests.name("BTCUSDT", .depthDiff)

    private let place: TemporaryDirectory
    private var state: String { place.path("state") }

    init() throws { place = try TemporaryDirectory() }

    private func write(_ body: (inout Ledger) -> Void) throws {
        var ledger = try Ledger(writing: state + "/ledger")
        body(&ledger)
        try ledger.commit()
    }

    private func ledgerctl(_ arguments: [String]) throws -> (
        text: String, status: Int32, errors: String
    ) {
        let outcome = try Program.run("ledgerctl", arguments)
        return (outcome.text, outcome.status, outcome.errors)
    }

    @Test func `of ids that only grow it says observed, never whole and no holes`() throws {
        try write { ledger in
            ledger.observe(
                Self.quotes,
                Run(
                    first: 100, last: 300, firstTime: 1_704_067_200_000_000,
                    lastTime: 1_704_067_260_000_000, count: 2), ids: [100, 300])
        }
        let show = try ledgerctl(["show", state])
        #expect(
            show.text == """
                BTCUSDT bestBidAsk  observed 2 records in 1 run  100 to 300  \
                2024-01-01T00:00:00.000000Z to 2024-01-01T00:01:00.000000Z

                """)
        let inside = try ledgerctl(["verify", state, "--from", "150", "--to", "250"])
        #expect(inside.status == 0)
        #expect(inside.text == "BTCUSDT bestBidAsk  150 to 250  observed without interruption\n")
        try write { ledger in
            ledger.observe(
                Self.quotes, Run(first: 500, last: 600, firstTime: 0, lastTime: 0, count: 0),
                ids: [])
        }
        let both = try ledgerctl(["verify", state])
        #expect(both.status == 1)
        #expect(
            both.text.contains("observed in parts\n  not observed  301 to 499\n"), "\(both.text)")
        #expect(!both.text.contains("whole") && !both.text.contains("hole"))
        let all = try ledgerctl(["show", state, "--all"])
        #expect(
            all.text.contains("observed at least 2 records in 2 runs  100 to 600"), "\(all.text)")
        #expect(all.text.contains("  run       500 to 600  records (not counted)\n"))
        // A gap record settles what nothing can fetch.
        try write { $0.add(Self.quotes, declared: [301...499]) }
        #expect(try ledgerctl(["verify", state]).status == 1)
        #expect(try ledgerctl(["verify", state, "--allow-declared"]).status == 0)
    }

    @Test func `a range that is removed is missing, and that it was done is shown`() throws {
        try write { ledger in
            ledger.add(Self.depth, held: [1...10, 11...(1 << 62)], declared: [])
            ledger.add(LedgerTests.name("BTCUSDT", .trade), held: [1...20])
        }
        let which = ["--symbol", "BTCUSDT", "--kind", "depthDiff"]
        let gone = try ledgerctl(
            ["remove", state] + which + ["--from", "11", "--to", "9223372036854775807"])
        #expect(gone.status == 0, "\(gone.errors)")
        #expect(gone.text.contains("removed 11 to 9223372036854775807: 4611686018427387894 held"))
        let verify = try ledgerctl(["verify", state, "--from", "1", "--to", "20"] + which)
        #expect(verify.status == 1)
        #expect(verify.text.contains("missing  11 to 20"), "\(verify.text)")
        let show = try ledgerctl(["show", state] + which)
        #expect(show.text.contains("10 ids  1 to 10  0 holes\n  removed   11 to"), "\(show.text)")
        // The other sequence is as it was, and what is not there cannot be removed.
        #expect(
            try ledgerctl(["verify", state, "--kind", "trade"]).text.contains("1 to 20  whole"))
        let again = try ledgerctl(["remove", state] + which + ["--from", "11", "--to", "20"])
        #expect(again.status == 1)
        #expect(
            again.errors.contains("says nothing of BTCUSDT depthDiff 11 to 20"), "\(again.errors)")
    }

    @Test func `remove takes one sequence, and never while a sink runs`() throws {
        try write { ledger in
            for code: UInt16 in [2, 3] {
                ledger.add(
                    LedgerTests.name("BTCUSDT", .kline, series: code), held: [0...59_999_999])
            }
        }
        let klines = [
            "remove", state, "--symbol", "BTCUSDT", "--kind", "kline", "--from", "0", "--to", "9",
        ]
        let many = try ledgerctl(klines)
        #expect(many.status == 64)
        #expect(many.errors.contains("--interval or --epoch must say which one is meant"))
        let none = try ledgerctl([
            "remove", state, "--symbol", "BTCUSDT", "--from", "0", "--to", "9",
        ])
        #expect(none.status == 64)
        let absent = try ledgerctl(
            [
                "remove", place.path("nowhere"), "--symbol", "X", "--kind", "trade", "--from", "1",
                "--to", "2",
            ])
        #expect(absent.status == 74)
        #expect(!FileManager.default.fileExists(atPath: place.path("nowhere")))
        let sink = try Ledger(writing: state + "/ledger")
        let locked = try ledgerctl(klines)
        #expect(locked.status == 75)
        #expect(locked.errors.contains("stop the sink first"), "\(locked.errors)")
        _ = sink.sequences
    }

    @Test func `a damaged ledger is read as far as it can be, and says what becomes of the rest`()
        throws
    {
        try write { $0.add(Self.depth, held: [1...10]) }
        try write { $0.add(Self.depth, held: [11...20]) }
        let path = state + "/ledger"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[90] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        let show = try ledgerctl(["show", state])
        #expect(show.status == 0)
        #expect(show.text.contains("11 to 20"), "\(show.text)")
        // Text, for a person, though standard error is not a terminal here.
        #expect(show.errors.hasPrefix("ledgerctl: warning: "), "\(show.errors)")
        #expect(show.errors.contains("is damaged: ") && show.errors.contains("do not count"))
    }
}
