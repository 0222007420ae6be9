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
