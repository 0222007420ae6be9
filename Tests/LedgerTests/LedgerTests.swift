import Foundation
import Identity
import TestSupport
import Testing

@testable import Ledger

/// The ledger's file: what survives, and what is refused.
struct LedgerTests {
    private static let btc = SequenceID(
        venue: 1, template: 1, series: 0, symbol: SymbolName(words: (0x54_4453_5543_5442, 0, 0, 0)))
    private static let eth = SequenceID(
        venue: 1, template: 3, series: 2, symbol: SymbolName(words: (0x54_4453_5548_5445, 0, 0, 0)))

    /// Three batches, and where each ends in the file.
    private static func write(_ path: String) throws -> [Int] {
        var ledger = try Ledger(writing: path)
        var ends: [Int] = []
        for batch in 0..<3 {
            ledger.add(btc, held: [Int64(batch * 10)...Int64(batch * 10 + 5)])
            ledger.add(eth, held: [1...2], declared: [Int64(batch + 7)...Int64(batch + 7)])
            try ledger.commit()
            ends.append(try size(path))
        }
        return ends
    }

    private static func size(_ path: String) throws -> Int {
        try Data(contentsOf: URL(fileURLWithPath: path)).count
    }

    @Test func `what was committed is there again, what was not is not`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("deep/down/ledger")
        do {
            var ledger = try Ledger(writing: path)
            ledger.add(Self.btc, held: [1...5], declared: [9...9])
            try ledger.commit()
            ledger.add(Self.btc, held: [6...6])
            #expect(ledger.coverage(of: Self.btc)?.held.ranges == [1...6])
        }
        let ledger = try Ledger(reading: path)
        #expect(ledger.coverage(of: Self.btc)?.held.ranges == [1...5])
        #expect(ledger.coverage(of: Self.btc)?.declared.ranges == [9...9])
        #expect(ledger.coverage(of: Self.eth) == nil)
    }

    @Test func `a file that is cut anywhere keeps its whole batches`() throws {
        let place = try TemporaryDirectory()
        let ends = try Self.write(place.path("whole"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: place.path("whole")))
        for length in 8...bytes.count {
            let path = place.path("cut")
            try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
            let batches = ends.filter { $0 <= length }.count
            let reader = try Ledger(reading: path)
            let expected: [ClosedRange<Int64>] = (0..<batches).map { batch in
                let first = Int64(batch * 10)
                return first...(first + 5)
            }
            let held = reader.coverage(of: Self.btc)?.held.ranges ?? []
            #expect(held == expected, "\(length)")
            var writer = try Ledger(writing: path)
            let torn = Int64(length - (ends.last { $0 <= length } ?? 8))
            #expect(writer.tornBytes == torn, "\(length)")
            writer.add(Self.btc, held: [100...100])
            try writer.commit()
            let again = try Ledger(reading: path)
            #expect(again.tornBytes == 0)
            #expect(again.coverage(of: Self.btc)?.held.ranges == expected + [100...100])
        }
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: place.path("short")))
        #expect(throws: LedgerError.notALedger(place.path("short"))) {
            _ = try Ledger(reading: place.path("short"))
        }
    }

    @Test func `a changed byte is found, or cuts the last batch, and never changes what is held`()
        throws
    {
        let place = try TemporaryDirectory()
        let ends = try Self.write(place.path("whole"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: place.path("whole")))
        let path = place.path("bent")
        for index in 0..<bytes.count {
            for change: UInt8 in [1, 0x80, 0xFF] {
                var bent = bytes
                bent[index] ^= change
                try bent.write(to: URL(fileURLWithPath: path))
                do {
                    let ledger = try Ledger(reading: path)
                    #expect(
                        index >= ends[1], "a damaged batch in the middle was read, byte \(index)")
                    #expect(ledger.coverage(of: Self.btc)?.held.ranges == [0...5, 10...15])
                } catch LedgerError.system(let error) {
                    Issue.record("\(error)")
                } catch {
                    // Refused, which is right anywhere.
                }
            }
        }
    }

    @Test func `a second writer is refused, a reader is not`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        var ledger = try Ledger(writing: path)
        ledger.add(Self.btc, held: [1...1])
        try ledger.commit()
        #expect(throws: LedgerError.locked(path)) { _ = try Ledger(writing: path) }
        #expect(try Ledger(reading: path).sequences == [Self.btc])
    }

    @Test func `a history that cannot be shorter is looked at again only when it has doubled`()
        throws
    {
        let place = try TemporaryDirectory()
        var ledger = try Ledger(writing: place.path("ledger"))
        // Holes everywhere: nothing of it is superseded.
        ledger.add(Self.btc, held: (0..<600_000).map { Int64($0 * 2)...Int64($0 * 2) })
        try ledger.commit()
        let size = try Self.size(place.path("ledger"))
        #expect(size > LedgerFormat.compactAbove)
        #expect(ledger.compactionDue >= Int64(size) * 2)
    }

    @Test func `a long history is written anew, shorter, and says the same`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        do {
            var ledger = try Ledger(writing: path)
            for id in Int64(0)..<30_000 {
                ledger.add(Self.btc, held: [id...id])
                if id % 100 == 0 { ledger.add(Self.eth, declared: [id...id]) }
                if id % 10 == 0 { try ledger.commit() }
            }
            try ledger.commit()
        }
        #expect(try Self.size(path) < 1_200_000)
        let ledger = try Ledger(reading: path)
        #expect(ledger.coverage(of: Self.btc)?.held.ranges == [0...29_999])
        #expect(ledger.coverage(of: Self.eth)?.declared.intervalCount == 300)
    }

    @Test func `sequences are named by their symbol's text`() {
        #expect("\(Self.btc.symbol)" == "BTCUSDT")
        #expect(Self.btc < Self.eth)
    }
}
