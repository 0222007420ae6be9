import AWS
import Posix
import TestSupport
import Testing

@testable import kinesis_put

/// The scheduler as a value: no socket, no clock.
struct SendSchedulerTests {
    /// Four shards, then three, then five, and so on.
    private static func map(_ count: Int, generation: Int) -> ShardMap {
        let width = UInt128.max / UInt128(count)
        return ShardMap(
            (0..<count).map { index in
                ShardMap.Shard(
                    id: "\(generation)-\(index)",
                    start: index == 0 ? 0 : width * UInt128(index) + 1,
                    end: index == count - 1 ? .max : width * UInt128(index + 1))
            }) ?? .unknown
    }

    private static func number(_ frame: RawSpan) -> UInt64 {
        frame.unsafeLoadUnaligned(as: UInt64.self)
    }

    /// A stop has no time for the pauses of an outage that may be over.
    @Test func `a restart ends pauses that failures made long, and begins with short ones`() throws
    {
        var rules = SendRules(order: .aggregated)
        rules.linger = 0
        var scheduler = SendScheduler(rules)
        scheduler.adopt(Self.map(1, generation: 1), now: 0)
        var frame = Bytes(capacity: 8)
        frame.append(bits: UInt64(1))
        scheduler.append(
            frame.span, to: scheduler.key("K"), PartitionKeyQueue.Passage(batch: 0), now: 0)
        let queue = scheduler.shardQueues[0]
        var now: Int64 = 1
        func fail() throws {
            let isDue = scheduler.isDue(queue, now: now)
            #expect(isDue, "at \(now), paused until \(queue.pausedUntil)")
            let call = try #require(
                scheduler.fill(queue, now: now) { _, _ in
                    .added
                } left: { _, _ in
                })
            _ = scheduler.complete(call, .failed(.transient), now: now) { _, _ in }
        }
        for _ in 0..<30 {
            try fail()
            now = max(now, queue.pausedUntil) + 1
        }
        // 20 s at the most, so that some pause is longer than the first ones can be.
        var longest: Int64 = 0
        for _ in 0..<30 {
            try fail()
            longest = max(longest, queue.pausedUntil - now)
            now = max(now, queue.pausedUntil) + 1
        }
        #expect(longest > 1_000_000_000)
        try fail()
        scheduler.restart(now: now)
        for attempt in 1...4 {
            try fail()
            #expect(queue.pausedUntil - now <= 50_000_000 << (attempt - 1))
            now = max(now, queue.pausedUntil) + 1
        }
        #expect(scheduler.waiting == 1)
    }

    /// What the stand-in for the service has stored, and what left the queues.
    private struct World {
        var stored: [(key: String, number: UInt64)] = []
        var settled: [UInt64] = []
        var delivered = 0
    }

    private struct Options: Sendable {
        let seed: UInt64
        let order: OrderRule
        let failures: Bool
    }

    /// Runs random traffic, faults and reshards until all is delivered.
    private static func run(_ options: Options, records: Int, losesReplies: Bool) -> World {
        var random = SeededRandom(options.seed)
        var rules = SendRules(order: options.order, batchRecords: 20, fullBytes: 400)
        rules.linger = 1000
        var scheduler = SendScheduler(rules)
        var world = World()
        var now: Int64 = 1
        var next: UInt64 = 0
        var calls: [(SendScheduler.Call, [(String, UInt64)])] = []
        var bad: Set<UInt64> = []
        var generation = 0
        while next < records || scheduler.waiting > 0 {
            now += Int64.random(in: 1...200_000_000, using: &random)
            for _ in 0..<Int.random(in: 0...30, using: &random) where next < records {
                let key = scheduler.key("K\(Int.random(in: 0..<12, using: &random))")
                var frame = Bytes(capacity: 32)
                frame.append(bits: next)
                for _ in 0..<Int.random(in: 0...3, using: &random) { frame.append(bits: next) }
                if options.failures, UInt64.random(in: 0..<200, using: &random) == 0 {
                    bad.insert(next)
                }
                scheduler.append(frame.span, to: key, PartitionKeyQueue.Passage(batch: 0), now: now)
                next += 1
            }
            if Int.random(in: 0..<40, using: &random) == 0 {
                generation += 1
                scheduler.adopt(
                    map(Int.random(in: 1...6, using: &random), generation: generation), now: now)
            }
            for queue in scheduler.shardQueues where scheduler.isDue(queue, now: now) {
                var sent: [(String, UInt64)] = []
                let call = scheduler.fill(queue, now: now) { key, frame in
                    if sent.count == 20 { return .full }
                    sent.append((key.name, number(frame)))
                    return .added
                } left: { _, _ in
                }
                if let call { calls.append((call, sent)) }
            }
            // A call may end at any time, in any order.
            while let index = calls.indices.randomElement(using: &random),
                Bool.random(using: &random)
            {
                let (call, sent) = calls.remove(at: index)
                end(call, sent)
            }
        }

        func end(_ call: SendScheduler.Call, _ sent: [(String, UInt64)]) {
            var outcome = SendScheduler.Outcome.answered(failed: [:])
            if sent.contains(where: { bad.contains($0.1) }) {
                outcome = .refused(mayGiveUp: true)
            } else if options.failures {
                switch Int.random(in: 0..<10, using: &random) {
                case 0: outcome = .failed(.transient)
                case 1: outcome = .failed(.throttle)
                case 2 where losesReplies:
                    outcome = .failed(.transient)
                    world.stored += sent.map { (key: $0.0, number: $0.1) }
                case 3, 4, 5:
                    var failed: [Int: Bool] = [:]
                    if options.order == .aggregated {
                        failed = [0: true]
                    } else {
                        for index in sent.indices where Int.random(in: 0..<3, using: &random) == 0 {
                            failed[index] = Bool.random(using: &random)
                        }
                    }
                    outcome = .answered(failed: failed)
                    if !failed.isEmpty, options.order == .aggregated { break }
                    for (index, entry) in sent.enumerated() where failed[index] == nil {
                        world.stored.append((key: entry.0, number: entry.1))
                    }
                default: world.stored += sent.map { (key: $0.0, number: $0.1) }
                }
            } else {
                world.stored += sent.map { (key: $0.0, number: $0.1) }
            }
            let effect = scheduler.complete(call, outcome, now: now) { frame, passage in
                if passage.isDelivered { world.settled.append(number(frame)) }
            }
            world.delivered += effect.delivered
            if let item = effect.bad {
                item.key.withFrame(at: item.place) { _ = bad.remove(number($0)) }
                scheduler.discard(item) { #expect(!$1.isDelivered) }
            }
        }
        #expect(scheduler.bytesHeld == 0)
        #expect(scheduler.shardQueues.allSatisfy { $0.waitingBytes == 0 && $0.waitingRecords == 0 })
        return world
    }

    @Test(arguments: 0..<30 as Range<UInt64>, [OrderRule.strict, .aggregated])
    func `order holds for each key and nothing comes twice, whatever fails`(
        _ seed: UInt64, _ order: OrderRule
    ) {
        let world = Self.run(
            Options(seed: seed, order: order, failures: true), records: 1500, losesReplies: false)
        var last: [String: UInt64] = [:]
        for (key, number) in world.stored {
            #expect(
                last[key].map { $0 < number } ?? true, "\(key): \(number) after \(last[key] ?? 0)")
            last[key] = number
        }
        #expect(world.stored.count == world.delivered)
        #expect(world.stored.count > 1400)
        // What leaves the queues does so in the order of each key as well.
        #expect(Set(world.settled) == Set(world.stored.map(\.number)))
    }

    @Test(arguments: 0..<10 as Range<UInt64>, [OrderRule.strict, .aggregated])
    func `lost replies repeat records and disturb no order`(_ seed: UInt64, _ order: OrderRule) {
        let world = Self.run(
            Options(seed: seed, order: order, failures: true), records: 1000, losesReplies: true)
        var last: [String: UInt64] = [:]
        var seen: Set<UInt64> = []
        for (key, number) in world.stored {
            if seen.insert(number).inserted {
                #expect(last[key].map { $0 < number } ?? true)
                last[key] = number
            }
        }
        #expect(seen.count > 900)
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `relaxed calls lose and repeat nothing`(_ seed: UInt64) {
        let world = Self.run(
            Options(seed: seed, order: .relaxed, failures: true), records: 1500,
            losesReplies: false)
        #expect(Set(world.stored.map(\.number)).count == world.stored.count)
        #expect(world.stored.count > 1400)
        let calm = Self.run(
            Options(seed: seed, order: .relaxed, failures: false), records: 500,
            losesReplies: false)
        var last: [String: UInt64] = [:]
        for (key, number) in calm.stored {
            #expect(last[key].map { $0 < number } ?? true)
            last[key] = number
        }
        #expect(calm.stored.count == 500)
    }

    @Test func `a failed record holds back its own key, not its neighbours`() throws {
        var rules = SendRules(order: .strict)
        rules.linger = 0
        var scheduler = SendScheduler(rules)
        var frame = Bytes(capacity: 8)
        frame.append(bits: UInt64(1))
        for name in ["A", "B"] {
            let key = scheduler.key(name)
            for _ in 0..<2 {
                scheduler.append(frame.span, to: key, PartitionKeyQueue.Passage(batch: 0), now: 0)
            }
        }
        func fill(_ now: Int64) -> (SendScheduler.Call?, [String]) {
            var names: [String] = []
            let call = scheduler.fill(scheduler.shardQueues[0], now: now) { key, _ in
                names.append(key.name)
                return .added
            } left: { _, _ in
            }
            return (call, names)
        }
        let (first, names) = fill(1)
        #expect(names == ["A", "B"])
        _ = scheduler.complete(try #require(first), .answered(failed: [0: true]), now: 2) {
            _, _ in
        }
        let (second, later) = fill(3)
        #expect(later == ["B"])
        _ = scheduler.complete(try #require(second), .answered(failed: [:]), now: 4) { _, _ in }
        let queue = scheduler.shardQueues[0]
        #expect(!scheduler.isDue(queue, now: 5))
        #expect(scheduler.isDue(queue, now: 60_000_000_000))
        let (_, last) = fill(60_000_000_000)
        #expect(last == ["A"])
    }

    @Test func `a key under way stays with its shard until its call ends`() throws {
        var rules = SendRules(order: .strict)
        rules.linger = 0
        var scheduler = SendScheduler(rules)
        scheduler.adopt(Self.map(1, generation: 0), now: 0)
        var frame = Bytes(capacity: 8)
        frame.append(bits: UInt64(1))
        let key = scheduler.key("A")
        for _ in 0..<2 {
            scheduler.append(frame.span, to: key, PartitionKeyQueue.Passage(batch: 0), now: 0)
        }
        let old = scheduler.shardQueues[0]
        let call = scheduler.fill(old, now: 1) { _, _ in
            .added
        } left: { _, _ in
        }
        let isNew = scheduler.adopt(Self.map(2, generation: 1), now: 2)
        #expect(isNew)
        #expect(scheduler.shardQueues.allSatisfy { !scheduler.isDue($0, now: 3) })
        _ = scheduler.complete(try #require(call), .answered(failed: [:]), now: 4) { _, _ in }
        let due = scheduler.shardQueues.filter { scheduler.isDue($0, now: 5) }
        #expect(due.count == 1)
        #expect(due.first === scheduler.shardQueues[scheduler.map.index(of: key.hash)])
    }

    @Test func `keys are spread evenly over the shards when asked`() {
        var rules = SendRules(order: .strict)
        rules.spreads = true
        var scheduler = SendScheduler(rules)
        scheduler.adopt(Self.map(4, generation: 0), now: 0)
        var counts: [String: Int] = [:]
        for number in 0..<400 {
            counts[scheduler.key("K\(number)").queue.shard.id, default: 0] += 1
        }
        #expect(counts.count == 4)
        #expect(counts.values.allSatisfy { (60...140).contains($0) })
    }

    @Test func `a shard that throttles is slowed, and let go again`() {
        var rateLimit = ShardRateLimit()
        var now: Int64 = 0
        for _ in 0..<50 {
            now += 20_000_000
            let isFree = rateLimit.allows(at: now)
            #expect(isFree)
            rateLimit.spend(0.04)
            rateLimit.stored(0.04, at: now)
        }
        #expect(rateLimit.rate == nil)
        rateLimit.throttled(at: now)
        let slowed = rateLimit.rate ?? 0
        #expect(slowed > 0 && slowed < 2)
        rateLimit.throttled(at: now + 1)
        #expect(rateLimit.rate == slowed)
        var sent = 0.0
        let start = now
        while now - start < 1_000_000_000 {
            now += 5_000_000
            if rateLimit.allows(at: now) {
                rateLimit.spend(0.02)
                rateLimit.stored(0.02, at: now)
                sent += 0.02
            }
        }
        #expect(sent <= slowed * 1.5 + 0.1)
        for _ in 0..<100 {
            now += 1_000_000_000
            _ = rateLimit.allows(at: now)
        }
        #expect(rateLimit.rate == nil)
    }
}
