import Identity
import TestSupport
import Testing

/// The exact ids of the last records.
struct RecentIDsTests {
    @Test func `it answers as a set of the ids does, in whatever order they come`() {
        var random = SeededRandom(3)
        for _ in 0..<10 {
            var recent = RecentIDs(capacity: 5000)
            var known: Set<Int64> = []
            for _ in 0..<4000 {
                let id = Int64.random(in: -3000...3000, using: &random)
                let (isNew, shouldBe) = (recent.insert(id), known.insert(id).inserted)
                if isNew != shouldBe { Issue.record("\(id) is new: \(isNew)") }
            }
            #expect(recent.count == known.count)
            #expect(recent.ids == known.sorted())
            let wrong = (Int64(-3100)...3100).filter { recent.contains($0) != known.contains($0) }
            #expect(wrong.isEmpty)
            recent.remove(-500...700)
            known = known.filter { !(-500...700).contains($0) }
            #expect(recent.ids == known.sorted())
            #expect(recent.count == known.count)
        }
    }

    @Test(arguments: [0, 1, 511, 512, 513, 3000, 1 << 40])
    func `the largest ids are kept, and the others forgotten`(most: Int) {
        var random = SeededRandom(UInt64(most + 1))
        var recent = RecentIDs(capacity: 1 << 20)
        var known: Set<Int64> = []
        for _ in 0..<3000 {
            let id = Int64.random(in: -100_000...100_000, using: &random)
            recent.insert(id)
            known.insert(id)
        }
        let sorted = known.sorted()
        #expect(recent.suffix(most) == Array(sorted.suffix(most)))
        let before = recent.footprint
        recent.keepLargest(most)
        #expect(recent.count >= min(most, sorted.count))
        #expect(recent.count < most.addingReportingOverflow(513).partialValue)
        #expect(recent.footprint <= before)
        #expect(recent.ids == Array(sorted.suffix(recent.count)))
        #expect(recent.first == recent.ids.first && recent.last == recent.ids.last)
        // It goes on as a set.
        for id in Int64(-50)...50 {
            let isKnown = recent.contains(id)
            #expect(recent.insert(id) != isKnown, "\(id)")
        }
        let isNew = recent.insert(200_000)
        #expect(isNew)
        #expect(recent.last == 200_000)
    }

    /// Some of the growth of an array is room for more, which a block that is full never needs.
    @Test func `ids that follow each other closely take little more than a byte each`() {
        var recent = RecentIDs(capacity: 1 << 20)
        for id in Int64(1)...100_000 { recent.insert(id * 5) }
        #expect(recent.footprint < 130_000, "\(recent.footprint)")
    }

    @Test func `at least the capacity is remembered, and not much more`() {
        var recent = RecentIDs(capacity: 10_000)
        for id in Int64(1)...50_000 { recent.insert(id * 3) }
        #expect((Int64(40_001)...50_000).allSatisfy { recent.contains($0 * 3) })
        #expect(!recent.contains(3))
        #expect((10_000...10_600).contains(recent.count))
    }

    @Test func `ids that begin again do not fall out at once`() {
        var recent = RecentIDs(capacity: 2000)
        for id in Int64(1_000_000)..<1_003_000 { recent.insert(id) }
        for id in Int64(1)...1500 { recent.insert(id) }
        #expect((Int64(1)...1500).filter { !recent.contains($0) } == [])
    }

    @Test func `extreme ids are ids`() {
        var recent = RecentIDs(capacity: 10)
        for id in [0, .max, .min, -1, 1] as [Int64] { recent.insert(id) }
        #expect(recent.ids == [.min, -1, 0, 1, .max])
        #expect(recent.contains(.max) && recent.contains(.min) && !recent.contains(2))
    }

    @Test func `65 536 ids of a busy book take a quarter of a MiB at most`() {
        var recent = RecentIDs(capacity: 1 << 16)
        var random = SeededRandom(5)
        var id: Int64 = 50_000_000_000
        for _ in 0..<100_000 {
            id += Int64.random(in: 1...2000, using: &random)
            recent.insert(id)
        }
        #expect(recent.footprint < 256 << 10, "\(recent.footprint)")
    }
}
