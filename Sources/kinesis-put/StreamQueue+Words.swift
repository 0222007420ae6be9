import AWS
import Encoding
import Stats
import Transport

/// How it is, for people.
extension StreamQueue {
    /// What delivery waits for now, in words.
    func obstacle(at now: Int64) -> String {
        if !discovery.isOpen { return "its shards are not known yet" }
        if health.breaker.state(at: now) == .open { return "it failed too often lately" }
        let queues = scheduler.shardQueues
        if queues.contains(where: \.isBusy) { return "a call is under way" }
        if let pause = queues.map(\.pausedUntil).max(), pause > now {
            let attempts = Spoken.count(queues.map(\.attempts).max() ?? 0, "attempt")
            return "\(Spoken.seconds(Double(pause - now) / 1e9)) of a pause after \(attempts)"
        }
        return "records wait for their turn"
    }

    /// Publishes how the stream is.
    func report(at now: Int64) {
        let state: Int64 =
            switch health.breaker.state(at: now) {
            case .closed: 0
            case .halfOpen: 1
            case .open: 2
            }
        counters.breaker.set(state)
        counters.shards.set(scheduler.map.isKnown ? Int64(scheduler.map.shards.count) : 0)
    }
}
