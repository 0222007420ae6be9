import Binance
import Identity
import Posix
import Records
import TestSupport
import Testing

/// What a merge makes of ids that cannot be true, of losses, and in which order it writes.
struct StreamFaultTests {
    private func reason(
        _ merge: inout MergeBench, _ message: [UInt8]
    ) -> StreamError.Reason? {
        do throws(StreamError) {
            _ = try merge.take(message.span.bytes, from: .init(), at: 1)
            return nil
        } catch { return error.reason }
    }

    // MARK: - Order

    @Test func `what waited goes on in the order in which it began to wait`() throws {
        let names = (0..<40).map { "S\(($0 * 17) % 40)USDT" }
        for ends in [false, true] {
            var merge = MergeBench([])
            for name in names.sorted() {
                _ = try merge.feed(StreamSample.trades([1], symbol: name), copies: 2)
            }
            for name in names {
                _ = try merge.feed(StreamSample.trades([3], symbol: name), copies: 2, at: 1000)
            }
            if ends {
                merge.finish(at: 2000) { _ in .init(copies: 2) }
            } else {
                merge.tick(at: 1000 + merge.rules.reorderWindow) { _ in .init(copies: 2) }
            }
            var symbols: [String] = []
            var rest = merge.output.bytes.array[...]
            while !rest.isEmpty {
                let bytes = Array(rest)
                let frame = try FrameView(firstIn: bytes.span.bytes)
                if frame.template == RecordKind.trade.rawValue {
                    symbols.append("\(frame.sequence.symbol)")
                }
                rest = rest.dropFirst(frame.bytes.byteCount)
            }
            #expect(symbols == names)
        }
    }

    // MARK: - Reasons

    @Test func `a hole behind the loss of both connections says so`() throws {
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.trades([1]), copies: 2, losses: 0)
        // Both were lost and opened again; the record waits for the other connection's copies.
        #expect(try merge.feed(StreamSample.trades([9]), copies: 2, losses: 2, at: 10) == [])
        merge.tick(at: 10 + merge.rules.reorderWindow) { _ in .init(copies: 2, losses: 2) }
        #expect(try merge.drainWords() == ["gap 2-8 reason 5", "trade 9"])
        // The same of changes of a book, and a later hole without a loss is missed again.
        _ = try merge.feed(StreamSample.diff(1...1), copies: 2, losses: 2)
        #expect(try merge.feed(StreamSample.diff(5...6), copies: 2, losses: 4, at: 10) == [])
        merge.tick(at: 10 + merge.rules.reorderWindow) { _ in .init(copies: 2, losses: 4) }
        #expect(try merge.drainWords() == ["gap 2-4 reason 5", "depthDiff 5-6"])
        #expect(
            try merge.feed(StreamSample.diff(8...8), losses: 4)
                == ["gap 7 reason 1", "depthDiff 8"])
    }

    // MARK: - Plausible ids

    @Test(arguments: [1 << 62, .max - 1, 3_000_000] as [Int64])
    func `a change of a book that spans more than any can is kept aside`(last: Int64) throws {
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.diff(1...5))
        _ = try merge.feed(StreamSample.diff(6...10))
        #expect(reason(&merge, try StreamSample.diff(11...last)) == .implausible)
        #expect(
            try merge.feed(StreamSample.diff(12...15)) == ["gap 11 reason 1", "depthDiff 12-15"])
        #expect(try merge.feed(StreamSample.diff(16...20)) == ["depthDiff 16-20"])
    }

    @Test func `one wild id does not make what follows look old, whatever the stream`() throws {
        let wild = Int64(1) << 62
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.trades([1]))
        _ = try merge.feed(StreamSample.quote(1))
        _ = try merge.feed(StreamSample.book(1))
        #expect(reason(&merge, try StreamSample.trades([wild])) == .implausible)
        #expect(reason(&merge, try StreamSample.trades([2, wild])) == .implausible)
        #expect(reason(&merge, try StreamSample.quote(wild)) == .implausible)
        #expect(reason(&merge, try StreamSample.book(wild)) == .implausible)
        #expect(try merge.feed(StreamSample.trades([2])) == ["trade 2"])
        #expect(try merge.feed(StreamSample.quote(2)) == ["bestBidAsk 2"])
        #expect(try merge.feed(StreamSample.book(2)) == ["depthSnapshot 2 of 20"])
    }

    @Test func `a numbering that goes on far away is followed after a few messages`() throws {
        let far = Int64(1) << 40
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.trades([1]))
        for step in 0..<Int64(merge.rules.jumpConfirmations - 1) {
            #expect(reason(&merge, try StreamSample.trades([far + step])) == .implausible)
        }
        let next = far + Int64(merge.rules.jumpConfirmations)
        #expect(
            try merge.feed(StreamSample.trades([next]))
                == ["gap 2-\(next - 1) reason 1", "trade \(next)"])
        #expect(try merge.feed(StreamSample.trades([next + 1])) == ["trade \(next + 1)"])
    }
}
