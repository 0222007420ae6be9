import Foundation
import Posix
import TestSupport
import Testing

/// s3-put after a crash between any two of its operations on files, and after a power failure
/// there, as built: what it had taken is stored once, whatever its kind.
struct SinkCrashTests {
    /// A frame of schema 8802, and whether an id tells it from others.
    struct Record: Hashable {
        let bytes: [UInt8]
        let hasID: Bool
    }

    @Test func `what s3-put had taken is stored once after a crash anywhere`() throws {
        let place = try TemporaryDirectory(inMemory: true)
        let root = place.path("run")
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let records = Self.records()
        let log = place.path("operations")
        let environment = [
            "BITCOIN_INGESTOR_TEST_RECORD": log, "BITCOIN_INGESTOR_TEST_RECORD_BELOW": root,
        ]
        // Batch by batch, so that objects are stored while more is taken.
        let program = try LiveProgram("s3-put", Self.arguments(root), environment: environment)
        for start in stride(from: 0, to: records.count, by: 32) {
            let batch = records[start..<min(start + 32, records.count)]
            program.write(Array(batch.flatMap(\.bytes)))
            let last = records[min(start + 32, records.count) - 1]
            let isTaken = waitUntil {
                (try? Data(contentsOf: URL(fileURLWithPath: log)))?
                    .range(of: Data(last.bytes)) != nil
            }
            try #require(isTaken, "batch at \(start) never reached the spool: \(program.errors)")
        }
        program.closeInput()
        #expect(program.wait() == 0)
        let operations = try FileOperation.recorded(in: log)
        #expect(try Self.stored(root) == Dictionary(records.map { ($0, 1) }) { $0 + $1 })
        try check(operations, records, root: root, in: place)
    }

    private func check(
        _ operations: [FileOperation], _ records: [Record], root: String,
        in place: TemporaryDirectory
    ) throws {
        var taken = Taken()
        let bytes = records.map(\.bytes)
        let walk = CrashWalk(root: root, samples: 12, always: [.processDied], seed: 9)
        try walk.run(operations, on: CrashDisk(root: root), note: { taken.note($0, bytes) }) {
            (outcome, context) in
            // The source repeats what nobody had confirmed to it.
            let isKnown = outcome == .processDied ? taken.written : taken.synced
            let rest = records.filter { !isKnown.contains($0.bytes) }
            let outcomeOfRun = try Program.run(
                "s3-put", Self.arguments(root, objectBytes: 7000), input: rest.flatMap(\.bytes))
            let stored = try Self.stored(root)
            let wrong = records.filter { record in
                let count = stored[record] ?? 0
                // What has no id and was not confirmed to anybody may come twice.
                let mayRepeat = outcome != .processDied && !record.hasID
                return mayRepeat ? count < 1 : count != 1
            }
            #expect(outcomeOfRun.status == 0, "\(context): \(outcomeOfRun.errors)")
            let counts = wrong.map { record in
                "record \(records.firstIndex(of: record) ?? -1): \(stored[record] ?? 0) times"
            }
            if !wrong.isEmpty {
                Issue.record(
                    "\(context), \(rest.count) repeated: \(counts); \(outcomeOfRun.errors)")
            }
            guard outcomeOfRun.status == 0, wrong.isEmpty else { return false }
            try requireAgreement(root, context)
            return true
        }
    }

    /// Objects, manifests and ledger say the same: every object is listed once and is what its
    /// manifest says, nothing is listed that is not there, and both prove the trades whole.
    private func requireAgreement(_ root: String, _ context: String) throws {
        let all = try Program.run("ledgerctl", ["verify", "file://\(root)/data", "--read"])
        #expect(!all.text.contains("problem"), "\(context): \(all.text)\(all.errors)")
        let trades = ["--symbol", "BTCUSDT", "--kind", "trade", "--from", "1", "--to", "80"]
        for place in ["file://\(root)/data", "\(root)/state"] {
            let outcome = try Program.run("ledgerctl", ["verify", place] + trades)
            #expect(outcome.status == 0, "\(context), \(place): \(outcome.text)\(outcome.errors)")
        }
        let listed = try Self.listed(root)
        #expect(Set(listed).count == listed.count, "\(context): an object is listed twice")
    }

