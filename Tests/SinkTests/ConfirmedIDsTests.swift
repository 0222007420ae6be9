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

    @Test func `gap records take the same time each, however many there are`() throws {
        var confirmed = ConfirmedIDs(Sample.sequence(.gap))
        let clock = ContinuousClock()
        var last = clock.now
        var slices: [Duration] = []
        for id in Int64(1)...60_000 {
            let bytes = try Sample.frame(.gap, (id * 2)...(id * 2))
            confirmed.add(try FrameView(bytes.span.bytes))
            if id % 10_000 == 0 {
                slices.append(clock.now - last)
                last = clock.now
            }
        }
        #expect(confirmed.gaps.values.first?.ids.intervalCount == 60_000)
        // A copy of the ids for each record took the last slice twenty times as long.
        #expect(slices[5] < slices[0] * 5 + .seconds(1), "\(slices)")
    }

    @Test func `only a whole interval needs no more than its first and last id`() throws {
        #expect(try confirmed(.depthDiff, [1...3, 4...10]).isWholeInterval)
        #expect(try !confirmed(.depthDiff, [1...3, 8...10]).isWholeInterval)
        #expect(try confirmed(.bestBidAsk, [5...5]).isWholeInterval)
        #expect(try !confirmed(.bestBidAsk, [5...5, 9...9]).isWholeInterval)
    }
}
