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
struct LaneRules: Sendable {
    var order: OrderRule
    /// Records a call, 1 to 500 (Kinesis API Reference, "PutRecords").
    var batchRecords = 500
    /// Bytes of waiting frames at which a call starts without waiting for more.
    var fullBytes = 1 << 20
    /// Least time from the start of one call to that of the next one that is not full, ns.
    var linger: Int64 = 20_000_000
    /// Pauses of a key, or of a container, that was not stored.
    var entryPause = Backoff(base: 0.1, cap: 5)
    /// Pauses of a lane whose call failed.
    var callPause = Backoff(base: 0.05, cap: 20)
    var throttlePause = Backoff(base: 1, cap: 20)
    /// Pause of a lane that needs a person, ns.
    var holdPause: Int64 = 30_000_000_000
    /// Keys are spread evenly over the shards instead of going where their hash is.
    var spreads = false
}

/// Which records go next, to which shard, and what becomes of them: the records of one stream by
/// partition key, the keys by lane.
///
/// Knows nothing of requests and clocks: a caller asks for calls and tells how they ended. Records
/// of a key are never under way twice, so what failed goes again before what follows it.
struct Lanes {
    let rules: LaneRules
    private(set) var map = ShardMap.unknown
    private(set) var lanes: [Lane]
    private(set) var keys: [String: KeyQueue] = [:]
    /// Records that are not delivered.
    private(set) var waiting = 0
    /// Bytes that the queues take up.
    private(set) var bytesHeld = 0

    init(_ rules: LaneRules) {
        self.rules = rules
        lanes = [Lane(map.shards[0])]
    }

    // MARK: - Keys

    /// The queue of a partition key.
    mutating func key(_ name: String) -> KeyQueue {
        if let key = keys[name] { return key }
        let hash = HashKey.of(name) ?? 0
        let lane = lane(for: hash)
        let key = KeyQueue(name: name, hash: hash, suffix: suffix(name, lane), lane: lane)
        keys[name] = key
        return key
    }

    /// Adds a record to a key.
    mutating func append(_ frame: RawSpan, to key: KeyQueue, batch: UInt32, now: Int64) {
        key.append(frame, batch: batch)
        waiting += 1
        bytesHeld += frame.byteCount + KeyQueue.headerLength
        key.lane.waitingBytes += frame.byteCount + KeyQueue.headerLength
        key.lane.waitingRecords += 1
        if !key.isListed { key.lane.list(key, now: now) }
    }

    private func lane(for hash: UInt128) -> Lane {
        lanes[
            rules.spreads && map.isKnown
                ? Int(hash % UInt128(lanes.count)) : map.index(of: hash)]
    }

    private func suffix(_ name: String, _ lane: Lane) -> RecordSuffix {
        RecordSuffix(
            partitionKey: name,
            explicitHash: rules.spreads && map.isKnown ? lane.shard.start : nil)
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
        let before = lanes
        self.map = map
        lanes = map.shards.map { shard in
            before.first { $0.shard == shard && !$0.shard.id.isEmpty } ?? Lane(shard)
        }
        for lane in before {
            let isKept = lanes.contains { $0 === lane }
            lane.isRetired = !isKept
            for key in lane.removeAll() { move(key, now: now) }
        }
        for key in keys.values where key.inFlight == 0 && key.records == 0 { move(key, now: now) }
        return true
    }

    private func move(_ key: KeyQueue, now: Int64) {
        let lane = lane(for: key.hash)
        key.lane.waitingBytes -= key.waitingBytes
        key.lane.waitingRecords -= key.records
        lane.waitingBytes += key.waitingBytes
        lane.waitingRecords += key.records
        key.lane = lane
        key.suffix = suffix(key.name, lane)
        lane.list(key, now: now)
    }

    // MARK: - Calls

    /// A record in a call.
    struct Item {
        let key: KeyQueue
        let place: Int
    }

    /// Records that go together.
    struct Call {
        let lane: Lane
        var items: [Item]
        /// Shard-seconds, see ``Pace``.
        var cost = 0.0
        /// Ns of the monotonic clock.
        var startedAt: Int64 = 0
    }

    /// Whether a record went into a call.
    enum Fit {
        case added
        /// There is no room: it goes with the next one.
        case full
        /// It can never be sent, and has been put elsewhere.
        case rejected
    }

