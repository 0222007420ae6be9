import Foundation
import TestSupport
import Testing

/// Programs of one host that talk to the venue share what they learn of weight and bans.
struct SharedWeightTests {
    /// A busy machine can delay a request past the end of a window, for which no budget helps. Without
    /// one, each run has refusals.
    @Test func `two pulls at once keep to one budget, so that no 429 comes`() throws {
        var refusals: [String] = []
        for _ in 0..<3 {
            guard let refused = try Self.pullTwice() else { return }
            refusals.append(refused)
        }
        Issue.record("each run was refused: \(refusals)")
    }

    /// Two programs fetch the same at once; gives the venue's counts when it refused a request.
    private static func pullTwice() throws -> String? {
        let simulator = try Simulator([
            "--newest", "40000", "--weight-limit", "120", "--window", "2",
        ])
        let place = try TemporaryDirectory()
        let tool = Program.directory.appendingPathComponent("rest-pull").path
        let pull =
            "\(tool) aggTrades --from 1 --to 40000 --base-url \(simulator.url) "
            + "--stats-dir \(place.path("stats"))"
        let outcome = try Program.run(
            "bash",
            [
                "-c",
                "\(pull) > \(place.path("a")) 2> \(place.path("alog")) & one=$!; "
                    + "\(pull) > \(place.path("b")) 2> \(place.path("blog")) & two=$!; "
                    + "wait $one; a=$?; wait $two; echo $a $?",
            ])
        #expect(outcome.text == "0 0\n", "\(outcome.text) \(outcome.errors)")
        for name in ["a", "b"] {
            let check = try Program.run("recq", ["check", place.path(name)])
            #expect(check.text.contains("40000 records  0 duplicates"), "\(check.text)")
        }
        let stats = try Program.run("curl", ["-s", simulator.control + "/stats"]).text
        return stats.contains("429") || stats.contains("418") ? stats : nil
    }

    @Test func `a ban is told to the next program, which does not ask`() throws {
        let simulator = try Simulator(["--newest", "1000"])
        let place = try TemporaryDirectory()
        let pull = [
            "aggTrades", "--from", "1", "--base-url", simulator.url, "--stats-dir",
            place.path("stats"),
        ]
        try simulator.post("/next?fault=ban&endpoint=aggTrades&retryAfter=3600")
        let first = try Program.run("rest-pull", pull)
        #expect(first.status == 75, "\(first.errors)")
        let before = try Program.run("curl", ["-s", simulator.control + "/stats"]).text
        let second = try Program.run("rest-pull", pull)
        #expect(
            second.status == 75 && second.errors.contains("another program"), "\(second.errors)")
        let after = try Program.run("curl", ["-s", simulator.control + "/stats"]).text
        #expect(before == after)
    }

    /// A reply of REST does not say whose book it is: one that was given up must not come later.
    @Test func `a book that is fetched after a ban is that of its own symbol`() throws {
        let simulator = try Simulator([
            "--start", "now", "--rate", "50", "--symbol", "BTCUSDT,ETHUSDT", "--seed", "5",
        ])
        let place = try TemporaryDirectory()
        // Another program was told of a ban that is longer than anybody waits for.
        try simulator.post("/next?fault=ban&endpoint=aggTrades&retryAfter=3600")
        let barred = try Program.run(
            "rest-pull",
            [
                "aggTrades", "--from", "1", "--base-url", simulator.url, "--stats-dir",
                place.path("stats"),
            ])
        #expect(barred.status == 75, "\(barred.errors)")
        let tap = try BackgroundProgram(
            "/bin/sh",
            [
                "-c",
                "BINANCE_API_KEY=any exec \(Program.directory.path)/sbe-tap --symbols BTCUSDT,ETHUSDT "
                    + "--streams depth --ws-url \(simulator.streams) --base-url \(simulator.url) "
                    + "--stats-dir \(place.path("stats")) --log-format json "
                    + "> \(place.path("out")) 2> \(place.path("log"))",
            ])
        func log() -> [Substring] {
            let text = try? String(contentsOfFile: place.path("log"), encoding: .utf8)
            return (text ?? "").split(separator: "\n")
        }
        func symbols(_ message: String) -> Set<String> {
            Set(
                log().filter { $0.contains("\"\(message)\"") }.flatMap { line in
                    ["BTCUSDT", "ETHUSDT"].filter { line.contains("\"\($0)\"") }
                })
        }
        #expect(waitUntil { symbols("no snapshot of a book").count == 2 }, "\(log())")
        let files = try FileManager.default.contentsOfDirectory(atPath: place.path("stats"))
        let ban = try #require(files.first { $0.hasSuffix(".weight") })
        try FileManager.default.removeItem(atPath: place.path("stats") + "/" + ban)
        #expect(waitUntil(60) { symbols("snapshot of a book").count == 2 }, "\(log())")
        kill(tap.pid, SIGTERM)
        var status: Int32 = 0
        #expect(waitUntil { waitpid(tap.pid, &status, WNOHANG) != 0 })
        let books = try Program.run(
            "bash",
            [
                "-c",
                """
                "$0" json "$1" | "$2" -c '
                import decimal, json, sys
                sys.path.insert(0, sys.argv[1])
                from market import Market
                for line in sys.stdin:
                    record = json.loads(line)
                    if record["kind"] != "depthSnapshot":
                        continue
                    book = Market(record["symbol"], 5, 0, 1).book(record["last_update_id"])
                    for side, want in zip(("bids", "asks"), book):
                        seen = {int(decimal.Decimal(price) * 100): int(decimal.Decimal(quantity) * 100000)
                                for price, quantity in record[side]}
                        print(record["symbol"], side, seen == want)
                ' "$3"
                """, Program.directory.appendingPathComponent("recq").path, place.path("out"),
                try #require(Python.path),
                packageRoot.appendingPathComponent("Tests/ToolTests").path,
            ])
        let lines = books.text.split(separator: "\n")
        #expect(
            lines.count >= 4 && lines.allSatisfy { $0.hasSuffix("True") },
            "\(books.text)\(books.errors)")
    }

    @Test func `a source that follows waits for the end of a ban, however long it is`() throws {
        let simulator = try Simulator(["--newest", "1000"])
        let place = try TemporaryDirectory()
        try simulator.post("/next?fault=ban&endpoint=aggTrades&retryAfter=3600")
        let program = try LiveProgram(
            "rest-pull",
            [
                "aggTrades", "--from", "1", "--follow", "--base-url", simulator.url, "--stats-dir",
                place.path("stats"),
            ])
        #expect(waitUntil { program.errors.contains("all requests wait") }, "\(program.errors)")
        program.signalled(SIGTERM)
        #expect(program.wait() == 0, "\(program.errors)")
    }
}
