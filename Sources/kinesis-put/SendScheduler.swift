import AWS
import Transport

/// How far records of one partition key keep their order.
enum OrderRule: Sendable {
    /// Always: a call carries one record of a key at most.
    case strict
    /// As long as no record of a call fails.
    case relaxed
    /// Always: a call carries one record, which holds many.
    case aggregated
}

/// What a call may carry, and when it starts.
struct SendRules: Sendable {
    var order: OrderRule
    /// Records a call, 1 to 500 (Kinesis API Reference, "PutRecords").
    var batchRecords = 500
    /// Bytes of waiting frames at which a call starts without waiting for more.
    var fullBytes = 1 << 20
    /// Least time from the start of one call to that of the next one that is not full, ns.
    var linger: Int64 = 20_000_000
    /// Pauses of a key, or of a container, that was not stored.
    var entryPause = Backoff(base: 0.1, cap: 5)
    /// Pauses of a queue whose call failed.
    var callPause = Backoff(base: 0.05, cap: 20)
    var throttlePause = Backoff(base: 1, cap: 20)
    /// Pause of a queue that needs a person, ns.
    var holdPause: Int64 = 30_000_000_000
    /// Keys are spread evenly over the shards instead of going where their hash is.
    var spreads = false
}

/// Which records go next, to which shard, and what becomes of them: the records of one stream by
/// partition key, the keys by shard.
///
/// Knows nothing of requests and clocks: a caller asks for calls and tells how they ended. Records
/// of a key are never under way twice, so what failed goes again before what follows it.
struct SendScheduler {
    var rules: SendRules
    private(set) var map = ShardMap.unknown
    private(set) var shardQueues: [ShardQueue]
    private(set) var keys: [String: PartitionKeyQueue] = [:]
    /// Records that are not delivered.
    private(set) var waiting = 0
    /// Bytes that the queues take up.
    private(set) var bytesHeld = 0

    init(_ rules: SendRules) {
        self.rules = rules
        shardQueues = [ShardQueue(map.shards[0])]
    }

    // MARK: - Keys

    /// The queue of a partition key.
    mutating func key(_ name: String) -> PartitionKeyQueue {
        if let key = keys[name] { return key }
        let hash = HashKey.of(name) ?? 0
        let queue = queue(for: hash)
        let key = PartitionKeyQueue(
            name: name, hash: hash, suffix: suffix(name, queue), queue: queue)
        keys[name] = key
        return key
    }

    /// Adds a record to a key.
    mutating func append(
        _ frame: RawSpan, to key: PartitionKeyQueue, _ passage: PartitionKeyQueue.Passage,
        now: Int64
    ) {
        key.append(frame, passage)
        waiting += 1
        bytesHeld += frame.byteCount + PartitionKeyQueue.headerLength
        key.queue.waitingBytes += frame.byteCount + PartitionKeyQueue.headerLength
        key.queue.waitingRecords += 1
        if !key.isListed { key.queue.list(key, now: now) }
    }

    private func queue(for hash: UInt128) -> ShardQueue {
        shardQueues[
            rules.spreads && map.isKnown
                ? Int(hash % UInt128(shardQueues.count)) : map.index(of: hash)]
    }

    private func suffix(_ name: String, _ queue: ShardQueue) -> RecordSuffix {
        RecordSuffix(
            partitionKey: name,
            explicitHash: rules.spreads && map.isKnown ? queue.shard.start : nil)
    }

    // MARK: - Shards

    /// Follows a new map of shards.
    ///
    /// Keys move at once, those under way when their call ends, so that nothing of a key goes to
    /// its new shard while its outcome in the old one is open.
    ///
    /// - Returns: true when the map differs from the one before.
    @discardableResult
    mutating func adopt(_ map: ShardMap, now: Int64) -> Bool {
        guard map != self.map else { return false }
        let before = shardQueues
        self.map = map
        shardQueues = map.shards.map { shard in
            before.first { $0.shard == shard && !$0.shard.id.isEmpty } ?? ShardQueue(shard)
        }
        for queue in before {
            let isKept = shardQueues.contains { $0 === queue }
            queue.isRetired = !isKept
            for key in queue.removeAll() { move(key, now: now) }
        }
        for key in keys.values where key.inFlight == 0 && key.records == 0 { move(key, now: now) }
        return true
    }

    private func move(_ key: PartitionKeyQueue, now: Int64) {
        let queue = queue(for: key.hash)
        key.queue.waitingBytes -= key.waitingBytes
        key.queue.waitingRecords -= key.records
        queue.waitingBytes += key.waitingBytes
        queue.waitingRecords += key.records
        key.queue = queue
        key.suffix = suffix(key.name, queue)
        queue.list(key, now: now)
    }

    // MARK: - Calls

