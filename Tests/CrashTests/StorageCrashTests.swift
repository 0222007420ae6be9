import Foundation
import Identity
import Journal
import Ledger
import Posix
import Spool
import TestSupport
import Testing

/// Spool, ledger and progress after a crash between any two operations on files, and after a power
/// failure there: nothing that was promised is lost, nothing that was booked is delivered again.
struct StorageCrashTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `a crash anywhere loses nothing that was promised and doubles nothing booked`(
        seed: UInt64
    ) throws {
        let place = try TemporaryDirectory(inMemory: true)
        let state = place.path("state")
        let recording = FileRecording(below: state)
        var sink = try MiniSink.started(state, recording: recording)
        var random = SeededRandom(seed)
        for _ in 0..<60 { try sink.step(&random) }
        // The second start is recorded as well.
        sink = try sink.restarted()
        for _ in 0..<20 { try sink.step(&random) }
        let operations = recording.stop()
        #expect(operations.count > 300)
        var disk = CrashDisk(root: state)
        for (index, operation) in operations.enumerated() {
            disk.apply(operation)
            guard CrashWalk.isWhole || (index + Int(seed)) % 9 == 0 else { continue }
            for outcome in CrashDisk.Outcome.allCases {
                let target = place.path("after")
                try? FileManager.default.removeItem(atPath: target)
                try disk.write(outcome, to: target, using: &random)
                let promise = Promise(disk.notes, isPowerLost: outcome != .processDied)
                do { try promise.check(target) } catch {
                    Issue.record(
                        "after operation \(index) \(CrashWalk.text(operation)), \(outcome): \(error)"
                    )
                    return
                }
            }
        }
    }
}

/// A sink reduced to its promises: entries of one trade and one raw record each; what is delivered
/// is noted outside.
private struct MiniSink: ~Copyable {
    static let trades = SequenceID(template: 1, symbol: name("BTCUSDT"))
    static let raw = ProgressKey(sequence: SequenceID(template: 8, symbol: name("*")))
    static func name(_ text: StaticString) -> SymbolName {
        guard let name = SymbolName("\(text)") else { preconditionFailure("\(text)") }
        return name
    }

    private let state: String
    private let recording: FileRecording
    private var files: Files
    private var nextID: Int64
    /// Entries that wait, oldest first.
    private var waiting: [(id: Int64, position: Spool.Position)] = []

    /// The two files of a sink.
    private struct Files: ~Copyable {
        var ledger: Ledger
        var spool: Spool
    }

    private init(
        _ state: String, _ recording: FileRecording, _ nextID: Int64, _ files: consuming Files
    ) {
        self.state = state
        self.recording = recording
        self.nextID = nextID
        self.files = files
    }

    /// Starts, and takes in what an earlier run left.
    static func started(
        _ state: String, recording: FileRecording, nextID: Int64 = 1
    ) throws -> MiniSink {
        var sink = MiniSink(state, recording, nextID, try open(state))
        try sink.recover()
        return sink
    }

    private mutating func recover() throws {
        let id = files.spool.id
        var left: [(id: Int64, position: Spool.Position)] = []
        try files.spool.replay().forEach { position, entry in
            left.append((entry.unsafeLoadUnaligned(as: Int64.self), position))
        }
        files.ledger.keepProgress(onlyIn: [id])
        for entry in left where !files.ledger.isConfirmed(Self.raw, entry.position.linear, in: id) {
            waiting.append(entry)
        }
    }

    private static func open(_ state: String) throws -> Files {
        let reserve = try Reserve(path: state + "/reserve", bytes: 8192)
        return Files(
            ledger: try Ledger(writing: state + "/ledger", reserve: reserve),
            spool: try Spool(directory: state + "/spool", segmentBytes: 600))
    }

    consuming func restarted() throws -> MiniSink {
        let (state, recording, nextID) = (state, recording, nextID)
        _ = consume self
        return try MiniSink.started(state, recording: recording, nextID: nextID)
    }

