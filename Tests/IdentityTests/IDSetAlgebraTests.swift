import Identity
import TestSupport
import Testing

/// Sets of ids with sets of ids.
struct IDSetAlgebraTests {
    private static func random(_ random: inout SeededRandom, _ count: Int) -> Set<Int64> {
        var ids: Set<Int64> = []
        for _ in 0..<count {
            let first = Int64.random(in: 0...300, using: &random)
            for id in first...(first + Int64.random(in: 0...6, using: &random)) { ids.insert(id) }
        }
        return ids
    }

    private static func set(_ ids: Set<Int64>) -> IDSet {
        var set = IDSet()
        for id in ids.shuffled() { set.insert(id) }
        return set
    }

    @Test func `a union, a difference and the holes of two are those of their ids`() {
        var random = SeededRandom(11)
        for round in 0..<300 {
            let (one, two) = (
                Self.random(&random, round % 40), Self.random(&random, (round * 7) % 40)
            )
            var union = Self.set(one)
            union.formUnion(Self.set(two))
            #expect(union == Self.set(one.union(two)))
            var holes: [ClosedRange<Int64>] = []
            Self.set(one).forEachHole(with: Self.set(two)) {
                holes.append($0)
                return true
            }
            #expect(holes == union.holes)
            #expect(union.holeCount == holes.count)
            let first = Int64.random(in: -5...300, using: &random)
            let range = first...(first + Int64.random(in: 0...80, using: &random))
            var rest = union
            let removed = rest.remove(range)
            let kept = one.union(two).filter { !range.contains($0) }
            #expect(rest == Self.set(kept))
            #expect(removed == UInt64(one.union(two).count - kept.count))
        }
    }

    @Test func `the ends of all ids are no special case`() {
        var set = IDSet([(.min)...(-1), 1...(.max)])
        set.formUnion(IDSet([0...0, 5...6, 8...9, 11...12, 14...15]))
        #expect(set.ranges == [(.min)...(.max)])
        #expect(set.remove((.min)...(.max)) == .max)
        #expect(set.isEmpty)
        var holes = 0
        IDSet([(.min)...(.max)]).forEachHole(with: IDSet([0...1])) { _ in
            holes += 1
            return true
        }
        #expect(holes == 0)
    }
}