    /// True when a queue has something to send and may.
    func isDue(_ queue: ShardQueue, now: Int64) -> Bool {
        guard !queue.isBusy, !queue.isRetired else { return false }
        queue.wake(at: now)
        guard queue.readyCount > 0, queue.pausedUntil <= now else { return false }
        guard isFull(queue) || now - queue.startedAt >= rules.linger else { return false }
        return queue.rateLimit.allows(at: now)
    }

    /// True when a call would not carry more if it started later.
    private func isFull(_ queue: ShardQueue) -> Bool {
        switch rules.order {
        // A key that has more than one record waits for this call to end.
        case .strict:
            queue.readyCount >= rules.batchRecords || queue.waitingRecords > queue.readyCount
        case .relaxed:
            queue.waitingRecords >= rules.batchRecords || queue.waitingBytes >= rules.fullBytes
        case .aggregated: queue.waitingBytes >= rules.fullBytes
        }
    }

    /// When ``isDue(_:now:)`` may become true without anything happening; nil when not.
    func dueTime(_ queue: ShardQueue, now: Int64) -> Int64? {
        guard !queue.isBusy, !queue.isRetired else { return nil }
        guard queue.readyCount > 0 else { return queue.nextWake }
        let lingered = isFull(queue) ? now : queue.startedAt + rules.linger
        return max(queue.pausedUntil, max(lingered, now + queue.rateLimit.delay(at: now)))
    }

    /// Fills a call for a queue.
    ///
    /// - Parameter add: puts a record into the request.
    /// - Returns: nil when nothing went in.
    mutating func fill(
        _ queue: ShardQueue, now: Int64, _ add: (PartitionKeyQueue, RawSpan) throws -> Fit,
        left: (RawSpan, PartitionKeyQueue.Passage) throws -> Void
    ) rethrows -> Call? {
        var call = Call(queue: queue, items: [])
        let most = min(rules.batchRecords, queue.limit ?? .max)
        let mostItems = rules.order == .aggregated ? queue.limit ?? .max : most
        // A key that takes part leaves the line until its outcome is known.
        var isFull = false
        while !isFull, call.items.count < mostItems, let key = queue.next {
            queue.removeNext()
            var taken = 0
            let mostOfKey = rules.order == .strict ? 1 : mostItems - call.items.count
            try key.forEachWaiting { place, frame in
                switch try add(key, frame) {
                case .added:
                    call.items.append(Item(key, at: place))
                    taken += 1
                case .full: isFull = true
                case .rejected: finish(.discarded, key, at: place)
                }
                return !isFull && taken < mostOfKey
            }
            key.inFlight = taken
            if taken == 0 {
                try removeDone(key, left)
                // It had no room, or nothing was left of it.
                if key.records > 0 { queue.putBack([key]) }
            }
            // Without the map a container must not move a key away from where its hash is.
            if rules.order == .aggregated, !map.isKnown, taken > 0 { break }
        }
        guard !call.items.isEmpty else { return nil }
        queue.isBusy = true
        queue.startedAt = now
        call.startedAt = now
        return call
    }

    // MARK: - Outcomes

    /// Notes how a call ended.
    ///
    /// - Parameter left: gets each record that is done with, in the order of its key.
    mutating func complete(
        _ call: Call, _ outcome: Outcome, now: Int64,
        _ left: (RawSpan, PartitionKeyQueue.Passage) throws -> Void
    ) rethrows -> Effect {
        call.queue.isBusy = false
        var touched: [PartitionKeyQueue] = []
        var before: UnsafeMutableRawPointer?
        for item in call.items where item.owner.toOpaque() != before {
            before = item.owner.toOpaque()
            guard item.key.inFlight > 0 else { continue }
            item.key.inFlight = 0
            touched.append(item.key)
        }
        let effect = apply(outcome, of: call, now: now)
        for key in touched { try removeDone(key, left) }
        requeue(touched, of: call, hasFailed: effect.failed >= call.items.count, now: now)
        return effect
    }

    /// Takes an outcome over into the records of a call, its queue and its keys.
    private mutating func apply(_ outcome: Outcome, of call: Call, now: Int64) -> Effect {
        let queue = call.queue
        var effect = Effect()
        switch outcome {
        case .answered(let failed) where rules.order == .aggregated && !failed.isEmpty:
            // One container, stored or not as a whole.
            effect.failed = call.items.count
            effect.throttled = failed.values.contains(true)
            if effect.throttled { queue.rateLimit.throttled(at: now) }
            queue.attempts += 1
            queue.pausedUntil =
                now + Int64(rules.entryPause.delay(attempt: queue.attempts) * 1e9)
        case .answered(let failed):
            if failed.isEmpty { effect.delivered = finishAll(call.items) }
            for (index, item) in call.items.enumerated() where !failed.isEmpty {
                if let isThrottle = failed[index] {
                    effect.failed += 1
                    if isThrottle { effect.throttled = true }
                    postpone(item.key, now: now)
                } else {
                    finish(.delivered, item.key, at: item.place)
                    effect.delivered += 1
                    item.key.attempts = 0
                }
            }
            queue.attempts = 0
            if effect.throttled { queue.rateLimit.throttled(at: now) }
            if effect.failed == 0 {
                queue.limit = queue.limit.flatMap { $0 >= rules.batchRecords ? nil : $0 * 2 }
            }
        case .failed(let kind):
            effect.failed = call.items.count
            pause(queue, kind, now: now)
        case .refused(let mayGiveUp):
            effect.failed = call.items.count
            queue.limit = max(1, min(queue.limit ?? .max, call.items.count) / 2)
            if call.items.count == 1 {
                let item = call.items[0]
                if mayGiveUp { effect.bad = item } else { hold(item.key, now: now) }
            }
        }
        return effect
    }

