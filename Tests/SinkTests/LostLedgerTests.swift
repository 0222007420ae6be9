import Foundation
import Identity
import TestSupport
import Testing

/// A ledger that somebody takes away while a sink writes it.
struct LostLedgerTests {
    @Test(arguments: ["removed", "replaced", "cut"])
    func `a sink does not go on without its ledger, and says what helps`(what: String) throws {
        let run = try S3PutRun()
        let sink = try LiveProgram("s3-put", run.arguments + ["--object-age", "0.2"])
        let ledger = run.state + "/ledger"
        sink.write(try Sample.trades(1...100, from: Sample.start))
        let empty = (try? Self.size(ledger)) ?? 0
        #expect(waitUntil { (try? Self.size(ledger)) ?? 0 > max(empty, 64) }, "\(sink.errors)")
        switch what {
        case "removed": try FileManager.default.removeItem(atPath: ledger)
        case "replaced":
            try FileManager.default.copyItem(atPath: ledger, toPath: ledger + ".copy")
            #expect(rename(ledger + ".copy", ledger) == 0)
        default: #expect(truncate(ledger, 0) == 0)
        }
        sink.write(try Sample.trades(101...200, from: Sample.start))
        sink.closeInput()
        #expect(sink.wait() == 74, "\(sink.errors)")
        for words in ["was removed, replaced or cut", "ledgerctl rebuild"] {
            #expect(sink.errors.contains(words), "\(sink.errors)")
        }
        // As it says: the bucket gives the ledger again.
        try FileManager.default.removeItem(atPath: run.state)
        let rebuilt = try Program.run(
            "ledgerctl", ["rebuild", "file://" + run.data, "--state-dir", run.state])
        #expect(rebuilt.status == 0, "\(rebuilt.errors)")
        let again = try run.put(try Sample.trades(1...200, from: Sample.start))
        #expect(again.status == 0, "\(again.errors)")
        let proof = try Program.run(
            "ledgerctl", ["verify", "file://" + run.data, "--from", "1", "--to", "200", "--read"])
        #expect(proof.status == 0 && !proof.text.contains("two objects"), "\(proof.text)")
    }

    private static func size(_ path: String) throws -> Int {
        try Data(contentsOf: URL(fileURLWithPath: path)).count
    }
}
