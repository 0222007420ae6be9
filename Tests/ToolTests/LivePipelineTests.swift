import Foundation
import TestSupport
import Testing

/// sbe-tap, dedup and kinesis-put as built, from a simulated exchange to a simulated Kinesis.
struct LivePipelineTests {
    @Test(arguments: [[], ["--tls"], ["--connections", "2"]])
    func `what is streamed under faults comes once and in order, or is declared`(
        options: [String]
    ) throws {
        guard let python = Python.path else { return print("skipped: no .venv; run make setup") }
        let outcome = try Program.run(
            python,
            [
                script("soak.py"), "--tools", Program.directory.path, "--seconds", "10", "--rate",
                "600", "--rotate", "3", "--cut-every", "3", "--outage", "3",
            ] + options)
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }
}
