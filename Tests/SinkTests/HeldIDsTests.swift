import Identity
import Ledger
import Posix
import Records
import Sink
import TestSupport
import Testing

/// Which records a sink refuses, and which it does not.
struct HeldIDsTests {
    private static let limits = IDLimits(widest: 10_000_000, farthest: 1_000_000_000_000)
    private static let day: Int64 = 86_400_000_000

    /// A ledger and what is held, for one test.
    private final class Desk {
        let place: TemporaryDirectory
        var ledger: Ledger
        var held: HeldIDs

        init(renewable: Set<SequenceID> = []) throws {
            place = try TemporaryDirectory()
            ledger = try Ledger(writing: place.path("ledger"))
            held = HeldIDs(HeldIDsTests.limits, renewable: renewable)
        }

        func verdict(_ bytes: [UInt8]) throws -> IDVerdict {
            let frame = try FrameView(bytes.span.bytes)
            held.select(frame.sequence, &ledger)
            return held.verdict(on: frame, &ledger)
        }

        func accept(_ bytes: [UInt8], group: Int = 1) throws {
            let frame = try FrameView(bytes.span.bytes)
            held.select(frame.sequence, &ledger)
            held.accept(frame, group: group)
        }

        /// Accepts if that is the verdict.
        func take(_ bytes: [UInt8], group: Int = 1) throws -> IDVerdict {
            let verdict = try verdict(bytes)
            if verdict == .new || verdict == .possibleRepeat { try accept(bytes, group: group) }
            return verdict
        }

        func missing(_ bytes: [UInt8]) throws -> [ClosedRange<Int64>]? {
            held.missing(of: try FrameView(bytes.span.bytes), &ledger)
        }

        func giveBack(_ bytes: [UInt8]) throws {
            held.giveBack(try FrameView(bytes.span.bytes), &ledger)
        }
    }

    @Test func `a record that was put aside is not held, and its good copy is taken`() throws {
        let desk = try Desk()
        let trade = try Sample.frame(.trade, 7...7)
        // It was looked at, and never accepted.
        #expect(try desk.verdict(trade) == .new)
        #expect(try desk.take(trade) == .new)
        #expect(try desk.take(trade) == .held)
        // The service refused it.
        try desk.giveBack(trade)
        #expect(try desk.take(trade) == .new)
    }

    @Test func `what is given back stays held where the ledger has it`() throws {
        let desk = try Desk()
        desk.ledger.add(Sample.sequence(.depthDiff), held: [1...5])
        let change = try Sample.frame(.depthDiff, 4...8)
        #expect(try desk.take(change) == .new)
        try desk.giveBack(change)
        #expect(try desk.verdict(Sample.frame(.depthDiff, 1...5)) == .held)
        #expect(try desk.verdict(Sample.frame(.depthDiff, 6...8)) == .new)
    }

    @Test func `of an increasing sequence only exact ids are refused`() throws {
        let desk = try Desk()
        #expect(try desk.take(Sample.frame(.bestBidAsk, 100...100)) == .new)
        #expect(try desk.take(Sample.frame(.bestBidAsk, 300...300)) == .new)
        #expect(try desk.take(Sample.frame(.bestBidAsk, 100...100)) == .held)
        #expect(try desk.take(Sample.frame(.bestBidAsk, 200...200)) == .possibleRepeat)
        #expect(try desk.take(Sample.frame(.bestBidAsk, 200...200)) == .held)
        #expect(try desk.take(Sample.frame(.depthSnapshot, 200...200)) == .new)
    }

    @Test func `every record of an open object is refused, however many it has`() throws {
        let desk = try Desk()
        for id in Int64(1)...100_000 {
            #expect(try desk.take(Sample.frame(.bestBidAsk, (id * 3)...(id * 3))) == .new)
        }
        for id in stride(from: Int64(1), through: 100_000, by: 997) {
            #expect(try desk.verdict(Sample.frame(.bestBidAsk, (id * 3)...(id * 3))) == .held)
        }
    }

