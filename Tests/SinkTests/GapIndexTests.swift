import Identity
import TestSupport
import Testing

@testable import Bronze

/// Gap records that name some ids, against looking at all of them.
struct GapIndexTests {
    @Test(arguments: 1...20)
    func `what names some ids is found, those that tell most first`(seed: Int) {
        var random = SeededRandom(UInt64(seed))
        let gaps = (0..<60).map { _ -> ObservedGap in
            let ids = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                let first = Int64.random(in: 0...400, using: &random)
                return first...(first + Int64.random(in: 0...30, using: &random))
            }
            let isDeclared = Bool.random(using: &random)
            let seen = Int64.random(in: 0...5, using: &random)
            return ObservedGap(
                sequence: Sample.sequence(.trade), reason: "missed", source: "rest",
                isDeclared: isDeclared, ids: ids, seen: seen...seen,
                evidence: Bool.random(using: &random) ? "asked" : "")
        }
        let index = GapIndex(gaps)
        func weight(_ gap: ObservedGap) -> (Int, Int, Int64) {
            (gap.isDeclared ? 1 : 0, gap.evidence.isEmpty ? 0 : 1, gap.seen.upperBound)
        }
        for first in stride(from: Int64(-10), through: 440, by: 7) {
            let asked = first...(first + Int64.random(in: 0...50, using: &random))
            let found = index.entries(overlapping: asked)
            let expected = gaps.flatMap { gap in gap.ids.filter { $0.overlaps(asked) } }
            #expect(found.count == expected.count, "\(asked)")
            #expect(
                found.allSatisfy { gaps[$0.gap].ids.contains($0.ids) && $0.ids.overlaps(asked) })
            for (one, next) in zip(found, found.dropFirst()) {
                #expect(weight(gaps[one.gap]) >= weight(gaps[next.gap]), "\(asked)")
            }
        }
    }
}