    mutating func step(_ random: inout SeededRandom) throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5: try accept(bytes: Int.random(in: 8...900, using: &random))
        case 5, 6: try sync()
        default: try deliver(Int.random(in: 1...3, using: &random))
        }
    }

    private mutating func accept(bytes count: Int) throws {
        var entry = Bytes()
        entry.append(bits: nextID)
        while entry.count < count { entry.append(UInt8(truncatingIfNeeded: nextID)) }
        let position = try Self.append(entry, &files.spool)
        try files.spool.flush()
        recording.note("flushed \(nextID)")
        waiting.append((nextID, position))
        nextID += 1
    }

    private static func append(
        _ entry: borrowing Bytes, _ spool: inout Spool
    ) throws -> Spool.Position {
        try spool.append(entry.span)
    }

    private mutating func sync() throws {
        try files.spool.sync()
        recording.note("synced \(nextID - 1)")
    }

    private mutating func deliver(_ count: Int) throws {
        let delivered = waiting.prefix(count)
        guard let first = delivered.first, let last = delivered.last else { return }
        for entry in delivered { recording.note("delivered \(entry.id)") }
        files.ledger.add(
            Self.trades, held: delivered.map { $0.id...$0.id }, newestEventTime: last.id)
        files.ledger.confirm(
            Self.raw, from: first.position.linear, through: last.position.linear, in: files.spool.id
        )
        try files.ledger.commit()
        for entry in delivered { recording.note("booked \(entry.id)") }
        waiting.removeFirst(delivered.count)
        let end = waiting.first?.position ?? files.spool.next
        try files.spool.release(before: end)
        files.ledger.dropProgress(in: files.spool.id, before: files.spool.durableFirst.linear)
    }
}

/// What a sink had promised by a moment, and whether a state keeps it.
private struct Promise {
    private struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// Must be in the spool, or booked.
    private var kept: Set<Int64> = []
    private var delivered: Set<Int64> = []
    private var booked: Set<Int64> = []

    init(_ notes: [String], isPowerLost: Bool) {
        var flushed: Set<Int64> = []
        for note in notes {
            let words = note.split(separator: " ")
            guard words.count == 2, let id = Int64(words[1]) else { continue }
            switch words[0] {
            case "flushed":
                flushed.insert(id)
                if !isPowerLost { kept.insert(id) }
            case "synced": kept.formUnion(flushed)
            case "delivered": delivered.insert(id)
            default: booked.insert(id)
            }
        }
    }

    func check(_ state: String) throws {
        var ledger = try Ledger(writing: state + "/ledger")
        var spool = try Spool(directory: state + "/spool", segmentBytes: 600)
        for damage in ledger.takeDamages() + spool.takeDamages() where !damage.isUnsyncedTail {
            throw Broken(description: "a crash is taken for damage: \(damage)")
        }
        let held = ledger.coverage(of: MiniSink.trades)?.held ?? IDSet()
        for id in booked where !held.contains(id) {
            throw Broken(description: "\(id) was booked and is not held")
        }
        for range in held.ranges {
            for id in range where !delivered.contains(id) {
                throw Broken(description: "\(id) is held and was never delivered")
            }
        }
        var waiting: Set<Int64> = []
        let number = spool.id
        try spool.replay().forEach { position, entry in
            let id = entry.unsafeLoadUnaligned(as: Int64.self)
            let isConfirmed = ledger.isConfirmed(MiniSink.raw, position.linear, in: number)
            if isConfirmed != held.contains(id) {
                throw Broken(
                    description: "of \(id) the ledger holds the id: \(held.contains(id)), "
                        + "the position: \(isConfirmed)")
            }
            guard waiting.insert(id).inserted else {
                throw Broken(description: "\(id) is in the spool twice")
            }
        }
        for id in kept where !waiting.contains(id) && !held.contains(id) {
            throw Broken(description: "\(id) is lost")
        }
        // It goes on.
        let more = [UInt8](repeating: 7, count: 100)
        let position = try spool.append(more.span.bytes)
        try spool.sync()
        ledger.confirm(MiniSink.raw, from: position.linear, through: position.linear, in: number)
        try ledger.commit()
    }
}
