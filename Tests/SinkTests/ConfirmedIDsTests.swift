import Identity
import Posix
import Records
import Sink
import Testing

struct ConfirmedIDsTests {
    private func confirmed(
        _ kind: RecordKind, _ ids: [ClosedRange<Int64>]
    ) throws -> ConfirmedIDs {
        var confirmed = ConfirmedIDs(Sample.sequence(kind))
        for range in ids {
            let bytes = try Sample.frame(kind, range)
            confirmed.add(try FrameView(bytes.span.bytes))
        }
        return confirmed
    }

    @Test func `sets of ids that differ have different fingerprints, in whatever order they came`()
        throws
    {
        let sets: [[ClosedRange<Int64>]] = [
            [1...3, 8...10], [1...2, 8...10], [1...3, 9...10], [1...10], [1...3, 5...5, 8...10],
        ]
        var seen: Set<UInt64> = []
        for set in sets {
            let one = try confirmed(.depthDiff, set)
            #expect(try confirmed(.depthDiff, set.reversed()).fingerprint == one.fingerprint)
            #expect(seen.insert(one.fingerprint).inserted, "\(set)")
        }
        let quotes = try confirmed(.bestBidAsk, [1...1, 5...5])
        #expect(
            try quotes.fingerprint != confirmed(.bestBidAsk, [1...1, 3...3, 5...5]).fingerprint)
    }

    @Test func `only a whole interval needs no more than its first and last id`() throws {
        #expect(try confirmed(.depthDiff, [1...3, 4...10]).isWholeInterval)
        #expect(try !confirmed(.depthDiff, [1...3, 8...10]).isWholeInterval)
        #expect(try confirmed(.bestBidAsk, [5...5]).isWholeInterval)
        #expect(try !confirmed(.bestBidAsk, [5...5, 9...9]).isWholeInterval)
    }
}