    /// Lets the keys of a call that ended be sent again; what failed as a whole goes first.
    private mutating func requeue(
        _ touched: [PartitionKeyQueue], of call: Call, hasFailed: Bool, now: Int64
    ) {
        let queue = call.queue
        var front: [PartitionKeyQueue] = []
        for key in touched {
            if queue.isRetired || self.queue(for: key.hash) !== queue {
                move(key, now: now)
            } else if !hasFailed {
                queue.list(key, now: now)
            } else if key.records > 0, !key.isListed {
                if key.notBefore > now { queue.list(key, now: now) } else { front.append(key) }
            }
        }
        if !front.isEmpty { queue.putBack(front) }
    }

    /// Notes that a record will not be sent.
    mutating func discard(
        _ item: Item, _ left: (RawSpan, PartitionKeyQueue.Passage) throws -> Void
    ) rethrows {
        // An empty key that is in the line leaves it when its turn comes.
        finish(.discarded, item.key, at: item.place)
        try removeDone(item.key, left)
    }

    private mutating func finish(
        _ fate: PartitionKeyQueue.Fate, _ key: PartitionKeyQueue, at place: Int
    ) {
        let bytes = key.mark(fate, at: place)
        key.remove(records: 1, bytes: bytes)
        key.queue.waitingBytes -= bytes
        key.queue.waitingRecords -= 1
        waiting -= 1
    }

    /// Notes that all of a call was stored.
    ///
    /// - Returns: how many records it had.
    private mutating func finishAll(_ items: [Item]) -> Int {
        var index = 0
        while index < items.count {
            let (key, owner, start) = (items[index].key, items[index].owner.toOpaque(), index)
            var bytes = 0
            while index < items.count, items[index].owner.toOpaque() == owner {
                bytes += key.mark(.delivered, at: items[index].place)
                index += 1
            }
            key.remove(records: index - start, bytes: bytes)
            key.queue.waitingBytes -= bytes
            key.queue.waitingRecords -= index - start
            key.attempts = 0
        }
        waiting -= items.count
        return items.count
    }

    private mutating func removeDone(
        _ key: PartitionKeyQueue, _ left: (RawSpan, PartitionKeyQueue.Passage) throws -> Void
    ) rethrows {
        let before = key.bytesHeld
        defer { bytesHeld -= before - key.bytesHeld }
        try key.removeDone(left)
    }

    private func postpone(_ key: PartitionKeyQueue, now: Int64) {
        guard key.notBefore <= now else { return }
        key.attempts += 1
        key.notBefore = now + Int64(rules.entryPause.delay(attempt: key.attempts) * 1e9)
    }

    private func hold(_ key: PartitionKeyQueue, now: Int64) {
        key.notBefore = now + Int64(Double(rules.holdPause) * Double.random(in: 0.75...1.25))
    }

    /// Ends all pauses, and forgets what made them long: perhaps what failed then works now.
    func restart(now: Int64) {
        for queue in shardQueues {
            queue.pausedUntil = min(queue.pausedUntil, now)
            queue.attempts = 0
            queue.hurryKeys(now: now)
        }
        for key in keys.values { key.attempts = 0 }
    }

    /// Ends the pauses of single keys.
    func hurryKeys(now: Int64) {
        for queue in shardQueues { queue.hurryKeys(now: now) }
    }

    /// True when each key that has records waits out a pause, and no call is under way.
    var isHeld: Bool { shardQueues.allSatisfy { !$0.isBusy && $0.readyCount == 0 } }

    private func pause(_ queue: ShardQueue, _ kind: RetryReason, now: Int64) {
        queue.attempts += 1
        let seconds: Double
        switch kind {
        case .again: seconds = 0
        case .transient: seconds = rules.callPause.delay(attempt: queue.attempts)
        case .throttle:
            queue.rateLimit.throttled(at: now)
            seconds = rules.throttlePause.delay(attempt: queue.attempts)
        case .attention: seconds = Double(rules.holdPause) / 1e9 * Double.random(in: 0.75...1.25)
        case .notReady: seconds = 1
        }
        queue.pausedUntil = now + Int64(seconds * 1e9)
    }
}
