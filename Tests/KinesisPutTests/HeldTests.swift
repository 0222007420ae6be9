import Foundation
import Identity
import Records
import TestSupport
import Testing

/// What kinesis-put refuses as held, what it delivers again, and what it leaves to a person.
struct HeldTests {
    private static func quotes(_ ids: [Int64]) throws -> [UInt8] {
        try ids.flatMap { try Trades.frame("BTCUSDT", $0, kind: .bestBidAsk) }
    }

    /// Records of a newer schema, which no ledger can hold by id.
    private static func unknown(_ ids: ClosedRange<Int64>) throws -> [[UInt8]] {
        try ids.map { id in
            var frame = try Trades.frame("BTCUSDT", id)
            (frame[8], frame[9]) = (99, 0)
            return frame
        }
    }

    private static func ids(_ sink: Sink) throws -> [Int64] {
        try sink.server.accepted.map { try Trades.identity($0.data).id }
    }

    @Test func `a broken copy does not keep a good one out`() throws {
        let sink = try Sink()
        var broken = try Trades.frame("BTCUSDT", 7)
        // The root block ends with the prefix.
        (broken[6], broken[7]) = (72, 0)
        let outcome = try sink.put(broken + Trades.frame("BTCUSDT", 7), ["--format", "sbe"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try Self.ids(sink) == [7])
        #expect(
            sink.quarantined == 1 && outcome.errors.contains("\"refused\":0"),
            "\(outcome.status) \(outcome.errors)")
    }

    @Test func `ids between two quotes are not claimed`() throws {
        let sink = try Sink(streams: ["market-sbe-bestbidask": 1])
        #expect(try sink.put(try Self.quotes([100, 300])).status == 0)
        let outcome = try sink.put(try Self.quotes([100, 200, 300]))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try Self.ids(sink) == [100, 300, 200], "\(outcome.errors)")
        #expect(outcome.errors.contains("\"refused\":2"), "\(outcome.errors)")
    }

    @Test func `quotes that come again in one run are refused`() throws {
        let sink = try Sink(streams: ["market-sbe-bestbidask": 1])
        let quotes = try Self.quotes(Array(1...3000))
        let outcome = try sink.put(quotes + quotes, ["--order", "relaxed"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(sink.server.acceptedCount == 3000)
        #expect(outcome.errors.contains("\"refused\":3000"), "\(outcome.errors)")
    }

    @Test func `records without an id come once after a kill`() throws {
        let sink = try Sink(streams: ["market-sbe-other": 1])
        sink.server.script { call in
            call.operation == "PutRecords" && call.number == 2 ? .stall(stored: false) : nil
        }
        let program = try sink.start(["--order", "relaxed", "--batch-records", "10"])
        program.write(try Self.unknown(1...40).flatMap { $0 })
        #expect(
            waitUntil { sink.server.calls("PutRecords").count == 3 }, "\(program.errors)")
        program.signalled(SIGKILL)
        #expect(program.wait() == 137)
        sink.server.script { _ in nil }
        let next = try sink.put([], ["--order", "relaxed"])
        #expect(next.status == 0, "\(next.errors)")
        #expect(try Self.ids(sink) == Array(1...40), "\(next.errors)")
    }

    @Test func `ids that begin again stop the run until somebody says that they may`() throws {
        let sink = try Sink()
        #expect(try sink.put(try Trades.frames(1...20, symbols: ["BTCUSDT"])).status == 0)
        // The same ids, ten days later.
        let later = try (1...5 as ClosedRange<Int64>).flatMap { id in
            var frame = try Trades.frame("BTCUSDT", id)
            let time = Int64(1_704_067_200_000_000) + 10 * 86_400_000_000 + id
            for byte in 0..<8 { frame[14 + byte] = UInt8(truncatingIfNeeded: time >> (8 * byte)) }
            return frame
        }
        let before = try Trades.frame("BTCUSDT", 21)
        let stopped = try sink.put(before + later)
        #expect(stopped.status == 78, "\(stopped.errors)")
        #expect(stopped.errors.contains("--new-epoch BTCUSDT/trade"), "\(stopped.errors)")
        #expect(try Self.ids(sink) == Array(1...21), "what came before is delivered")
        #expect(try sink.put([]).status == 78)
        let next = try sink.put([], ["--new-epoch", "BTCUSDT/trade"])
        #expect(next.status == 0, "\(next.errors)")
        #expect(try Self.ids(sink) == Array(1...21) + Array(1...5))
        // From then on they are held as any others.
        let again = try sink.put(later)
        #expect(again.status == 0 && again.errors.contains("\"refused\":5"), "\(again.errors)")
    }
}
