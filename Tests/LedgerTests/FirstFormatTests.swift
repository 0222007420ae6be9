import Foundation
import Identity
import Journal
import Posix
import TestSupport
import Testing

@testable import Ledger

/// Ledgers of the first format: read, and written anew in the second.
struct FirstFormatTests {
    private static let quotes = LedgerTests.name("BTCUSDT", .bestBidAsk)

    private static func append<Value>(_ value: Value, to bytes: inout Data) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    /// The entry of a sequence, as the first format has it.
    private static func entry(
        _ sequence: SequenceID, _ ranges: [ClosedRange<Int64>], isDeclared: Bool = false
    ) -> Data {
        let length = sequence.symbol.bytes.count > 24 ? 32 : 24
        var bytes = Data([sequence.venue, (isDeclared ? 1 : 0) + (length > 24 ? 2 : 0)])
        append(sequence.template, to: &bytes)
        append(sequence.series, to: &bytes)
        append(UInt16(0), to: &bytes)
        bytes.append(contentsOf: sequence.symbol.bytes)
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 8 + length - bytes.count))
        append(UInt32(ranges.count), to: &bytes)
        for range in ranges {
            append(range.lowerBound, to: &bytes)
            append(range.upperBound, to: &bytes)
        }
        return bytes
    }

    private static func checksum(_ bytes: Data) -> UInt32 {
        CRC32C.of(Array(bytes).span.bytes)
    }

    private static func file(_ batches: [Data]) -> (bytes: Data, ends: [Int]) {
        var bytes = Data("BILEDG1\n".utf8)
        var ends = [8]
        for batch in batches {
            var header = Data()
            append(UInt32(batch.count), to: &header)
            append(checksum(batch), to: &header)
            append(checksum(header), to: &header)
            bytes.append(header)
            bytes.append(batch)
            ends.append(bytes.count)
        }
        return (bytes, ends)
    }

    private static let batches = [
        entry(btc, [0...5]), entry(btc, [10...15]) + entry(eth, [1...2], isDeclared: true),
        entry(btc, [20...25]),
    ]

    @Test func `it is read, and written anew when somebody writes`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        try Self.file(Self.batches).bytes.write(to: URL(fileURLWithPath: path))
        for _ in 0..<2 {
            let ledger = try Ledger(reading: path)
            #expect(ledger.coverage(of: btc)?.held.ranges == [0...5, 10...15, 20...25])
            #expect(ledger.coverage(of: eth)?.declared.ranges == [1...2])
            // The second time it is one of the second format.
            _ = try Ledger(writing: path)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).starts(with: Data("BILEDG2".utf8)))
    }

    @Test func `a symbol of over 24 bytes is read as it was`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        let long = LedgerTests.name("ONETHOUSANDTIMESBITCOINTOUSDT", .trade)
        try Self.file([Self.entry(long, [1...3]) + Self.entry(btc, [5...6])]).bytes
            .write(to: URL(fileURLWithPath: path))
        let ledger = try Ledger(writing: path)
        #expect(ledger.sequences == [btc, long].sorted())
        #expect(ledger.coverage(of: long)?.held.ranges == [1...3])
    }

    @Test func `a stretch between records becomes a run that vouches for its ends alone`() throws {
        let place = try TemporaryDirectory()
        let path = place.path("ledger")
        try Self.file([Self.entry(Self.quotes, [100...300])]).bytes
            .write(to: URL(fileURLWithPath: path))
        var ledger = try Ledger(writing: path)
        let index = ledger.index(of: Self.quotes)
        let answers = [100, 200, 300].map { ledger.isRecent($0, at: index) }
        #expect(answers == [true, false, true])
        let spans = ledger.coverage(at: index).runs.all.map(\.span)
        #expect(spans == [100...300])
    }

    @Test func `a changed byte costs its batch, a cut end is a tail`() throws {
        let place = try TemporaryDirectory()
        let (whole, ends) = Self.file(Self.batches)
        let all: [ClosedRange<Int64>] = [0...5, 10...15, 20...25]
        let path = place.path("ledger")
        for index in 0..<whole.count {
            var bytes = whole
            bytes[index] ^= 0x10
            try bytes.write(to: URL(fileURLWithPath: path))
            try? FileManager.default.removeItem(atPath: place.path("damaged"))
            var ledger = try Ledger(writing: path)
            var expected = all
            if let batch = ends.lastIndex(where: { $0 <= index }) { expected.remove(at: batch) }
            let held = ledger.coverage(of: btc)?.held.ranges
            #expect(held == expected, "byte \(index)")
            let damages = ledger.takeDamages()
            #expect(damages.count == 1, "byte \(index)")
            #expect(damages.first?.isUnsyncedTail == (index >= ends[2]), "byte \(index)")
        }
        try whole.dropLast(3).write(to: URL(fileURLWithPath: path))
        let ledger = try Ledger(writing: path)
        #expect(ledger.tornBytes == Int64(ends[3] - ends[2] - 3))
        #expect(ledger.coverage(of: btc)?.held.ranges == [0...5, 10...15])
    }
}
