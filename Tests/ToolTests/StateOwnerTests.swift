import Foundation
import TestSupport
import Testing

/// A state directory that is given to another stage, which would take what waits there for its own.
struct StateOwnerTests {
    private static let commands: [String: [String]] = [
        "s3-put": [
            "--to", "s3://bucket-x/p", "--endpoint-url", "http://127.0.0.1:9", "--region",
            "us-east-1", "--check-timeout", "0.1", "--give-up-after", "0.1",
        ],
        "kinesis-put": [
            "--endpoint-url", "http://127.0.0.1:9", "--region", "us-east-1", "--give-up-after",
            "0.1",
        ],
        "fan-out": ["-"],
    ]

    private static func run(
        _ stage: String, in state: String, _ input: [UInt8]
    ) throws -> Program.Outcome {
        let arguments = try #require(commands[stage])
        return try Program.run(
            stage, ["--state-dir", state] + arguments, input: input,
            environment: ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"])
    }

    @Test(arguments: ["s3-put", "kinesis-put", "fan-out"], ["s3-put", "kinesis-put", "fan-out"])
    func `the state of one stage is refused by another, also one of an earlier version`(
        first: String, second: String
    ) throws {
        guard first != second else { return }
        let place = try TemporaryDirectory()
        let state = place.path("state")
        let frames = try RecqTests.frames((1...5).map { RecqTests.trade($0) }.joined())
        _ = try Self.run(first, in: state, frames)
        let owner = URL(fileURLWithPath: state + "/owner")
        let kept = try Self.files(state)
        for isOld in [false, true] {
            if isOld {
                let lines = try String(contentsOf: owner, encoding: .utf8).split(separator: "\n")
                let rest = lines.filter { !$0.hasPrefix("stage ") }.map { "\($0)\n" }.joined()
                try Data(rest.utf8).write(to: owner)
            }
            let outcome = try Self.run(second, in: state, [])
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
            #expect(
                outcome.errors.contains("holds the state of \(first), not of \(second)"),
                "\(outcome.errors)")
            #expect(outcome.errors.contains("--state-dir"), "\(outcome.errors)")
        }
        #expect(try Self.files(state) == kept)
    }

    /// The files of the spool, with their lengths.
    private static func files(_ state: String) throws -> [String: Int] {
        var files: [String: Int] = [:]
        let manager = FileManager.default
        for name in manager.enumerator(atPath: state + "/spool")?.allObjects as? [String] ?? [] {
            let facts = try manager.attributesOfItem(atPath: state + "/spool/" + name)
            files[name] = facts[.size] as? Int
        }
        return files
    }
}
