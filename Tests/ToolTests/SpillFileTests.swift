import Identity
import Posix
import Records
import TestSupport
import Testing

@testable import sbe_tap

/// Records on their way through a file.
struct SpillFileTests {
    @Test func `each portion is of whole frames`() throws {
        let place = try TemporaryDirectory()
        var spill = try SpillFile(place.path("spill"), limit: 1 << 30)
        let frames = try Self.frames(30_000)
        try spill.append(frames.span)
        var (read, portions) = ([UInt8](), 0)
        while spill.bytes > 0 {
            var portion = Bytes(capacity: 64)
            try spill.take(to: &portion)
            #expect(portion.count > 0 && Frame.wholeLength(of: portion.span) == portion.count)
            read += portion.array
            portions += 1
        }
        #expect(portions > 2)
        #expect(read == frames.array)
    }

    private static func frames(_ count: Int64) throws -> Bytes {
        let sequence = SequenceID(
            template: RecordKind.trade.rawValue, symbol: try #require(SymbolName("BTCUSDT")))
        var frames = Bytes(capacity: 4 << 20)
        for id in 1...count {
            // Of lengths that do not divide a portion.
            let words = String(repeating: "x", count: Int(id % 7))
            frames.append(
                gap: id...id, of: sequence, reason: .missed, source: .sbe,
                eventTime: 0, ingestTime: 0, evidence: words)
        }
        return frames
    }
}