    @Test func `what was booked in this run is refused as well`() throws {
        let desk = try Desk()
        let sequence = Sample.sequence(.bestBidAsk)
        var confirmed = ConfirmedIDs(sequence)
        for id in Int64(1)...1000 {
            let bytes = try Sample.frame(.bestBidAsk, id...id)
            try desk.accept(bytes, group: 5)
            confirmed.add(try FrameView(bytes.span.bytes))
        }
        desk.ledger.observe(
            sequence,
            Run(
                first: 1, last: 1000, firstTime: confirmed.firstTime,
                lastTime: confirmed.lastTime, count: 1000),
            ids: confirmed.exact.suffix(1000))
        desk.held.forget(5, of: sequence)
        #expect(try desk.verdict(Sample.frame(.bestBidAsk, 1...1)) == .held)
        #expect(try desk.verdict(Sample.frame(.bestBidAsk, 1000...1000)) == .held)
    }

    @Test func `klines that do not begin where their interval does are both kept`() throws {
        let minute = try #require(KlineInterval(rawValue: "1m")?.code)
        let (aligned, odd) = (Sample.start, Sample.start + 1_500_000)
        for ids in [[aligned, odd], [odd, aligned], [odd, odd + 1]] {
            let desk = try Desk()
            for id in ids {
                let kline = try Sample.frame(.kline, id...id, series: minute)
                let verdict = try desk.take(kline)
                #expect(verdict == .new || verdict == .possibleRepeat, "\(ids): \(verdict)")
                #expect(try desk.take(kline) == .held, "\(ids)")
            }
        }
    }

    @Test func `a kline that is not closed is never refused`() throws {
        let desk = try Desk()
        let open = try Sample.frame(
            .kline, Sample.start...Sample.start, series: 1, isClosed: false)
        #expect(try desk.take(open) == .new)
        #expect(try desk.take(open) == .new)
        #expect(try desk.take(Sample.frame(.kline, Sample.start...Sample.start, series: 1)) == .new)
    }

    @Test func `ids that cannot be right are told before they are held`() throws {
        let desk = try Desk()
        let verdict = try desk.take(Sample.frame(.depthDiff, 11...(1 << 62)))
        guard case .implausible = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(try desk.take(Sample.frame(.depthDiff, 11...15)) == .new)
    }

    // MARK: - Epochs

    @Test func `an id that is held, of a much later time, is no repeat`() throws {
        let desk = try Desk()
        let sequence = Sample.sequence(.trade)
        desk.ledger.add(sequence, held: [1...1000], newestEventTime: Sample.start)
        let repeated = try Sample.frame(.trade, 500...500, at: Sample.start - 1000)
        let later = try Sample.frame(.trade, 500...500, at: Sample.start + 31 * Self.day)
        #expect(try desk.verdict(repeated) == .held)
        #expect(
            try desk.verdict(later)
                == .restarted(sequence, held: Sample.start, now: Sample.start + 31 * Self.day))
    }

    @Test func `a sequence that may begin anew does so once, and refuses repeats of both`() throws {
        let sequence = Sample.sequence(.trade)
        let desk = try Desk(renewable: [sequence])
        desk.ledger.add(sequence, held: [1...1000], newestEventTime: Sample.start)
        let later = try Sample.frame(.trade, 500...500, at: Sample.start + 31 * Self.day)
        #expect(try desk.take(later) == .new)
        #expect(desk.held.key.epoch == 2)
        #expect(try desk.take(later) == .held)
        #expect(desk.ledger.epoch(of: sequence) == 2)
    }

    // MARK: - Gaps

    @Test func `a gap record is trimmed by what is held, and an equal one is a copy`() throws {
        let desk = try Desk()
        for id in Int64(1)...3 { try desk.accept(Sample.frame(.trade, id...id)) }
        for id in Int64(7)...8 { try desk.accept(Sample.frame(.trade, id...id)) }
        #expect(try desk.missing(Sample.frame(.gap, 3...7)) == [4...6])
        #expect(try desk.missing(Sample.frame(.gap, 3...7)) == [])
        #expect(try desk.missing(Sample.frame(.gap, 2...3)) == [])
        #expect(try desk.missing(Sample.frame(.gap, 20...30)) == nil)
        #expect(try desk.missing(Sample.frame(.gap, 20...30)) == [])
        // It says more than the one before: these ids will not come.
        #expect(try desk.missing(Sample.frame(.gap, 20...30, reason: .absent)) == nil)
        #expect(try desk.missing(Sample.frame(.gap, 20...30, reason: .absent)) == [])
    }
}
