import Binance
import Identity
import Posix
import Records
import TestSupport
import Testing

/// Messages of streams become records: each once, in order, whole, or a gap record says what is
/// missing.
struct StreamMergeTests {
    @Test func `a trade is the same record as REST gives, but for source and time of receipt`()
        throws
    {
        var merge = MergeBench([])
        let record = try merge.bytes(
            of: StreamSample.trades([41, 42], transactTime: 1_700_000_000_123_456), at: 77)
        let body = """
            [{"id":41,"price":"0.00000410","qty":"0.00041","time":1700000000123456,"isBuyerMaker":false,"isBestMatch":true},
            {"id":42,"price":"0.00000420","qty":"0.00042","time":1700000000123456,"isBuyerMaker":true,"isBestMatch":true}]
            """
        let symbol = try #require(SymbolName("BTCUSDT"))
        let page = try Page.read(
            Array(body.utf8).span.bytes, isSBE: false, of: .historicalTrades,
            about: PageSubject(symbol: symbol, source: .sbe, ingestTime: 77))
        #expect(record == page.frames(of: 0..<2).withUnsafeBytes { Array($0) })
    }

    @Test func `quotes, diffs and books keep every level and their exponents`() throws {
        var merge = MergeBench([])
        #expect(try merge.feed(StreamSample.quote(9)) == ["bestBidAsk 9"])
        #expect(try merge.feed(StreamSample.book(8)) == ["depthSnapshot 8 of 20"])
        let bytes = try merge.bytes(of: StreamSample.diff(3...5, bids: 300, asks: 2))
        let frame = try FrameView(bytes.span.bytes)
        let record = try DepthDiffDecoder(frame.message)
        #expect(record.bids.count == 300 && record.asks.count == 2)
        #expect(record.bids[299].price == 701 && record.bids[299].quantity == 7)
        #expect(record.asks[1].price == 1002 && record.asks[1].quantity == 0)
        #expect(frame.firstID == 3 && frame.lastID == 5 && frame.priceExponent == -8)
        #expect(frame.eventTime == 4_000_000 && frame.source == SourceCode.sbe.rawValue)
    }

