import Identity
import Testing

/// When an id that comes again is of a new numbering.
struct IDTimesTests {
    private static let start: Int64 = 1_704_067_200_000_000
    private static let day: Int64 = 86_400_000_000

    @Test func `an id that comes again days after its time is of a new numbering`() {
        var times = IDTimes()
        #expect(!times.isRestart(1, Self.start))
        // Ten days, a hundred ids each.
        for id in Int64(0)..<1000 { times.note(id, Self.start + id * Self.day / 100) }
        for id in Int64(0)..<1000 {
            let own = Self.start + id * Self.day / 100
            #expect(!times.isRestart(id, own), "\(id)")
            #expect(!times.isRestart(id, own + Self.day), "\(id)")
            #expect(times.isRestart(id, own + 5 * Self.day), "\(id)")
        }
        #expect(!times.isRestart(5000, Self.start + 10 * Self.day))
    }

    @Test(arguments: [true, false])
    func `no id is held to be new that came in another order`(isDescending: Bool) {
        var times = IDTimes()
        let ids = Array(Int64(0)..<1000)
        let pages = stride(from: 0, to: 1000, by: 100).map { Array(ids[$0..<($0 + 100)]) }
        let order = isDescending ? ids.reversed() : pages.reversed().flatMap { $0 }
        for id in order { times.note(id, Self.start + id * Self.day / 10) }
        for id in ids { #expect(!times.isRestart(id, Self.start + id * Self.day / 10), "\(id)") }
        #expect(times.isRestart(5, Self.start + 200 * Self.day))
    }

    @Test func `an early id with a late time takes its bound along`() {
        var times = IDTimes()
        times.note(1000, Self.start)
        times.note(5, Self.start + 10 * Self.day)
        #expect(!times.isRestart(5, Self.start + 10 * Self.day))
        #expect(times.isRestart(5, Self.start + 14 * Self.day))
    }

    @Test func `times that cannot be right say nothing, and none overflows`() {
        var times = IDTimes()
        for time in [Int64.min, -1, 0, 1_000_000] { times.note(7, time) }
        #expect(!times.isRestart(7, Self.start))
        times.note(8, .max)
        times.note(9, .max)
        #expect(!times.isRestart(8, .max))
        #expect(!times.isRestart(.min, .max))
    }
}
