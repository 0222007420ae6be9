import Binance
import Identity
import Records
import TestSupport
import Testing
import Transport

/// Connections that follow each other, with time and chance as parameters.
struct LaneTests {
    private static let second: Int64 = 1_000_000_000

    private func lane(
        _ change: (inout Lane.Rules) -> Void = { _ in }
    ) -> (Lane, SeededRandom) {
        var rules = Lane.Rules()
        rules.maximumAge = 1000 * Self.second
        change(&rules)
        return (Lane(rules, at: 0), SeededRandom(5))
    }

    @Test func `it connects at once, and once`() {
        var (lane, random) = lane()
        #expect(lane.step(at: 0) == .connect(.current))
        lane.opening(.current)
        #expect(lane.step(at: 0) == nil)
        lane.opened(.current, at: 1, using: &random)
        #expect(lane.current == .open(since: 1) && lane.step(at: 2) == nil)
    }

    @Test func `it is replaced before it is too old, and closed once the new one has delivered`() {
        var (lane, random) = lane()
        lane.opening(.current)
        lane.opened(.current, at: 0, using: &random)
        #expect(lane.step(at: 949 * Self.second) == nil)
        #expect(lane.step(at: 1000 * Self.second) == .connect(.next))
        lane.opening(.next)
        #expect(lane.step(at: 1001 * Self.second) == nil)
        lane.opened(.next, at: 1001 * Self.second, using: &random)
        #expect(lane.step(at: 1002 * Self.second) == nil)
        #expect(lane.step(at: 1003 * Self.second, hasCaughtUp: true) == .retire)
        #expect(lane.next == nil && lane.current == .open(since: 1001 * Self.second))
        #expect(lane.step(at: 1500 * Self.second) == nil)
        #expect(lane.step(at: 2001 * Self.second) == .connect(.next))
    }

    @Test func `a connection that is cut again and again, but delivers between, comes back soon`() {
        var (lane, random) = lane()
        var now: Int64 = 0
        for _ in 0..<20 {
            lane.opening(.current)
            lane.opened(.current, at: now, using: &random)
            now += 5 * Self.second
            lane.lost(.current, at: now, using: &random)
            #expect(lane.attempts == 1)
            #expect(lane.step(at: now + Self.second) == .connect(.current))
            now += Self.second
        }
        // One that goes at once is left alone for longer and longer.
        for loss in 2..<8 as Range<Int> {
            lane.opening(.current)
            lane.opened(.current, at: now, using: &random)
            lane.lost(.current, at: now + 1, using: &random)
            #expect(lane.attempts == loss)
        }
    }

    @Test func `a quiet stream does not keep two connections open for ever`() {
        var (lane, random) = lane()
        lane.opening(.current)
        lane.opened(.current, at: 0, using: &random)
        lane.announceEnd(of: .current, at: 10)
        #expect(lane.step(at: 10) == .connect(.next))
        lane.opening(.next)
        lane.opened(.next, at: 20, using: &random)
        #expect(lane.step(at: 20 + 9 * Self.second) == nil)
        #expect(lane.step(at: 20 + 10 * Self.second) == .retire)
    }

    @Test func `a connection that was not read to its end stays, however old it is`() {
        var (lane, random) = lane()
        lane.opening(.current)
        lane.opened(.current, at: 0, using: &random)
        lane.announceEnd(of: .current, at: 10)
        _ = lane.step(at: 10)
        lane.opening(.next)
        lane.opened(.next, at: 20, using: &random)
        let late = 100 * Self.second
        #expect(lane.step(at: late, hasCaughtUp: true, mayRetire: false) == nil)
        #expect(lane.step(at: late, mayRetire: false) == nil)
        #expect(lane.step(at: late) == .retire)
    }

    @Test func `a successor takes over at once when the old one is lost`() {
        var (lane, random) = lane()
        lane.opening(.current)
        lane.opened(.current, at: 0, using: &random)
        lane.announceEnd(of: .current, at: 10)
        _ = lane.step(at: 10)
        lane.opening(.next)
        #expect(lane.lost(.current, at: 20, using: &random) == true)
        #expect(lane.current == .opening && lane.next == nil)
        lane.opened(.current, at: 30, using: &random)
        #expect(lane.current == .open(since: 30))
    }