    @Test func `a symbol beyond ASCII passes, one that is too long or no UTF-8 does not`() throws {
        var merge = MergeBench([])
        #expect(try merge.feed(StreamSample.trades([1], symbol: "这是测试币456")) == ["trade 1"])
        // Seven Chinese characters and USDT are 25 bytes, which an earlier version refused.
        #expect(try merge.feed(StreamSample.trades([1], symbol: "这是测试币人生USDT")) == ["trade 1"])
        let long = String(repeating: "X", count: 33)
        #expect(throws: StreamError.self) {
            try merge.feed(StreamSample.trades([1], symbol: long))
        }
        var bad = try StreamSample.trades([1], symbol: "ABC")
        bad[bad.count - 1] = 0xFF
        #expect(Self.reason(&merge, bad) == .symbol)
        #expect(Self.reason(&merge, try StreamSample.trades([1], symbol: "")) == .symbol)
    }

    @Test func `every prefix of every message is refused, never a crash`() throws {
        var merge = MergeBench([])
        let messages = [
            try StreamSample.trades([1, 2, 3]), try StreamSample.quote(1),
            try StreamSample.diff(1...2), try StreamSample.book(3),
        ]
        for message in messages {
            for length in 0..<message.count {
                #expect(Self.reason(&merge, Array(message[..<length])) == .truncated)
            }
        }
        #expect(merge.output.bytes.isEmpty == true)
    }

    @Test func `messages with random bytes changed never crash, and never make a broken frame`()
        throws
    {
        var random = SeededRandom(11)
        var merge = MergeBench([])
        for round in 0..<4000 {
            var message =
                switch round % 4 {
                case 0: try StreamSample.trades([Int64(round), Int64(round) + 1])
                case 1: try StreamSample.quote(Int64(round))
                case 2: try StreamSample.diff(Int64(round)...Int64(round + 3))
                default: try StreamSample.book(Int64(round), levels: 3)
                }
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<message.count, using: &random)
                message[place] = UInt8.random(in: 0...255, using: &random)
            }
            do throws(StreamError) {
                _ = try merge.take(message.span.bytes, from: StreamMerge.Origin(), at: 1)
            } catch { #expect(!error.description.isEmpty) }
            #expect(throws: Never.self) { try StreamSample.words(merge.output.bytes.array) }
            merge.output.bytes.removeAll()
        }
    }

    @Test func `other schemas and templates are refused with their reason`() throws {
        var merge = MergeBench([])
        var message = try StreamSample.trades([1])
        message[4] = 3
        #expect(Self.reason(&merge, message) == .schema)
        message = try StreamSample.trades([1])
        message[2] = 0x20
        #expect(Self.reason(&merge, message) == .template)
        message = try StreamSample.trades([1])
        message[8 + 18 + 6 + 24] = 7
        #expect(Self.reason(&merge, message) == .value)
        message = try StreamSample.diff(5...6)
        message[8 + 8] = 9
        #expect(Self.reason(&merge, message) == .value)
    }

    @Test func `a later version with longer blocks is read, and bytes after it are counted`() throws
    {
        var merge = MergeBench([])
        var message = try StreamSample.trades([5])
        message[0] = 20
        message[6] = 1
        message.insert(contentsOf: [0xAA, 0xBB], at: 8 + 18)
        message += [1, 2, 3]
        #expect(try merge.feed(message) == ["trade 5"])
        #expect(merge.counts.surplusBytes == 3)
    }

    @Test func `a copy is dropped, whatever connection brings it and however trades are grouped`()
        throws
    {
        var merge = MergeBench([])
        #expect(try merge.feed(StreamSample.trades([1, 2, 3]), copies: 2).count == 3)
        #expect(try merge.feed(StreamSample.trades([2, 3, 4]), copies: 2) == ["trade 4"])
        #expect(try merge.feed(StreamSample.trades([1]), copies: 2) == [])
        #expect(merge.counts.duplicates == 3)
    }

    @Test func `a stream that brings only old ids for long is told of, one that lags is not`()
        throws
    {
        let second: Int64 = 1_000_000_000
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.trades([1000]), at: 0)
        // A connection that lags, while another one is silent.
        for id in Int64(1)...9 {
            _ = try merge.feed(StreamSample.trades([id]), copies: 2, at: id * second)
        }
        _ = try merge.feed(StreamSample.trades([1001]), copies: 2, at: 10 * second)
        for id in Int64(10)...19 {
            _ = try merge.feed(StreamSample.trades([id]), copies: 2, at: (id + 1) * second)
        }
        // The newest again is a copy, however late.
        _ = try merge.feed(StreamSample.trades([1001]), at: 40 * second)
        #expect(merge.counts.behind == 0)
        #expect(try merge.feed(StreamSample.trades([20]), at: 41 * second) == [])
        #expect(merge.counts.behind == 1 && merge.first.idBehind == 20)
        merge.merge.forgetBehind()
        #expect(merge.first.idBehind == .min)
        _ = try merge.feed(StreamSample.trades([1002]), at: 42 * second)
        _ = try merge.feed(StreamSample.trades([21]), at: 43 * second)
        #expect(merge.counts.behind == 1)
        Self.expectBalance(merge)
    }

    @Test func `a quote passes only when it is newer`() throws {
        var merge = MergeBench([])
        #expect(try merge.feed(StreamSample.quote(10)) == ["bestBidAsk 10"])
        #expect(try merge.feed(StreamSample.quote(10)) == [])
        #expect(try merge.feed(StreamSample.quote(7)) == [])
        #expect(try merge.feed(StreamSample.quote(90)) == ["bestBidAsk 90"])
        #expect(merge.counts.gaps == 0)
    }

    @Test func `a hole of a single connection is declared at once, with its reason`() throws {
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.trades([1]))
        #expect(
            try merge.feed(StreamSample.trades([4, 5])) == [
                "gap 2-3 reason 1", "trade 4", "trade 5",
            ]
        )
        #expect(
            try merge.feed(StreamSample.trades([9]), losses: 1) == ["gap 6-8 reason 5", "trade 9"])
        // One that comes after all is not thrown away.
        #expect(try merge.feed(StreamSample.trades([7])) == ["trade 7"])
        #expect(try merge.feed(StreamSample.trades([7])) == [])
        #expect(merge.counts.late == 1 && merge.counts.gaps == 2)
    }

    @Test func `a record ahead of a hole waits for the other connection, then goes on in order`()
        throws
    {
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.trades([1]), copies: 2)
        #expect(try merge.feed(StreamSample.trades([4, 5]), copies: 2) == [])
        #expect(try merge.feed(StreamSample.trades([3]), copies: 2) == [])
        #expect(merge.waiting == 3)
        #expect(
            try merge.feed(StreamSample.trades([2]), copies: 2)
                == ["trade 2", "trade 3", "trade 4", "trade 5"])
        #expect(merge.waiting == 0)
        #expect(try merge.feed(StreamSample.trades([6]), copies: 2) == ["trade 6"])
        #expect(merge.counts.gaps == 0)
    }

    @Test func `a hole that no connection fills is declared after the window`() throws {
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.trades([1]), copies: 2, at: 0)
        _ = try merge.feed(StreamSample.trades([4]), copies: 2, at: 100)
        _ = try merge.feed(StreamSample.trades([8]), copies: 2, at: 200)
        merge.tick(at: 100 + merge.rules.reorderWindow - 1) { _ in .init(copies: 2) }
        #expect(try merge.drainWords() == [])
        merge.tick(at: 100 + merge.rules.reorderWindow) { _ in .init(copies: 2) }
        #expect(
            try merge.drainWords() == [
                "gap 2-3 reason 1", "trade 4", "gap 5-7 reason 1", "trade 8",
            ])
    }

    @Test func `a hole is declared as soon as no other connection is left`() throws {
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.trades([1]), copies: 2, at: 0)
        _ = try merge.feed(StreamSample.trades([4]), copies: 2, at: 1)
        merge.tick(at: 2) { _ in .init(copies: 1, losses: 1) }
        #expect(try merge.drainWords() == ["gap 2-3 reason 5", "trade 4"])
    }

    @Test(arguments: 1...20)
    func `two connections with holes and lags of their own give every id once, in order`(
        seed: Int
    ) throws {
        var random = SeededRandom(UInt64(seed))
        var merge = MergeBench([])
        let ids = Array(Int64(1)...400)
        // Each connection misses some ids, but no id is missing on both.
        var sides: [[Int64]] = [[], []]
        for id in ids {
            let missing = Int.random(in: 0..<8, using: &random)
            for side in 0..<2 where missing != side { sides[side].append(id) }
        }
        // Both begin with the first, so that it is the first.
        sides = sides.map { [1] + $0.filter { $0 != 1 } }
        var words: [String] = []
        while !sides[0].isEmpty || !sides[1].isEmpty {
            let side =
                sides[0].isEmpty ? 1 : sides[1].isEmpty ? 0 : Int.random(in: 0..<2, using: &random)
            let count = min(sides[side].count, Int.random(in: 1...5, using: &random))
            let part = Array(sides[side].prefix(count))
            sides[side].removeFirst(count)
            words += try merge.feed(StreamSample.trades(part), copies: 2, at: 0)
        }
        #expect(words == ids.map { "trade \($0)" })
    }

    @Test func `no more holes are remembered than there is room for`() throws {
        var merge = MergeBench([])
        // The holes are 2-4, 6-8 and so on.
        for hole in Int64(0)...64 { _ = try merge.feed(StreamSample.trades([1 + 4 * hole])) }
        // One in the middle of a hole makes two of it.
        #expect(try merge.feed(StreamSample.trades([199])) == ["trade 199"])
        for hole in Int64(65)...164 { _ = try merge.feed(StreamSample.trades([1 + 4 * hole])) }
        #expect(try merge.feed(StreamSample.trades([3])) == [])
        #expect(merge.counts.late == 1)
    }

    @Test func `records that are left out are declared when writing goes on`() throws {
        var merge = MergeBench([])
        _ = try merge.feed(StreamSample.trades([1]))
        merge.setDropping(true, at: 5)
        #expect(try merge.feed(StreamSample.trades([2, 3])) == [])
        #expect(try merge.feed(StreamSample.quote(3)) == [])
        #expect(try merge.feed(StreamSample.trades([6])) == [])
        merge.setDropping(false, at: 6)
        #expect(try merge.drainWords() == ["gap 2-6 reason 4"])
        #expect(try merge.feed(StreamSample.trades([7])) == ["trade 7"])
        #expect(merge.output.leftOut == 4)
        Self.expectBalance(merge)
    }

    @Test func `streams that nobody asked for are taken up to a limit`() throws {
        var rules = StreamMerge.Rules()
        rules.foreignStreams = 2
        var merge = MergeBench([], rules: rules)
        _ = try merge.feed(StreamSample.trades([1], symbol: "A"))
        _ = try merge.feed(StreamSample.trades([1], symbol: "B"))
        #expect(Self.reason(&merge, try StreamSample.trades([1], symbol: "C")) == .symbol)
    }

    @Test func `a thousand symbols keep apart`() throws {
        var merge = MergeBench([])
        for round in Int64(1)...3 {
            for symbol in 0..<1000 {
                #expect(
                    try merge.feed(StreamSample.trades([round], symbol: "S\(symbol)"))
                        == ["trade \(round)"])
            }
        }
    }

    private static func reason(
        _ merge: inout MergeBench, _ message: [UInt8]
    ) -> StreamError.Reason? {
        do throws(StreamError) {
            _ = try merge.take(message.span.bytes, from: StreamMerge.Origin(), at: 1)
            return nil
        } catch { return error.reason }
    }

    /// What came in is what went out, was a copy, was left out, or waits.
    static func expectBalance(_ merge: borrowing MergeBench) {
        let counts = merge.counts
        let taken = counts.decoded.total + counts.gaps + counts.snapshots
        #expect(
            taken == merge.output.records + counts.duplicates + merge.output.leftOut + merge.waiting
        )
    }
}
