import Foundation
import Identity
import TestSupport
import Testing

@testable import Ledger

/// What a ledger claims of sequences whose ids only grow, of time, of positions, and takes back.
struct ClaimTests {
    private static let quotes = LedgerTests.name("BTCUSDT", .bestBidAsk)

    private static func run(
        _ first: Int64, _ last: Int64, count: Int64, after previous: Int64? = nil
    ) -> Run {
        Run(
            first: first, last: last, firstTime: first, lastTime: last, count: count,
            previous: previous)
    }

    @Test func `ids between records of a sequence that only grows are claimed by nobody`() throws {
        let place = try TemporaryDirectory()
        var ledger = try Ledger(writing: place.path("ledger"))
        ledger.observe(Self.quotes, Self.run(100, 300, count: 2), ids: [100, 300])
        let index = ledger.index(of: Self.quotes)
        let (first, between) = (ledger.isRecent(100, at: index), ledger.isRecent(200, at: index))
        #expect(first && !between)
        let isHeld = ledger.holds(100...300, at: index)
        #expect(!isHeld)
    }

    @Test func `pieces of one reading become one run in whatever order they are confirmed`() throws
    {
        let pieces = [
            Self.run(10, 19, count: 4), Self.run(23, 30, count: 2, after: 19),
            Self.run(31, 31, count: 1, after: 30), Self.run(40, 60, count: 9, after: 31),
        ]
        var random = SeededRandom(7)
        for _ in 0..<20 {
            var runs = Runs()
            for piece in pieces.shuffled(using: &random) { runs.add(piece) }
            #expect(runs.all.map(\.span) == [10...60])
            #expect(runs.count == 16)
            #expect(runs.all.map(\.firstTime) == [10])
            #expect(runs.all.map(\.lastTime) == [60])
        }
    }

    @Test func `another reading is another run, and a record within one counts towards it`() throws
    {
        var runs = Runs()
        runs.add(Self.run(10, 30, count: 5))
        runs.add(Self.run(50, 60, count: 3))
        runs.add(Self.run(17, 17, count: 1))
        #expect(runs.all.map(\.span) == [10...30, 50...60])
        #expect(runs.all.map(\.count) == [6, 3])
        // One that saw more than both.
        runs.add(Self.run(5, 70, count: 20))
        #expect(runs.all.map(\.span) == [5...70])
        #expect(runs.count == 29)
    }

    @Test func `the last ids are remembered over a restart, older ones are not`() throws {
        let place = try TemporaryDirectory()
        let ids = (1...5000).map { Int64($0 * 3) }
        do {
            var ledger = try Ledger(writing: place.path("ledger"), recentIDs: 1000)
            ledger.observe(Self.quotes, Self.run(3, 15_000, count: 5000), ids: ids)
            try ledger.commit()
        }
        var ledger = try Ledger(writing: place.path("ledger"), recentIDs: 1000)
        let index = ledger.index(of: Self.quotes)
        for id in ids.suffix(1000) {
            let isRecent = ledger.isRecent(id, at: index)
            #expect(isRecent, "\(id)")
        }
        let (between, old) = (
            ledger.isRecent(14_000, at: index), ledger.isRecent(ids[0], at: index)
        )
        #expect(!between && !old)
        let count = ledger.coverage(at: index).recent.count
        #expect(count <= 1512)
    }

    @Test func `a range that is taken out is free again, and that stays written down`() throws {
        let place = try TemporaryDirectory()
        let depth = LedgerTests.name("BTCUSDT", .depthDiff)
        do {
            var ledger = try Ledger(writing: place.path("ledger"))
            ledger.add(
                depth, held: [1...10, 11...(1 << 62)], declared: [20...30],
                newestEventTime: 86_400_000_000)
            let gone = ledger.remove(depth, 11...(.max), time: 42)
            #expect(gone.held == UInt64(1) << 62 - 10)
            #expect(gone.declared == 11)
            ledger.observe(Self.quotes, Self.run(10, 30, count: 3), ids: [10, 20, 30])
            ledger.remove(Self.quotes, 15...40)
            try ledger.commit()
        }
        var ledger = try Ledger(writing: place.path("ledger"))
        let found = ledger.coverage(of: depth)
        let coverage = try #require(found)
        #expect(coverage.held.ranges == [1...10])
        #expect(coverage.declared.isEmpty)
        #expect(coverage.removed == [Removal(ids: 11...(.max), time: 42)])
        #expect(coverage.newestEventTime == nil)
        let runs = ledger.coverage(of: Self.quotes)?.runs.all.map(\.span)
        #expect(runs == [10...14])
        let index = ledger.index(of: Self.quotes)
        let (kept, gone) = (ledger.isRecent(10, at: index), ledger.isRecent(20, at: index))
        #expect(kept && !gone)
    }