    @Test func `a successor that fails is tried again while the old one goes on`() {
        var (lane, random) = lane()
        lane.opening(.current)
        lane.opened(.current, at: 0, using: &random)
        lane.announceEnd(of: .current, at: 10)
        _ = lane.step(at: 10)
        lane.opening(.next)
        #expect(lane.lost(.next, at: 20, using: &random) == false)
        #expect(lane.current == .open(since: 0))
        #expect(lane.step(at: 20 + 2 * Self.second) == .connect(.next))
    }

    @Test func `pauses grow with full jitter up to the cap, and nobody gives up`() {
        var (lane, random) = lane { $0.backoff = Backoff(base: 1, cap: 8) }
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<200 {
            lane.opening(.current)
            lane.lost(.current, at: now, using: &random)
            guard case .waiting(let until) = lane.current else {
                Issue.record("not waiting")
                return
            }
            pauses.append(until - now)
            now = until
            #expect(lane.step(at: now) == .connect(.current))
        }
        #expect(pauses.allSatisfy { (0...8 * Self.second).contains($0) })
        #expect(pauses[0] <= Self.second && pauses[1] <= 2 * Self.second)
        #expect(
            pauses.contains { $0 > 6 * Self.second } && pauses.contains { $0 < 2 * Self.second })
    }

    @Test func `a connection that lasted makes the next loss the first`() {
        var (lane, random) = lane()
        for _ in 0..<6 {
            lane.opening(.current)
            lane.lost(.current, at: 0, using: &random)
        }
        #expect(lane.attempts == 6)
        lane.opening(.current)
        lane.opened(.current, at: 0, using: &random)
        lane.lost(.current, at: 11 * Self.second, using: &random)
        #expect(lane.attempts == 1)
    }

    @Test func `the venue's own pause is the least`() {
        var (lane, random) = lane()
        lane.opening(.current)
        lane.lost(.current, at: 0, least: 90 * Self.second, using: &random)
        #expect(lane.step(at: 90 * Self.second - 1) == nil)
        #expect(lane.step(at: 90 * Self.second) == .connect(.current))
    }
}

/// Which streams go over which connection.
struct StreamPlanTests {
    private func symbols(_ count: Int) -> [SymbolName] {
        (0..<count).compactMap { SymbolName("SYM\($0)USDT") }
    }

    @Test func `streams stand in the URL, lower case, with a slash between them`() throws {
        let symbols = [try #require(SymbolName("BTCUSDT")), try #require(SymbolName("币456"))]
        let plan = StreamPlan(symbols: symbols, kinds: [.trade, .depth20])
        let wanted =
            "wss://host:9443/stream?streams=btcusdt@trade/btcusdt@depth20"
            + "/%E5%B8%81456@trade/%E5%B8%81456@depth20"
        for base in [
            "wss://host:9443", "wss://host:9443/", "wss://host:9443/ws", "wss://host:9443/stream",
        ] {
            #expect(plan.url(base: base, group: 0) == wanted)
        }
    }

    @Test(arguments: [1, 7, 300, 1500])
    func `no connection has too many streams or too long a URL, and no stream is left out`(
        count: Int
    ) {
        let plan = StreamPlan(symbols: symbols(count), kinds: StreamKind.allCases)
        #expect(plan.subscriptions.count == count * 4)
        #expect(Set(plan.subscriptions).count == count * 4)
        var next = 0
        for (index, group) in plan.groups.enumerated() {
            #expect(group.lowerBound == next && !group.isEmpty)
            next = group.upperBound
            #expect(group.count <= StreamPlan.maximumStreams)
            let target = plan.url(base: "", group: index)
            #expect(target.utf8.count <= StreamPlan.maximumTarget)
        }
        #expect(next == count * 4)
        #expect(
            StreamPlan(symbols: symbols(count), kinds: [.trade], streams: 100, target: .max).groups
                .count == (count + 99) / 100)
    }

    @Test(arguments: [
        (#"{"e":"serverShutdown","E":1770123456789}"#, StreamNotice.shutdown),
        (#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#, .shutdown),
        (#"{"code":2,"msg":"bad","id":3}"#, .error(VenueError(code: 2, message: "bad"))),
        (#"{"error":{"code":3,"msg":"x"},"id":1}"#, .error(VenueError(code: 3, message: "x"))),
        (#"{"result":null,"id":1}"#, .other), ("", .other), ("nonsense", .other),
        (#"{"e":"trade"}"#, .other), (#"["serverShutdown"]"#, .other),
    ])
    func `text frames are understood in both of their forms`(text: String, notice: StreamNotice) {
        #expect(StreamNotice(Array(text.utf8).span.bytes) == notice)
    }
}
