import Foundation
import Identity
import Journal
import Posix
import TestSupport
import Testing

@testable import Ledger

/// The ledger's file: what survives, and what is refused.
struct LedgerTests {
    /// Three batches, and where each ends in the file.
    static func write(_ path: String) throws -> [Int] {
        var ledger = try Ledger(writing: path)
        var ends = [try size(path)]
        for batch in 0..<3 {
            ledger.add(btc, held: [Int64(batch * 10)...Int64(batch * 10 + 5)])
            ledger.add(eth, held: [1...2], declared: [Int64(batch + 7)...Int64(batch + 7)])
            try ledger.commit()
            ends.append(try size(path))
        }
        return ends
    }

    static func size(_ path: String) throws -> Int {
        try Data(contentsOf: URL(fileURLWithPath: path)).count
    }

    static func held(_ path: String) throws -> [ClosedRange<Int64>] {
        let ledger = try Ledger(reading: path)
        return ledger.coverage(of: btc)?.held.ranges ?? []
    }

    @Test func `what was committed is there again, what was not is not`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("deep/down/ledger")
        do {
            var ledger = try Ledger(writing: path)
            ledger.add(btc, held: [1...5], declared: [9...9])
            try ledger.commit()
            let isDurable = ledger.isDurable
            #expect(isDurable)
            ledger.add(btc, held: [6...6])
            let held = ledger.coverage(of: btc)?.held.ranges
            #expect(held == [1...6])
        }
        let ledger = try Ledger(reading: path)
        #expect(ledger.coverage(of: btc)?.held.ranges == [1...5])
        #expect(ledger.coverage(of: btc)?.declared.ranges == [9...9])
        #expect(ledger.coverage(of: eth) == nil)
    }

    @Test func `a file that is cut anywhere keeps its whole batches`() throws {
        let place = try TemporaryDirectory()
        let ends = try Self.write(place.path("whole"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: place.path("whole")))
        // The header was made durable with the file.
        for length in 64...bytes.count {
            let path = place.path("cut")
            try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
            let batches = max(0, ends.filter { $0 <= length }.count - 1)
            let expected: [ClosedRange<Int64>] = (0..<batches).map { batch in
                let first = Int64(batch * 10)
                return first...(first + 5)
            }
            #expect(try Self.held(path) == expected, "\(length)")
            do {
                var writer = try Ledger(writing: path)
                writer.add(btc, held: [100...100])
                try writer.commit()
            }
            let again = try Ledger(reading: path)
            #expect(again.tornBytes == 0)
            #expect(again.coverage(of: btc)?.held.ranges == expected + [100...100], "\(length)")
        }
        try Data([1, 2, 3, 4, 5, 6, 7, 8, 9]).write(to: URL(fileURLWithPath: place.path("other")))
        #expect(throws: LedgerError.notALedger(place.path("other"))) {
            _ = try Ledger(reading: place.path("other"))
        }
        #expect(throws: LedgerError.notALedger(place.path("other"))) {
            _ = try Ledger(writing: place.path("other"))
        }
    }

    @Test func `a changed byte costs its batch alone, and is kept`() throws {
        let place = try TemporaryDirectory()
        let ends = try Self.write(place.path("whole"))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: place.path("whole")))
        let all: [ClosedRange<Int64>] = [0...5, 10...15, 20...25]
        for index in 0..<bytes.count {
            let path = place.path("bent/ledger")
            try? FileManager.default.removeItem(atPath: place.path("bent"))
            try FileManager.default.createDirectory(
                atPath: place.path("bent"), withIntermediateDirectories: true)
            var bent = bytes
            bent[index] ^= 0x81
            try bent.write(to: URL(fileURLWithPath: path))
            var expected = all
            let batch = ends.lastIndex { $0 <= index }
            if let batch { expected.remove(at: batch) }
            #expect(try Self.held(path) == expected, "byte \(index)")
            do {
                var ledger = try Ledger(writing: path)
                let damages = ledger.takeDamages()
                #expect(damages.isEmpty == (batch == nil && index >= 8), "byte \(index)")
                if let batch {
                    #expect(damages.map(\.offset) == [Int64(ends[batch])], "byte \(index)")
                    #expect(damages.map(\.isUnsyncedTail) == [false], "byte \(index)")
                    let copy = try #require(damages.first?.copy)
                    #expect(
                        try Data(contentsOf: URL(fileURLWithPath: copy))
                            == bent[ends[batch]..<ends[batch + 1]])
                }
                ledger.add(btc, held: [100...100])
                try ledger.commit()
            }
            let reader = try Ledger(reading: path)
            #expect(reader.coverage(of: btc)?.held.ranges == expected + [100...100])
            #expect(reader.tornBytes == 0)
        }
    }

    @Test func `what was never synced is a tail, whatever a power failure made of it`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        var ends: [Int] = []
        do {
            var ledger = try Ledger(writing: path)
            for id in Int64(1)...4 {
                ledger.add(btc, held: [id * 10...id * 10])
                try ledger.write()
                if id == 1 { try ledger.sync() }
                ends.append(try Self.size(path))
            }
        }
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for index in ends[1]..<ends[2] { bytes[index] = 0 }
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(try Self.held(path) == [10...10, 20...20, 40...40])
        var ledger = try Ledger(writing: path)
        #expect(ledger.tornBytes == Int64(ends[2] - ends[1]))
        let damages = ledger.takeDamages()
        #expect(damages.isEmpty)
    }

    @Test func `a second writer is refused, a reader is not`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        var ledger = try Ledger(writing: path)
        ledger.add(btc, held: [1...1])
        try ledger.commit()
        #expect(throws: LedgerError.locked(path)) { _ = try Ledger(writing: path) }
        #expect(try Self.held(path) == [1...1])
    }

    @Test func `a history that cannot be shorter is looked at again only when it has doubled`()
        throws
    {
        let place = try TemporaryDirectory()
        var ledger = try Ledger(writing: place.path("ledger"))
        // Holes everywhere: nothing of it is superseded.
        ledger.add(btc, held: (0..<600_000).map { Int64($0 * 2)...Int64($0 * 2) })
        try ledger.commit()
        let size = try Self.size(place.path("ledger"))
        #expect(size > Ledger.compactAbove)
        let due = ledger.compactionDue
        #expect(due >= Int64(size) * 2)
    }

    @Test func `a long history is written anew, shorter, and says the same`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        let bidAsk = Self.name("BTCUSDT", .bestBidAsk)
        do {
            var ledger = try Ledger(writing: path)
            for id in Int64(0)..<30_000 {
                ledger.add(btc, held: [id...id], newestEventTime: id * 3_600_000_000)
                ledger.observe(
                    bidAsk,
                    Run(
                        first: id * 7, last: id * 7, firstTime: id, lastTime: id, count: 1,
                        previous: id == 0 ? nil : (id - 1) * 7), ids: [id * 7])
                if id % 100 == 0 { ledger.add(eth, declared: [id...id]) }
                if id % 10 == 0 { try ledger.commit() }
            }
            ledger.remove(btc, 100...199, time: 5)
            ledger.confirm(ProgressKey(sequence: btc), from: 5, through: 50, in: 77)
            try ledger.commit()
        }
        #expect(try Self.size(path) < 1_200_000)
        var expected = try Ledger(reading: path)
        do {
            var ledger = try Ledger(writing: path)
            for _ in 0..<40_000 { ledger.note(eth, recent: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) }
            try ledger.commit()
        }
        let found = try Ledger(reading: path)
        for sequence in [btc, bidAsk] {
            #expect(found.coverage(of: sequence) == expected.coverage(of: sequence))
        }
        #expect(found.coverage(of: btc)?.held.ranges == [0...99, 200...29_999])
        #expect(found.coverage(of: btc)?.removed == [Removal(ids: 100...199, time: 5)])
        #expect(found.coverage(of: eth)?.declared.intervalCount == 300)
        #expect(found.coverage(of: bidAsk)?.runs.all.map(\.count) == [30_000])
        let isConfirmed = found.isConfirmed(ProgressKey(sequence: btc), 30, in: 77)
        #expect(isConfirmed)
        _ = expected.takeDamages()
    }

    @Test func `sequences that differ in raw bytes, series or epoch are kept apart`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        var names: [SequenceID] = []
        for symbol in [[0xFF, 0xFE, 0x58], [0xFE, 0xFF, 0x58], [0x41, 0x42]] as [[UInt8]] {
            let known = SymbolName(symbol.span.bytes)
            let name = try #require(known)
            for series: UInt16 in [0, 20] {
                for epoch: UInt16 in [1, 2] {
                    names.append(
                        SequenceID(template: 6, series: series, epoch: epoch, symbol: name))
                }
            }
        }
        do {
            var ledger = try Ledger(writing: path)
            for (index, name) in names.enumerated() {
                ledger.note(name, recent: [Int64(index)])
            }
            try ledger.commit()
        }
        let ledger = try Ledger(reading: path)
        #expect(ledger.sequences == names.sorted())
        for (index, name) in names.enumerated() {
            #expect(ledger.coverage(of: name)?.recent.ids == [Int64(index)])
        }
    }

    @Test func `a claim that only a newer program knows is refused with the way out`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        do {
            var file = LedgerFile(path, reserve: nil)
            try file.replace(with: LedgerState(recentIDs: 1))
            // Of a kind that may be passed over, and of one that may not.
            let optional: [UInt8] = [200, 0]
            try file.append(optional.span.bytes)
            try file.sync()
        }
        #expect(try Ledger(reading: path).sequences.isEmpty)
        do {
            var file = LedgerFile(path, reserve: nil)
            try file.open(at: Int64(try Self.size(path)))
            let unknown: [UInt8] = [99, 0]
            try file.append(unknown.span.bytes)
            try file.sync()
        }
        let error = #expect(throws: LedgerError.self) { _ = try Ledger(writing: path) }
        #expect("\(try #require(error))".contains("A newer program may have written it"))
    }

    static func name(_ symbol: String, _ kind: RecordKind, series: UInt16 = 0) -> SequenceID {
        SequenceID(
            template: kind.rawValue, series: series,
            symbol: SymbolName(symbol) ?? SymbolName.unnamed)
    }
}

let btc = LedgerTests.name("BTCUSDT", .trade)
let eth = LedgerTests.name("ETHUSDT", .kline, series: 2)
