import Foundation
import Identity
import Posix
import Records
import TestSupport
import Testing

/// Ids that never came: who reads the streams has only the streams to learn of them.
struct SkippedIDsTests {
    private static let streams = [
        "market-sbe-trade": 1, "market-sbe-depth": 1, "market-sbe-gap": 1,
    ]
    private static let prefix = "BTCUSDT"

    /// The ids of each gap record that was stored, and of which kind they are.
    private static func gaps(_ sink: Sink) throws -> [String] {
        try sink.server.accepted.compactMap { entry in
            let frame = try FrameView(entry.data.span.bytes)
            guard let missing = frame.missingSequence else { return nil }
            return "\(missing.title) \(frame.firstID)...\(frame.lastID)"
        }
    }

    /// A trade as REST has it.
    private static func fetched(_ id: Int64) throws -> [UInt8] {
        var frame = try Trades.frame(prefix, id)
        let live = try FrameView(frame.span.bytes).source
        let place = try #require(
            (14..<frame.count).first { index in
                var other = frame
                guard frame[index] == live else { return false }
                other[index] = SourceCode.rest.rawValue
                return (try? FrameView(other.span.bytes).source) == SourceCode.rest.rawValue
            })
        frame[place] = SourceCode.rest.rawValue
        return frame
    }

    /// What a source says of ids that it missed.
    private static func gap(
        _ ids: ClosedRange<Int64>, _ kind: RecordKind, evidence: String = ""
    ) throws -> [UInt8] {
        var bytes = Bytes(capacity: 256)
        bytes.append(
            gap: ids,
            of: SequenceID(
                template: kind.rawValue, symbol: try SymbolName(prefix).unwrapped),
            reason: evidence.isEmpty ? .disconnected : .quarantined, source: .sbe,
            eventTime: 1_704_067_200_000_000, ingestTime: 1_704_067_200_000_000_000,
            evidence: evidence)
        return bytes.array
    }

    @Test func `trades that a restarted source skipped are declared at the end of the run`() throws
    {
        let sink = try Sink(streams: Self.streams)
        #expect(try sink.put(try Trades.frames(1...3, symbols: [Self.prefix])).status == 0)
        let next = try sink.put(try Trades.frames(10...12, symbols: [Self.prefix]))
        #expect(next.status == 0, "\(next.errors)")
        #expect(try Self.gaps(sink) == ["BTCUSDT trade 4...9"], "\(next.errors)")
        // It is fetched all the same, when somebody repairs the stream.
        let repaired = try sink.put(try Trades.frames(4...9, symbols: [Self.prefix]))
        #expect(
            repaired.status == 0 && repaired.errors.contains("\"refused\":0"),
            "\(repaired.status) \(repaired.errors)")
    }

    /// A sink that is started again has the old holes in its ledger, and its readers know of them.
    @Test(arguments: [RecordKind.trade, .depthDiff])
    func `a hole is declared once, however often the sink is started again`(kind: RecordKind) throws
    {
        let sink = try Sink(streams: Self.streams)
        func put(_ ids: Int64..., killed: Bool = false) throws {
            let records = try ids.flatMap { try Trades.frame(Self.prefix, $0, kind: kind) }
            let before = sink.server.acceptedCount
            if killed {
                let program = try sink.start()
                program.write(records)
                #expect(waitUntil { sink.server.acceptedCount >= before + ids.count })
                program.signalled(SIGKILL)
                #expect(program.wait() == 137)
            } else {
                let outcome = try sink.put(records)
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
        }
        try put(1, 2, 5, 6)
        #expect(try Self.gaps(sink) == ["BTCUSDT \(kind) 3...4"])
        try put(7)
        try put(8, 10, killed: true)
        try put(11)
        try put(12)
        #expect(try Self.gaps(sink) == ["BTCUSDT \(kind) 3...4", "BTCUSDT \(kind) 9...9"])
        // Of a source that says so again nothing is news either.
        let repeated = try sink.put(try Self.gap(3...4, kind))
        #expect(repeated.errors.contains("\"refused\":1"), "\(repeated.errors)")
        #expect(try Self.gaps(sink).count == 2)
    }

    @Test func `a reason is news, also of ids that are known to be missing`() throws {
        let sink = try Sink(streams: Self.streams)
        #expect(try sink.put(try Trades.frames(1...2, symbols: [Self.prefix])).status == 0)
        #expect(try sink.put(try Trades.frames(5...6, symbols: [Self.prefix])).status == 0)
        let reason = try Self.gap(3...4, .trade, evidence: "kept on a host in a file")
        let told = try sink.put(reason + reason)
        #expect(told.errors.contains("\"refused\":1"), "\(told.errors)")
        #expect(
            try Self.gaps(sink) == ["BTCUSDT trade 3...4", "BTCUSDT trade 3...4"], "\(told.errors)")
    }

    @Test func `history that is fetched from elsewhere skips nothing`() throws {
        let sink = try Sink(streams: Self.streams)
        for ids in [1...3, 500...502, 100...102] as [ClosedRange<Int64>] {
            let outcome = try sink.put(try ids.flatMap(Self.fetched))
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(!outcome.errors.contains("skipped"), "\(outcome.errors)")
        }
    }

    @Test(arguments: [RecordKind.trade, .depthDiff])
    func `a run that is killed leaves its holes for the next one to declare`(kind: RecordKind)
        throws
    {
        let sink = try Sink(streams: Self.streams)
        let program = try sink.start()
        for id in [1, 2, 8, 9] as [Int64] {
            program.write(try Trades.frame(Self.prefix, id, kind: kind))
        }
        #expect(waitUntil { sink.server.acceptedCount == 4 }, "\(program.errors)")
        // Once its ledger has them.
        #expect(
            waitUntil {
                (try? Program.run("ledgerctl", ["show", sink.place.path("state/ledger")]).text)?
                    .contains("4 ids") == true
            }, "\(program.errors)")
        #expect(try Self.gaps(sink) == [], "a hole may be filled for a while")
        program.signalled(SIGKILL)
        #expect(program.wait() == 137)
        let next = try sink.put(try Trades.frame(Self.prefix, 10, kind: kind))
        #expect(next.status == 0, "\(next.errors)")
        #expect(try Self.gaps(sink) == ["BTCUSDT \(kind) 3...7"], "\(next.errors)")
    }

    @Test(arguments: [RecordKind.trade, .depthDiff])
    func `a hole before records that a killed run only had in its spool is declared`(
        kind: RecordKind
    ) throws {
        let sink = try Sink(streams: Self.streams)
        let program = try sink.start()
        for id in [1, 2] as [Int64] {
            program.write(try Trades.frame(Self.prefix, id, kind: kind))
        }
        #expect(
            waitUntil {
                (try? Program.run("ledgerctl", ["show", sink.place.path("state/ledger")]).text)?
                    .contains("2 ids") == true
            }, "\(program.errors)")
        sink.server.setDown(true)
        for id in [8, 9] as [Int64] {
            program.write(try Trades.frame(Self.prefix, id, kind: kind))
        }
        #expect(waitUntil { program.errors.contains("sending again") }, "\(program.errors)")
        program.signalled(SIGKILL)
        #expect(program.wait() == 137)
        sink.server.setDown(false)
        let next = try sink.put(try Trades.frame(Self.prefix, 10, kind: kind))
        #expect(next.status == 0, "\(next.errors)")
        #expect(try Self.gaps(sink) == ["BTCUSDT \(kind) 3...7"], "\(next.errors)")
    }
}
