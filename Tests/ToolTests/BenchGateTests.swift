import Foundation
import TestSupport
import Testing

/// What `make bench-gate` says of numbers that were measured.
struct BenchGateTests {
    private static let gate = """
        {"tolerance": 0.15, "rows": {
         "decode | ours": {"ratio": 2.0, "instructions": 1.5},
         "copy | ours": {"ratio": 1.2}}}
        """

    private func compare(_ results: String, arguments: [String] = []) throws -> Program.Outcome {
        let place = try TemporaryDirectory()
        let paths = [place.path("gate.json"), place.path("results.json")]
        try Self.gate.write(toFile: paths[0], atomically: false, encoding: .utf8)
        try results.write(toFile: paths[1], atomically: false, encoding: .utf8)
        return try Program.run("python3", [Self.script] + arguments + paths)
    }

    private static let script = packageRoot.appendingPathComponent("Scripts/bench-gate").path

    @Test(arguments: [
        // Within 15 %; instructions are compared where both have them, whatever the clock says.
        (
            #""decode | ours": {"ratio": 9.0, "instructions": 1.72}, "copy | ours": {"ratio": 1.37}"#,
            "", Int32(0), "all 2 rows hold"
        ),
        (
            #""decode | ours": {"ratio": 2.0, "instructions": 1.73}, "copy | ours": {"ratio": 1.2}"#,
            "", 1, "WORSE    decode | ours: instructions 1.50 → 1.73 (+15 %)"
        ),
        (
            #""decode | ours": {"ratio": 2.31}, "copy | ours": {"ratio": 1.2}"#,
            "", 1, "WORSE    decode | ours: ratio 2.00 → 2.31 (+16 %)"
        ),
        (
            #""decode | ours": {"ratio": 2.0}, "copy | ours": {"ratio": 0.9}"#,
            "", 0, "better   copy | ours: ratio 1.20 → 0.90 (-25 %)"
        ),
        (#""decode | ours": {"ratio": 2.0}"#, "", 1, "MISSING  copy | ours"),
        (
            #""decode | ours": {"ratio": 2.0}, "copy | ours": {"ratio": 1.2}, "page | ours": {"ratio": 3}"#,
            "", 0, "new      page | ours: ratio 3.00"
        ),
        (
            #""decode | ours": {"ratio": 2.0}, "copy | ours": {"ratio": 1.2}"#,
            #""tap""#, 1, "FAILED   tap"
        ),
    ])
    func `a row that is worse by over 15 percent fails, and so does one without a number`(
        rows: String, failed: String, status: Int32, line: String
    ) throws {
        let outcome = try compare(#"{"failed": [\#(failed)], "rows": {\#(rows)}}"#)
        #expect(outcome.status == status && outcome.text.contains(line), "\(outcome)")
    }

    @Test(arguments: ["", "[]", "{}", #"{"rows": {"decode | ours": 7}}"#])
    func `a file of another kind is no comparison`(results: String) throws {
        let outcome = try compare(results)
        #expect(outcome.status == 65 && outcome.errors.contains("results.json"), "\(outcome)")
    }

    @Test func `an update keeps what a row was not measured for`() throws {
        let place = try TemporaryDirectory()
        let (gate, results) = (place.path("gate.json"), place.path("results.json"))
        try Self.gate.write(toFile: gate, atomically: false, encoding: .utf8)
        try
            #"{"machine": "m", "commit": "c", "failed": [], "rows": {"copy | ours": {"ratio": 5.0}}}"#
            .write(toFile: results, atomically: false, encoding: .utf8)
        let outcome = try Program.run("python3", [Self.script, "--update", gate, results])
        #expect(outcome.status == 0, "\(outcome)")
        let again = try Program.run("python3", [Self.script, gate, results])
        #expect(again.status == 1 && again.text.contains("MISSING  decode | ours"), "\(again)")
        #expect(again.text.contains("same     copy | ours: ratio 5.00 → 5.00"), "\(again)")
    }
}
