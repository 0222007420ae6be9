import Testing

@testable import Stage

/// Which signals count as a second one.
struct SignalTests {
    @Test(arguments: [(0, false), (1_000_000, false), (200_000_000, false), (200_000_001, true)])
    func `signals near to each other are one, as timeout and terminals send them`(
        after: Int64, isSecond: Bool
    ) {
        #expect(Signals.isSecond(5_000 + after, after: 5_000) == isSecond)
    }
}