    @Test func `what gap records spoke of is remembered until it is held or taken out`() throws {
        let place = try TemporaryDirectory()
        let btc = LedgerTests.name("BTCUSDT", .trade)
        do {
            var ledger = try Ledger(writing: place.path("ledger"))
            ledger.add(btc, held: [1...10, 50...60])
            ledger.add(btc, reported: [5...40, 70...90])
            ledger.add(btc, held: [20...25])
            ledger.remove(btc, 80...85)
            try ledger.commit()
        }
        // Once as it was appended, and once as it was written again.
        for isRewritten in [false, true] {
            if isRewritten {
                var ledger = try Ledger(writing: place.path("ledger"))
                for id in Int64(0)..<200_000 { ledger.note(Self.quotes, recent: [id, id, id, id]) }
                try ledger.commit()
            }
            let ledger = try Ledger(reading: place.path("ledger"))
            let found = ledger.coverage(of: btc)
            let coverage = try #require(found)
            #expect(coverage.reported.ranges == [11...19, 26...40, 70...79, 86...90])
            #expect(coverage.held.ranges == [1...10, 20...25, 50...60])
            #expect(coverage.declared.isEmpty && coverage.holeCount == 2)
        }
    }

    @Test func `how late an id can have been is known to a day`() throws {
        let place = try TemporaryDirectory()
        let hour: Int64 = 3_600_000_000
        var events: [Int64: Int64] = [:]
        do {
            var ledger = try Ledger(writing: place.path("ledger"))
            // Live for a month, then the year before it, oldest first.
            for batch in Int64(0)..<720 {
                let id = 1_000_000 + batch * 100
                events[id] = (10_000 + batch) * hour
                ledger.add(btc, held: [(id - 99)...id], newestEventTime: events[id])
            }
            for batch in Int64(0)..<8760 {
                let id = 10_000 + batch * 100
                events[id] = (1000 + batch) * hour
                ledger.add(btc, held: [(id - 99)...id], newestEventTime: events[id])
            }
            try ledger.commit()
        }
        var ledger = try Ledger(writing: place.path("ledger"))
        let index = ledger.index(of: btc)
        for (id, time) in events {
            let known = ledger.bookedTime(of: id - 50, at: index)
            let bound = try #require(known)
            #expect(bound >= time && bound <= time + 25 * hour, "\(id)")
        }
        let marks = ledger.coverage(at: index).marks.ids.count
        #expect(marks < 1000, "\(marks)")
        let beyond = ledger.bookedTime(of: .max, at: index)
        #expect(beyond == nil)
    }

    @Test func `a new numbering has its own ids, and is the newest`() throws {
        let place = try TemporaryDirectory()
        do {
            var ledger = try Ledger(writing: place.path("ledger"))
            ledger.add(btc, held: [1...100])
            let epoch = ledger.beginEpoch(of: btc)
            #expect(epoch == 2)
            try ledger.commit()
        }
        var ledger = try Ledger(writing: place.path("ledger"))
        var second = btc
        second.epoch = ledger.epoch(of: btc)
        #expect(second.epoch == 2)
        let index = ledger.index(of: second)
        let isHeld = ledger.holds(1...1, at: index)
        #expect(!isHeld)
        #expect(second.title == "BTCUSDT trade epoch 2")
    }

    @Test func `positions of a spool are confirmed with the ids, and go with the spool`() throws {
        let place = try TemporaryDirectory()
        let raw = ProgressKey(sequence: LedgerTests.name("*", .raw), bucket: 7)
        do {
            var ledger = try Ledger(writing: place.path("ledger"))
            ledger.confirm(raw, from: 100, through: 200, in: 1)
            ledger.confirm(raw, from: 300, through: 400, in: 1)
            ledger.confirm(raw, from: 100, through: 200, in: 2)
            try ledger.commit()
        }
        do {
            var ledger = try Ledger(writing: place.path("ledger"))
            let answers = [100, 200, 201, 350].map { ledger.isConfirmed(raw, $0, in: 1) }
            #expect(answers == [true, true, false, true])
            let other = ProgressKey(sequence: raw.sequence, bucket: 8)
            let (isOther, isElsewhere) = (
                ledger.isConfirmed(other, 100, in: 1), ledger.isConfirmed(raw, 100, in: 3)
            )
            #expect(!isOther && !isElsewhere)
            ledger.dropProgress(in: 1, before: 150)
            ledger.keepProgress(onlyIn: [1])
            try ledger.commit()
        }
        let ledger = try Ledger(reading: place.path("ledger"))
        let answers = [(149, 1), (150, 1), (150, 2)].map {
            ledger.isConfirmed(raw, $0.0, in: $0.1)
        }
        #expect(answers == [false, true, false])
    }

    @Test func `a fragmented history is loaded and added to without taking its length each time`()
        throws
    {
        let place = try TemporaryDirectory()
        do {
            var ledger = try Ledger(writing: place.path("ledger"))
            ledger.add(btc, held: (0..<1_000_000).map { Int64($0 * 3)...Int64($0 * 3) })
            try ledger.commit()
        }
        let clock = ContinuousClock()
        var holes = 0
        let time = try clock.measure {
            var ledger = try Ledger(writing: place.path("ledger"))
            for id in Int64(3_000_000)..<3_001_000 {
                ledger.add(btc, held: [id...id])
                try ledger.write()
            }
            holes = ledger.coverage(of: btc)?.holeCount ?? 0
        }
        #expect(holes == 1_000_000)
        // A second or two without optimisation; quadratic it would be minutes.
        #expect(time < .seconds(60), "\(time)")
    }
}
