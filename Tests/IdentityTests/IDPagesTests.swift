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
            let near = width == 0 ? pages.insertNear(first) : nil
            #expect((near ?? pages.insert(ids)) == isNew, "seed \(seed), step \(step), \(ids)")
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

    @Test func `ids near those that came late are taken the quick way, but for the ends of a page`()
    {
        var pages = IDPages()
        #expect(pages.insertNear(5000) == nil)
        #expect(pages.insert(5000...5000) && pages.insert(600...600))
        var quick = 0
        for id in Int64(0)..<2000 where id != 600 {
            let near = pages.insertNear(id)
            quick += near == nil ? 0 : 1
            #expect(near ?? pages.insert(id...id))
            #expect(pages.insertNear(id) != true && !pages.insert(id...id))
        }
        #expect(quick > 1900)
        #expect(pages.covered(in: 0...6000) == [0...1999, 5000...5000])
        #expect(pages.stretches == 2)
        #expect(pages.insertNear(5000) == false && pages.insertNear(5001) == nil)
        #expect(pages.insertNear(4999) == nil && pages.insertNear(2000) == true)
        #expect(pages.stretches == 2)
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

/// Ids that nearly always grow, against a list of all that came.
struct GrowingIDsTests {
    /// What comes: each step's id by those before.
    enum Course: String, CaseIterable, Sendable {
        case ascending, twoTaps, shuffled, begunAgain, leaping, nearTheEnds

        func id(_ step: Int, _ random: inout SplitMix) -> Int64 {
            let step = Int64(step)
            switch self {
            case .ascending: return 90_000_000_000 + step * 3
            case .twoTaps:
                let isSecond = Bool.random(using: &random)
                let delay: Int64 = isSecond ? 5 : 0
                return 1000 + max(0, step - delay) / 2 * 7
            case .shuffled: return Int64.random(in: 0...2000, using: &random)
            case .begunAgain: return step % 3000 * 2 + Int64.random(in: 0...3, using: &random)
            case .leaping: return step << 29 + Int64.random(in: 0...1, using: &random) << 40
            case .nearTheEnds:
                return [.min, .min + 1, .max, .max - 1, 0, 5, step].randomElement(using: &random)
                    ?? 0
            }
        }
    }

    @Test(arguments: Course.allCases, [1, 7, 300])
    func `an id is known while it is among the last ones, and never before it came`(
        course: Course, capacity: Int
    ) {
        var random = SplitMix(state: UInt64(capacity))
        var ids = GrowingIDs(capacity: capacity)
        // Those that were new, in their order; nil for what is far and so kept elsewhere.
        var (last, came) = ([Int64?](), Set<Int64>())
        for step in 0..<12_000 {
            let id = course.id(step, &random)
            switch ids.insert(id) {
            case .known: #expect(came.contains(id), "\(course), step \(step): \(id)")
            case .far: last.append(nil)
            case .new:
                #expect(!last.contains(id), "\(course), step \(step): \(id) was known")
                last.append(id)
                came.insert(id)
            }
            if last.count > capacity { last.removeFirst() }
        }
    }

    @Test func `ids that grow are kept in order without a table`() {
        var ids = GrowingIDs(capacity: 1000)
        for step in 0..<100_000 {
            let id = 90_000_000_000 + Int64(step) * 100_000
            #expect(ids.insert(id) == .new)
            #expect(ids.insert(id) == .known)
            if step >= 999 { #expect(ids.insert(id - 999 * 100_000) == .known) }
        }
    }

    @Test func `an id that came late is known when it is far by now`() {
        var ids = GrowingIDs(capacity: 1000)
        #expect(ids.insert(1_080_000_000) == .new)
        #expect(ids.insert(0) == .new)
        #expect(ids.insert(2_460_000_000) == .new)
        #expect(ids.insert(0) == .known)
    }

    @Test func `after the numbering began again, ids are near again`() {
        var ids = GrowingIDs(capacity: 100)
        for step in 0..<1000 { #expect(ids.insert(5_000_000_000_000 + Int64(step)) == .new) }
        var far = 0
        for step in 0..<1000 where ids.insert(Int64(step)) == .far { far += 1 }
        #expect(far <= 100)
        #expect(ids.insert(999) == .known)
    }
}

/// Numbers that are the same in each run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
