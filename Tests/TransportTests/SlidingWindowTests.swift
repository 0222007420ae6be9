import TestSupport
import Testing
import Transport

/// No window, however it is laid, holds more than the limit.
struct SlidingWindowTests {
    @Test func `what is over the limit waits until the oldest is out of the window`() {
        var window = SlidingWindow(limit: 3, window: 100)
        for time in [0, 10, 20] as [Int64] { #expect(window.take(at: time) == true) }
        #expect(window.take(at: 99) == false)
        #expect(window.delay(at: 99) == 1)
        #expect(window.take(at: 100) == true)
        #expect(window.take(at: 100) == false)
        #expect(window.take(at: 110) == true)
    }

    @Test(arguments: 1...10)
    func `random attempts never put more than the limit into any window`(seed: Int) {
        var random = SeededRandom(UInt64(seed))
        var window = SlidingWindow(limit: 4, window: 1000)
        var now: Int64 = 0
        var taken: [Int64] = []
        for _ in 0..<2000 {
            now += Int64.random(in: 0...300, using: &random)
            if window.take(at: now) { taken.append(now) }
        }
        #expect(taken.count > 1000)
        for (first, fifth) in zip(taken, taken.dropFirst(4)) { #expect(fifth - first >= 1000) }
    }
}
