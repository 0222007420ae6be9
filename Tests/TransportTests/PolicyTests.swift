import Testing
import Transport

struct PolicyTests {
    @Test(arguments: [(1, 0.1), (2, 0.2), (3, 0.4), (6, 3.2), (7, 5), (8, 5), (1_000_000, 5)])
    func `pauses double up to their cap and are random below`(_ attempt: Int, _ ceiling: Double) {
        let backoff = Backoff(base: 0.1, cap: 5)
        #expect(abs(backoff.ceiling(attempt: attempt) - ceiling) < 1e-9)
        let delays = (0..<50).map { _ in backoff.delay(attempt: attempt) }
        #expect(delays.allSatisfy { (0...ceiling + 1e-9).contains($0) })
        #expect(Set(delays).count > 10)
    }

    @Test func `a circuit opens after failures in a row, probes once and closes`() {
        var breaker = CircuitBreaker(failures: 3, coolDown: 10)
        let second: Int64 = 1_000_000_000
        for _ in 0..<2 { breaker.recordFailure(at: 0) }
        breaker.recordSuccess(at: 0)
        for _ in 0..<2 { breaker.recordFailure(at: 0) }
        var passes = breaker.allows(at: 0)
        #expect(breaker.state(at: 0) == .closed && passes)
        breaker.recordFailure(at: 0)
        passes = breaker.allows(at: 9 * second)
        #expect(breaker.state(at: 9 * second) == .open && !passes)
        #expect(breaker.opening(at: 9 * second) == 10 * second)
        let later = 10 * second
        #expect(breaker.state(at: later) == .halfOpen)
        let probes = [breaker.allows(at: later), breaker.allows(at: later)]
        #expect(probes == [true, false])
        #expect(breaker.opening(at: later * 2) == nil, "the probe's outcome decides")
        breaker.recordNothing()
        #expect(breaker.opening(at: later) == later)
        breaker.recordFailure(at: later)
        #expect(breaker.state(at: later) == .open)
        passes = breaker.allows(at: later * 2)
        #expect(passes)
        breaker.recordSuccess(at: later * 2)
        #expect(breaker.state(at: later * 2) == .closed)
    }

    @Test func `a quota runs dry and is refilled by successes`() {
        var quota = RetryQuota(capacity: 30)
        let spent = [quota.spend(.transient), quota.spend(.transient), quota.spend(.throttle)]
        #expect(spent == [true, true, false] && quota.tokens == 2)
        quota.recordSuccess(lastRetry: .transient)
        #expect(quota.tokens == 16)
        for _ in 0..<50 { quota.recordSuccess(lastRetry: nil) }
        #expect(quota.tokens == 30)
    }
}
