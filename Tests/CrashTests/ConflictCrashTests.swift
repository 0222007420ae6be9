import Foundation
import Posix
import TestSupport
import Testing

/// An object that meets other content at its key, and a crash anywhere around it: the bucket says where the
/// refused one is, and it is there.
struct ConflictCrashTests {
    private typealias Record = SinkCrashTests.Record

    private static func trades(_ price: Int64) -> [Record] {
        (Int64(1)...20).map { id in
            SinkCrashTests.record(
                1, id, "BTCUSDT",
                SinkCrashTests.little(price) + SinkCrashTests.little(id) + [0, 255]
                    + [UInt8](repeating: 0, count: 6))
        }
    }

    private static func arguments(_ root: String) -> [String] {
        [
            "--to", "file://\(root)/data", "--state-dir", "\(root)/ours", "--format", "sbe",
            "--compression", "none",
        ]
    }

    @Test func `an object in conflict is told of after a crash anywhere`() throws {
        let place = try TemporaryDirectory(inMemory: true)
        let root = place.path("run")
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        func recorded(_ name: String, _ records: [Record], status: Int32) throws
            -> [FileOperation]
        {
            let log = place.path(name)
            let outcome = try Program.run(
                "s3-put", Self.arguments(root), input: records.flatMap(\.bytes),
                environment: [
                    "BITCOIN_INGESTOR_TEST_RECORD": log,
                    "BITCOIN_INGESTOR_TEST_RECORD_BELOW": root,
                ])
            try #require(outcome.status == status, "\(outcome.errors)")
            return try FileOperation.recorded(in: log)
        }
        // The same ids were stored before, by a state that is lost.
        var theirs = try recorded("theirs", Self.trades(100), status: 0)
        let lost = FileManager.default.enumerator(atPath: "\(root)/ours")
        while let name = lost?.nextObject() as? String {
            theirs.append(.remove(path: "\(root)/ours/\(name)"))
        }
        theirs.append(.syncFileSystem(path: root))
        try FileManager.default.removeItem(atPath: "\(root)/ours")
        let ours = Self.trades(7)
        let operations = try recorded("ours", ours, status: 74)
        try requireTold(root, "without a crash")

        var disk = CrashDisk(root: root)
        for operation in theirs { disk.apply(operation) }
        var taken = SinkCrashTests.Taken()
        let bytes = ours.map(\.bytes)
        var points = 0
        let walk = CrashWalk(root: root, samples: 16, always: [.processDied], seed: 5)
        try walk.run(operations, on: disk, note: { taken.note($0, bytes) }) { (outcome, crash) in
            let known = outcome == .processDied ? taken.written : taken.synced
            let rest = ours.filter { !known.contains($0.bytes) }
            let next = try Program.run("s3-put", Self.arguments(root), input: rest.flatMap(\.bytes))
            let context = "\(crash): \(next.status) \(next.errors)"
            // 0: all of it was done before the crash.
            try #require([0, 74].contains(next.status), "\(context)")
            try requireTold(root, context)
            points += 1
            return true
        }
        print("\(points) crashes around an object in conflict")
    }

    private func requireTold(_ root: String, _ context: String) throws {
        var evidence: Set<String> = []
        let files = FileManager.default.enumerator(atPath: "\(root)/data/_manifests")
        while let name = files?.nextObject() as? String {
            guard name.hasSuffix(".json") else { continue }
            let text = try String(
                contentsOfFile: "\(root)/data/_manifests/\(name)", encoding: .utf8)
            guard text.contains("\"quarantined\"") else { continue }
            evidence.formUnion(
                text.split(separator: "\"").map(String.init).filter { $0.contains("/conflicts/") })
        }
        let conflicts = "\(root)/ours/conflicts"
        let kept = try FileManager.default.contentsOfDirectory(atPath: conflicts)
            .filter { !$0.hasSuffix(".json") }
        try #require(kept.count == 1, "\(context): \(kept)")
        // Of all ids, once: the one file has all records.
        try #require(evidence.count == 1, "\(context): \(evidence)")
        let isNamed = evidence.contains { $0.contains("\(conflicts)/\(kept[0])") }
        #expect(isNamed, "\(context): \(evidence)")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(conflicts)/\(kept[0])"))
        #expect(bytes == Data(Self.trades(7).flatMap(\.bytes)), "\(context)")
        // Theirs is as it was, and the ledger of ours claims nothing of it.
        let stored = try SinkCrashTests.stored(root)
        #expect(Self.trades(100).allSatisfy { stored[$0] == 1 }, "\(context)")
        #expect(Self.trades(7).allSatisfy { stored[$0] == nil }, "\(context)")
        let ledger = try Program.run(
            "ledgerctl",
            [
                "verify", "\(root)/ours", "--symbol", "BTCUSDT", "--kind", "trade", "--from", "1",
                "--to", "20",
            ])
        #expect(ledger.status != 0, "\(context): \(ledger.text)")
    }
}