    /// Keys of the objects in all manifests.
    private static func listed(_ root: String) throws -> [String] {
        var keys: [String] = []
        let folder = "\(root)/data/_manifests"
        let files = FileManager.default.enumerator(atPath: folder)
        while let name = files?.nextObject() as? String {
            guard name.hasSuffix(".json") else { continue }
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            let json = try JSONSerialization.jsonObject(with: bytes) as? [String: Any]
            let objects = try #require(json?["objects"] as? [[String: Any]])
            keys += objects.compactMap { $0["key"] as? String }
        }
        return keys
    }

    /// Records whose bytes are in the spool by now.
    struct Taken {
        var written: Set<[UInt8]> = []
        var synced: Set<[UInt8]> = []
        private var waiting: [String: Set<[UInt8]>] = [:]

        mutating func note(_ operation: FileOperation, _ records: [[UInt8]]) {
            switch operation {
            case .write(let path, _, let bytes) where path.hasSuffix(".spool"):
                let content = Data(bytes)
                for record in records
                where !written.contains(record) && content.range(of: Data(record)) != nil {
                    written.insert(record)
                    waiting[path, default: []].insert(record)
                }
            case .sync(let path):
                if let records = waiting.removeValue(forKey: path) { synced.formUnion(records) }
            default: break
            }
        }
    }

    /// - Parameter objectBytes: where objects end; another run may end them elsewhere.
    private static func arguments(_ root: String, objectBytes: Int = 4096) -> [String] {
        [
            "--to", "file://\(root)/data", "--state-dir", "\(root)/state", "--format", "sbe",
            "--compression", "none", "--object-bytes", "\(objectBytes)",
        ]
    }

    /// How often each record is in the objects below a directory.
    static func stored(_ root: String) throws -> [Record: Int] {
        var counts: [Record: Int] = [:]
        let files = FileManager.default.enumerator(atPath: root + "/data")
        while let name = files?.nextObject() as? String {
            guard name.hasSuffix(".sbe") else { continue }
            let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(root)/data/\(name)")))
            var offset = 0
            while offset + 6 <= bytes.count {
                let length = bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
                guard length > 6, offset + length <= bytes.count else {
                    Issue.record("\(name) is not whole at \(offset) of \(bytes.count)")
                    break
                }
                let frame = Array(bytes[offset..<(offset + length)])
                counts[Record(bytes: frame, hasID: Self.hasID(frame)), default: 0] += 1
                offset += length
            }
        }
        return counts
    }

    // MARK: - Frames

    private static let rawTemplate: UInt16 = 8

    private static func hasID(_ frame: [UInt8]) -> Bool { frame[8] != UInt8(rawTemplate) }

    /// Trades of two symbols, best prices and raw messages in turns.
    private static func records() -> [Record] {
        var records: [Record] = []
        for number in Int64(1)...80 {
            records.append(record(1, number, "BTCUSDT", trade(number)))
            records.append(record(1, number * 2, "ETHUSDT", trade(number)))
            records.append(record(4, number * 10, "BTCUSDT", [UInt8](repeating: 1, count: 32)))
            let message = Array("{\"message\":\(number)}".utf8)
            records.append(
                record(8, number, "*", little(UInt32(message.count)) + message, block: 0))
        }
        return records
    }

    private static func trade(_ number: Int64) -> [UInt8] {
        little(number * 100) + little(number) + [0, 255] + [UInt8](repeating: 0, count: 6)
    }

    static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    static func record(
        _ template: UInt16, _ id: Int64, _ symbol: String, _ body: [UInt8], block: Int? = nil
    ) -> Record {
        let time: Int64 = 1_704_067_200_000_000 + id * 1000
        var prefix = little(time) + little(time * 1000) + little(id) + little(id)
        prefix += Array(symbol.utf8) + [UInt8](repeating: 0, count: 32 - symbol.utf8.count)
        prefix += little(UInt16(0)) + [1, 2] + [UInt8(bitPattern: -8), UInt8(bitPattern: -8)]
        prefix += little(UInt16(0))
        var message = little(UInt16(prefix.count + (block ?? body.count))) + little(template)
        message += little(UInt16(8802)) + little(UInt16(0)) + prefix + body
        let length = UInt32(message.count + 6)
        let frame = withUnsafeBytes(of: length.bigEndian) { Array($0) } + [0xEB, 0x50] + message
        return Record(bytes: frame, hasID: template != rawTemplate)
    }
}
