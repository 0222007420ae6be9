import Identity
import TestSupport
import Testing

/// Interval sets against plain sets of numbers.
struct IDSetTests {
    @Test(arguments: 0..<20)
    func `agrees with a set of numbers, whatever is added in whatever order`(seed: UInt64) {
        var random = SeededRandom(seed)
        var set = IDSet()
        var model: Set<Int64> = []
        for _ in 0..<300 {
            let first = Int64.random(in: 0...200, using: &random)
            let range = first...(first + Int64.random(in: 0...12, using: &random))
            let isNew = range.allSatisfy { !model.contains($0) }
            let inserted = range.count == 1 ? set.insert(first) : set.insert(range)
            #expect(inserted == isNew)
            model.formUnion(range)
            let asked = Int64.random(in: -5...220, using: &random)
            let span = asked...(asked + Int64.random(in: 0...30, using: &random))
            #expect(set.contains(asked) == model.contains(asked))
            #expect(set.contains(span) == span.allSatisfy { model.contains($0) })
            #expect(set.overlaps(span) == span.contains { model.contains($0) })
            #expect(
                set.missing(in: span).flatMap { Array($0) } == span.filter { !model.contains($0) })
            #expect(
                set.covered(in: span).flatMap { Array($0) } == span.filter { model.contains($0) })
            #expect(set.total == UInt64(model.count))
        }
        #expect(set.ranges.flatMap { Array($0) } == model.sorted())
        for (one, next) in zip(set.ranges, set.ranges.dropFirst()) {
            #expect(one.upperBound + 1 < next.lowerBound, "neighbours that touch are one")
        }
    }

    @Test(arguments: 0..<3)
    func `thousands of intervals agree with a set of numbers, too`(seed: UInt64) {
        var random = SeededRandom(seed)
        var (set, other) = (IDSet(), IDSet())
        var model: Set<Int64> = []
        for round in 0..<12_000 {
            let first = Int64.random(in: 0...40_000, using: &random)
            // Mostly single ids; now and then what covers, or takes out, whole pieces of the set.
            let length = round % 500 == 499 ? Int64.random(in: 0...6_000, using: &random) : 0
            let range = first...(first + length)
            if round % 3 == 2 {
                let there = range.filter { model.contains($0) }
                #expect(set.remove(range) == UInt64(there.count))
                model.subtract(there)
            } else {
                #expect(set.insert(range) == range.allSatisfy { !model.contains($0) })
                model.formUnion(range)
            }
            let asked = Int64.random(in: -5...40_005, using: &random)
            #expect(set.contains(asked) == model.contains(asked))
            if round % 1000 == 999 {
                #expect(set.ranges.flatMap { Array($0) } == model.sorted())
                #expect(set.intervalCount == set.ranges.count)
                #expect(set.holes == set.missing(in: set.first!...set.last!))
                other = IDSet(model.sorted().map { $0...$0 })
                #expect(set == other, "whatever pieces they are in")
            }
        }
        let dropped = set.keepLast(intervals: 700)
        #expect(set.ranges == other.ranges.suffix(700) || set.intervalCount < 700)
        #expect(dropped != nil && set.contains(dropped!) == false)
        var all = Set(set.ranges.flatMap { Array($0) })
        let others = (0..<2_000).map { (step: Int64) in (step * 30)...(step * 30 + 3) }
        for range in others { all.formUnion(range) }
        var union = set
        union.formUnion(IDSet(others))
        #expect(union.ranges.flatMap { Array($0) } == all.sorted())
    }

    @Test func `the ends of 64 bits are numbers like others`() {
        var set = IDSet()
        let inserted = [Int64.max, .min, .max, .max - 1].map { set.insert($0) }
        #expect(inserted == [true, true, false, true])
        #expect(set.ranges == [Int64.min...Int64.min, (Int64.max - 1)...Int64.max])
        #expect(set.missing(in: Int64.min...Int64.max) == [(Int64.min + 1)...(Int64.max - 2)])
        let isNew = set.insert(Int64.min...Int64.max)
        #expect(!isNew)
        #expect(set.intervalCount == 1 && set.total == .max)
    }

    @Test func `ten million ids in a row are one interval`() {
        var set = IDSet()
        for id in Int64(1)...10_000_000 { set.insert(id) }
        #expect(set.intervalCount == 1 && set.total == 10_000_000)
    }

    @Test func `forgetting keeps the highest intervals`() {
        var set = IDSet((0..<10).map { Int64($0 * 10)...Int64($0 * 10 + 1) })
        let dropped = set.keepLast(intervals: 3)
        #expect(dropped == 61)
        #expect(set.ranges == [70...71, 80...81, 90...91])
        let more = set.keepLast(intervals: 3)
        #expect(more == nil)
    }
}
