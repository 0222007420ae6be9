import Testing

@testable import Identity

/// Ids in pages, against a plain set that is asked the same.
struct IDPagesTests {
    /// The runs of a set, ascending.
    private func runs(_ ids: Set<Int64>, in range: ClosedRange<Int64>) -> [ClosedRange<Int64>] {
        var set = IDSet()
        for id in ids.sorted() where range.contains(id) { set.insert(id) }
        return set.ranges
    }

    @Test(arguments: [1 as UInt64, 2, 3, 4, 5, 6, 7, 8])
    func `any order of ids and ranges gives the same as a set`(seed: UInt64) {
        var random = SplitMix(state: seed)
        var (pages, known) = (IDPages(), Set<Int64>())
        let space = Int64([60, 700, 3000, 20_000][Int(seed % 4)])
        for step in 0..<4000 {
            let first = Int64.random(in: -space...space, using: &random)
            let width = [0, 0, 0, 1, 3, 40, 600, 1500][Int.random(in: 0..<8, using: &random)]
            let ids = first...(first + Int64(width))
            let isNew = !ids.allSatisfy(known.contains)
            #expect(pages.insert(ids) == isNew, "seed \(seed), step \(step), \(ids)")
            known.formUnion(ids)
            #expect(pages.last == known.max())
            let id = Int64.random(in: -space...space, using: &random)
            #expect(pages.contains(id) == known.contains(id))
            if step % 50 == 0 {
                let all = -space...(space + 2000)
                let expected = runs(known, in: all)
                #expect(pages.covered(in: all) == expected, "seed \(seed), step \(step)")
                #expect(pages.stretches == expected.count)
                #expect(pages.missing(in: all) == IDSet(expected).missing(in: all))
            }
        }
    }

    @Test func `every second id and then those between them leave one stretch, one by one`() {
        var pages = IDPages()
        for id in stride(from: Int64(1), through: 200_001, by: 2) {
            #expect(pages.insert(id...id) == true)
        }
        #expect(pages.stretches == 100_001)
        for id in stride(from: Int64(200_000), through: 2, by: -2) {
            #expect(pages.insert(id...id) == true)
            #expect(pages.insert(id...id) == false)
        }
        #expect(pages.stretches == 1)
        #expect(pages.missing(in: 1...200_001).isEmpty)
    }

    @Test func `ids at both ends of the numbers are taken`() {
        var pages = IDPages()
        #expect(pages.insert(.max ... .max) == true)
        #expect(pages.extend(by: .min) == false)
        #expect(pages.insert(.min ... .min) == true)
        #expect(pages.insert(.min ... .min) == false)
        #expect(pages.insert((.max - 2)...(.max)) == true)
        #expect(pages.stretches == 2)
        #expect(pages.insert(.min ... .max) == true)
        #expect(pages.stretches == 1)
        #expect(pages.missing(in: .min ... .max).isEmpty)
    }

    @Test func `of too many pages the lower half is forgotten`() {
        var pages = IDPages()
        let count = Int64(1 << 18) + 10
        for index in 0..<count { #expect(pages.insert((index * 1000)...(index * 1000)) == true) }
        #expect(!pages.contains(0))
        #expect(pages.contains((count - 1) * 1000) && pages.contains((count - 2) * 1000))
        #expect(pages.stretches == pages.covered(in: .min ... .max).count)
        #expect(pages.stretches > 1 << 16)
    }
}

/// The ring, against a list that is searched.
struct IDRingTests {
    @Test(arguments: [1, 2, 7, 300])
    func `an id is known while it is among the last ones`(capacity: Int) {
        var random = SplitMix(state: UInt64(capacity))
        var (ring, last) = (IDRing(capacity: capacity), [Int64]())
        for step in 0..<20_000 {
            let id = 70_000_000_000 + Int64.random(in: 0...Int64(capacity * 2), using: &random)
            let outcome = ring.insert(id)
            #expect((outcome == .known) == last.contains(id), "step \(step)")
            if outcome == .new {
                last.append(id)
                if last.count > capacity { last.removeFirst() }
            }
        }
        #expect(ring.count == capacity)
    }

    @Test func `ids that move far on are kept once the others are near them`() {
        var ring = IDRing(capacity: 4)
        var far = 0
        for index in 0..<400 {
            // A thirty-second of what 32 bits hold from one to the next.
            let id = Int64(index) << 27
            switch ring.insert(id) {
            case .new: #expect(ring.insert(id) == .known)
            case .known: Issue.record("\(id) was not there")
            case .far: far += 1
            }
        }
        #expect(far == 0, "the base moved with the ids")
    }

    @Test func `one wild id does not turn the others out`() {
        var ring = IDRing(capacity: 100)
        for id in 1...50 { #expect(ring.insert(Int64(id)) == .new) }
        #expect(ring.insert(.max) == .far)
        #expect(ring.insert(.min) == .far)
        for id in 1...50 { #expect(ring.insert(Int64(id)) == .known) }
    }
}

/// Numbers that are the same in each run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
