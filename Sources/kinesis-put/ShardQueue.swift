import AWS

/// The way to one shard: the keys that go there, one call under way at most.
final class ShardQueue {
    /// Where it leads.
    let shard: ShardMap.Shard
    /// True while a call is under way.
    var isBusy = false
    /// True once the shard is gone from the map; no key comes here any more.
    var isRetired = false
    /// Nothing is sent before; ns of the monotonic clock.
    var pausedUntil: Int64 = 0
    /// Whole calls that failed in a row.
    var attempts = 0
    /// Most records in the next call, while a bad one is looked for; nil for no such limit.
    var limit: Int?
    /// When the last call started.
    var startedAt: Int64 = .min / 2
    /// Records that wait, those under way included, and bytes of their entries.
    var waitingRecords = 0
    var waitingBytes = 0
    var rateLimit = ShardRateLimit()

    private var ready: [PartitionKeyQueue] = []
    private var first = 0
    private var later: [PartitionKeyQueue] = []

    init(_ shard: ShardMap.Shard) { self.shard = shard }

    /// Keys that have records to send.
    var readyCount: Int { ready.count - first }
    /// The key whose turn it is.
    var next: PartitionKeyQueue? { first < ready.count ? ready[first] : nil }

    /// Puts a key into the line, unless it is in it, under way, or empty.
    func list(_ key: PartitionKeyQueue, now: Int64) {
        guard !key.isListed, key.inFlight == 0, key.records > 0 else { return }
        key.isListed = true
        if key.notBefore > now { later.append(key) } else { ready.append(key) }
    }

    /// Takes the first key out of the line.
    func removeNext() {
        ready[first].isListed = false
        first += 1
        if first == ready.count {
            ready.removeAll(keepingCapacity: true)
            first = 0
        } else if first > 256, first > ready.count / 2 {
            ready.removeFirst(first)
            first = 0
        }
    }

    /// Puts keys at the front of the line, in this order.
    func putBack(_ keys: [PartitionKeyQueue]) {
        let rest = ready[first...]
        ready = keys + rest
        first = 0
        for key in keys { key.isListed = true }
    }

    /// Moves the keys whose pause has ended into the line.
    func wake(at now: Int64) {
        guard later.contains(where: { $0.notBefore <= now }) else { return }
        ready += later.filter { $0.notBefore <= now }
        later.removeAll { $0.notBefore <= now }
    }

    /// Ends the pauses of keys; ``wake(at:)`` moves them into the line.
    func hurryKeys(now: Int64) {
        for key in later { key.notBefore = min(key.notBefore, now) }
    }

    /// When the first pause of a key ends; nil when none waits so.
    var nextWake: Int64? { later.map(\.notBefore).min() }

    /// Takes all keys out, for another queue.
    func removeAll() -> [PartitionKeyQueue] {
        let keys = Array(ready[first...]) + later
        for key in keys { key.isListed = false }
        ready = []
        first = 0
        later = []
        return keys
    }
}
