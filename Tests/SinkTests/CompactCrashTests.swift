import Foundation
import Identity
import Posix
import Records
import TestSupport
import Testing

/// `ledgerctl compact` after a crash between any two of its operations on files, and after a power
/// failure there: nothing is lost, and the next run ends where an undisturbed one would have.
struct CompactCrashTests {
    @Test func `after a crash anywhere every id is there, and the next run finishes`() throws {
        let place = try TemporaryDirectory(inMemory: true)
        let root = place.path("run")
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        var disk = CrashDisk(root: root)
        // Two hours of six objects each, by two sinks.
        for (index, state) in ["a", "b", "a", "b", "a", "b"].enumerated() {
            let first = Int64(index / 2) * 20 + 1
            let records = try [Int64(0), 1].flatMap { (hour: Int64) in
                try (first...(first + 24)).flatMap { id in
                    let time = Sample.start + hour * 3_600_000_000 + id * 1000
                    return try Sample.frame(.trade, (id + 65 * hour)...(id + 65 * hour), at: time)
                }
            }
            let log = place.path("put-\(index)")
            let outcome = try Program.run(
                "s3-put",
                [
                    "--to", "file://\(root)/data", "--state-dir", "\(root)/\(state)", "--format",
                    "sbe", "--compression", "none",
                ], input: records, environment: Self.recording(log, root))
            try #require(outcome.status == 0, "\(outcome.errors)")
            for operation in try FileOperation.recorded(in: log) { disk.apply(operation) }
        }
        let log = place.path("compact")
        let outcome = try Program.run(
            "ledgerctl", ["compact", "file://\(root)/data", "--delete-after", "0"],
            environment: Self.recording(log, root))
        try #require(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        try requireDone(root, "undisturbed")
        let operations = try FileOperation.recorded(in: log)
        try #require(operations.count > 20, "\(operations.count)")
        try CrashWalk(root: root, samples: 14, seed: 4).run(operations, on: disk) { (_, context) in
            // Whatever is left over, no id is missing, and no chain is broken.
            let found = try Program.run("ledgerctl", ["verify", "file://\(root)/data", "--read"])
            #expect(!found.text.contains("missing"), "\(context): \(found.text)")
            let next = try Program.run(
                "ledgerctl", ["compact", "file://\(root)/data", "--delete-after", "0"])
            #expect(next.status == 0, "\(context): \(next.text)\(next.errors)")
            try requireDone(root, context)
            return true
        }
    }

    private static func recording(_ log: String, _ root: String) -> [String: String] {
        ["BITCOIN_INGESTOR_TEST_RECORD": log, "BITCOIN_INGESTOR_TEST_RECORD_BELOW": root]
    }

    /// Two objects, 65 ids in each, nothing else.
    private func requireDone(_ root: String, _ context: String) throws {
        let verify = try Program.run("ledgerctl", ["verify", "file://\(root)/data", "--read"])
        #expect(!verify.text.contains("problem"), "\(context): \(verify.text)")
        #expect(!verify.text.contains("repeated"), "\(context): \(verify.text)")
        #expect(verify.text.contains("130 held"), "\(context): \(verify.text)")
        let all = FileManager.default.enumerator(atPath: "\(root)/data")
        let objects = (all?.allObjects ?? []).compactMap { $0 as? String }
            .filter { $0.hasPrefix("exchange=") && $0.hasSuffix(".sbe") }
        #expect(objects.count == 2, "\(context): \(objects)")
    }
}