    /// True when a lane has something to send and may.
    func isDue(_ lane: Lane, now: Int64) -> Bool {
        guard !lane.isBusy, !lane.isRetired else { return false }
        lane.wake(at: now)
        guard lane.readyCount > 0, lane.pausedUntil <= now else { return false }
        guard isFull(lane) || now - lane.startedAt >= rules.linger else { return false }
        return lane.pace.allows(at: now)
    }

    /// True when a call would not carry more if it started later.
    private func isFull(_ lane: Lane) -> Bool {
        switch rules.order {
        // A key that has more than one record waits for this call to end.
        case .strict:
            lane.readyCount >= rules.batchRecords || lane.waitingRecords > lane.readyCount
        case .relaxed:
            lane.waitingRecords >= rules.batchRecords || lane.waitingBytes >= rules.fullBytes
        case .aggregated: lane.waitingBytes >= rules.fullBytes
        }
    }

    /// When ``isDue(_:now:)`` may become true without anything happening; nil when not.
    func dueTime(_ lane: Lane, now: Int64) -> Int64? {
        guard !lane.isBusy, !lane.isRetired else { return nil }
        guard lane.readyCount > 0 else { return lane.nextWake }
        let lingered = isFull(lane) ? now : lane.startedAt + rules.linger
        return max(lane.pausedUntil, max(lingered, now + lane.pace.delay(at: now)))
    }

    /// Fills a call for a lane.
    ///
    /// - Parameter add: puts a record into the request.
    /// - Returns: nil when nothing went in.
    mutating func fill(
        _ lane: Lane, now: Int64, _ add: (KeyQueue, RawSpan) throws -> Fit,
        settled: (RawSpan, UInt32, Bool) throws -> Void
    ) rethrows -> Call? {
        var call = Call(lane: lane, items: [])
        let most = min(rules.batchRecords, lane.limit ?? .max)
        let mostItems = rules.order == .aggregated ? lane.limit ?? .max : most
        // A key that takes part leaves the line until its outcome is known.
        var isFull = false
        while !isFull, call.items.count < mostItems, let key = lane.next {
            lane.removeNext()
            var place = key.start
            var taken = 0
            while !isFull, place < key.end, call.items.count < mostItems {
                if rules.order == .strict, taken == 1 { break }
                if key.isDone(at: place) {
                    place = key.place(after: place)
                    continue
                }
                switch try key.withFrame(at: place, { try add(key, $0) }) {
                case .added:
                    call.items.append(Item(key: key, place: place))
                    taken += 1
                case .full: isFull = true
                case .rejected: finish(.discarded, key, at: place)
                }
                place = key.place(after: place)
            }
            key.inFlight = taken
            if taken == 0 {
                try settle(key, settled)
                // It had no room, or nothing was left of it.
                if key.records > 0 { lane.putBack([key]) }
            }
            // Without the map a container must not move a key away from where its hash is.
            if rules.order == .aggregated, !map.isKnown, taken > 0 { break }
        }
        guard !call.items.isEmpty else { return nil }
        lane.isBusy = true
        lane.startedAt = now
        call.startedAt = now
        return call
    }

    // MARK: - Outcomes

    /// How a call ended.
    enum Outcome {
        /// The service answered for each of its records: those that were not stored, by place.
        case answered(failed: [Int: Bool])
        /// The whole call is to go again, after a pause.
        case failed(KindOfFailure)
        /// A record in it is bad, and which one is not known; or the service would refuse any.
        /// A record that is refused alone is given up when `othersPass`; otherwise its key waits,
        /// while the other keys of the lane go on.
        case refused(othersPass: Bool)
    }

    /// Why a call is to go again.
    enum KindOfFailure {
        case again, transient, throttle, attention, notReady
    }

    /// What a call's end meant.
    struct Effect {
        var delivered = 0
        var failed = 0
        var throttled = false
        /// The one record that the service will not take: the caller puts it elsewhere and calls
        /// ``discard(_:)``.
        var bad: Item?
    }

