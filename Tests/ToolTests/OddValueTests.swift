import Foundation
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

    /// A file's text, which may be anyone's, is shown on a terminal.
    @Test(arguments: [
        ("aws: {region: \"\\e]0;x\\a\"}", "--explain-config", 0),
        ("aws: {region: \"a\\nforged\"}", "--explain-config", 0),
        ("aws: {\"r\\e[31m\": 1}", "--check-config", 78),
        ("aws: {\"r\\nforged\": 1}", "--check-config", 78),
        ("s3: {object_bytes: \"\\e[31m\"}", "--check-config", 78),
    ])
    func `configuration is shown without control characters, a setting in its line`(
        yaml: String, option: String, status: Int32
    ) throws {
        let place = try TemporaryDirectory()
        let path = place.path("c.yaml")
        try Data((yaml + "\n").utf8).write(to: URL(fileURLWithPath: path))
        let outcome = try Program.run(
            "s3-put", ["--to", "file://\(place.path("d"))", "--config", path, option])
        let shown = outcome.text + outcome.errors
        #expect(outcome.status == status, "\(shown)")
        #expect(!shown.utf8.contains(0x1B) && !shown.utf8.contains(0x07), "\(shown)")
        #expect(!shown.split(separator: "\n").contains { $0.hasPrefix("forged") }, "\(shown)")
        #expect(shown.contains("\\u001b") || shown.contains("\\nforged"), "\(shown)")
    }
}
