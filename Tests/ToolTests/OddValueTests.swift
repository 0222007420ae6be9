import TestSupport
import Testing

/// Values that people type and the parser has no form for.
struct OddValueTests {
    @Test(arguments: [
        ("rest-pull", ["trades", "--limit", "-1"], "--limit=-1"),
        ("rest-pull", ["trades", "--timeout", "-.5"], "--timeout=-.5"),
        ("ledgerctl", ["verify", "x", "--epoch", "-1"], "--epoch=-1"),
        ("dedup", ["--window", "-3"], "--window=-3"),
    ])
    func `a negative value is named, and how it is written`(
        program: String, arguments: [String], words: String
    ) throws {
        let outcome = try Program.run(program, arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("issing value for"), "\(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
}