    /// Notes how a call ended.
    ///
    /// - Parameter settled: gets each record that is done with, in the order of its key.
    mutating func settle(
        _ call: Call, _ outcome: Outcome, now: Int64,
        _ settled: (RawSpan, UInt32, Bool) throws -> Void
    ) rethrows -> Effect {
        let lane = call.lane
        lane.isBusy = false
        var effect = Effect()
        var touched: [KeyQueue] = []
        for item in call.items where item.key.inFlight > 0 {
            item.key.inFlight = 0
            touched.append(item.key)
        }
        switch outcome {
        case .answered(let failed) where rules.order == .aggregated && !failed.isEmpty:
            // One container, stored or not as a whole.
            effect.failed = call.items.count
            effect.throttled = failed.values.contains(true)
            if effect.throttled { lane.pace.throttled(at: now) }
            lane.attempts += 1
            lane.pausedUntil =
                now + Int64(rules.entryPause.delay(attempt: lane.attempts) * 1e9)
        case .answered(let failed):
            for (index, item) in call.items.enumerated() {
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
            lane.attempts = 0
            if effect.throttled { lane.pace.throttled(at: now) }
            if effect.failed == 0 {
                lane.limit = lane.limit.flatMap { $0 >= rules.batchRecords ? nil : $0 * 2 }
            }
        case .failed(let kind):
            effect.failed = call.items.count
            pause(lane, kind, now: now)
        case .refused(let othersPass):
            effect.failed = call.items.count
            lane.limit = max(1, min(lane.limit ?? .max, call.items.count) / 2)
            if call.items.count == 1 {
                let item = call.items[0]
                if othersPass { effect.bad = item } else { hold(item.key, now: now) }
            }
        }
        for key in touched { try settle(key, settled) }
        var front: [KeyQueue] = []
        for key in touched {
            if lane.isRetired || self.lane(for: key.hash) !== lane {
                move(key, now: now)
            } else if effect.failed < call.items.count {
                lane.list(key, now: now)
            } else if key.records > 0, !key.isListed {
                if key.notBefore > now { lane.list(key, now: now) } else { front.append(key) }
            }
        }
        if !front.isEmpty { lane.putBack(front) }
        return effect
    }

    /// Notes that a record will not be sent.
    mutating func discard(
        _ item: Item, _ settled: (RawSpan, UInt32, Bool) throws -> Void
    ) rethrows {
        // An empty key that stands in the line leaves it when its turn comes.
        finish(.discarded, item.key, at: item.place)
        try settle(item.key, settled)
    }

    private mutating func finish(_ fate: KeyQueue.Fate, _ key: KeyQueue, at place: Int) {
        key.lane.waitingBytes -= key.length(at: place)
        key.lane.waitingRecords -= 1
        key.finish(fate, at: place)
        waiting -= 1
    }

    private mutating func settle(
        _ key: KeyQueue, _ settled: (RawSpan, UInt32, Bool) throws -> Void
    ) rethrows {
        let before = key.bytesHeld
        defer { bytesHeld -= before - key.bytesHeld }
        try key.settle(settled)
    }

    private func postpone(_ key: KeyQueue, now: Int64) {
        guard key.notBefore <= now else { return }
        key.attempts += 1
        key.notBefore = now + Int64(rules.entryPause.delay(attempt: key.attempts) * 1e9)
    }

    private func hold(_ key: KeyQueue, now: Int64) {
        key.notBefore = now + Int64(Double(rules.holdPause) * Double.random(in: 0.75...1.25))
    }

    /// Ends the pauses of single keys.
    func hurryKeys(now: Int64) {
        for lane in lanes { lane.hurryKeys(now: now) }
    }

    /// True when each key that has records waits out a pause, and no call is under way.
    var isHeld: Bool { lanes.allSatisfy { !$0.isBusy && $0.readyCount == 0 } }

    private func pause(_ lane: Lane, _ kind: KindOfFailure, now: Int64) {
        lane.attempts += 1
        let seconds: Double
        switch kind {
        case .again: seconds = 0
        case .transient: seconds = rules.callPause.delay(attempt: lane.attempts)
        case .throttle:
            lane.pace.throttled(at: now)
            seconds = rules.throttlePause.delay(attempt: lane.attempts)
        case .attention: seconds = Double(rules.holdPause) / 1e9 * Double.random(in: 0.75...1.25)
        case .notReady: seconds = 1
        }
        lane.pausedUntil = now + Int64(seconds * 1e9)
    }
}
