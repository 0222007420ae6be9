import Foundation
import TestSupport
import Testing

/// kinesis-put started by a parent that leaves it things to inherit.
struct InheritanceTests {
    private func run(
        _ sink: Sink, _ script: String, environment: [String: String]
    ) throws -> Program.Outcome {
        let input = sink.place.path("in")
        try Data(Trades.frames(1...100)).write(to: URL(fileURLWithPath: input))
        let program = Program.directory.appendingPathComponent("kinesis-put").path
        let words = ([program] + sink.arguments([])).map { "'\($0)'" }.joined(separator: " ")
        return try Program.run(
            "bash", ["-c", "\(script) \(words) < \(input)"], environment: environment)
    }

    @Test(arguments: [">&- 2>&-", ">&-", "2>&-"])
    func `with its outputs closed it delivers all, and no log line is taken for a signal`(
        closed: String
    ) throws {
        let sink = try Sink()
        let outcome = try run(sink, "exec \(closed)", environment: Sink.credentials)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(sink.server.acceptedCount == 300)
    }

    @Test func `a parent that ignores SIGCHLD does not keep it from waiting for a program`() throws
    {
        let sink = try Sink()
        let source = sink.place.path("source")
        try Data(
            """
            echo '{"Version":1,"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"s"}'
            """.utf8
        ).write(to: URL(fileURLWithPath: source))
        let outcome = try run(
            sink, "trap '' CHLD; exec",
            environment: try sink.profile(
                config: "[default]\ncredential_process = /bin/sh \(source)\n"))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(sink.server.acceptedCount == 300)
    }
}
