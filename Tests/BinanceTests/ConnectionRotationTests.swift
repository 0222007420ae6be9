import Binance
import Identity
import Records
import TestSupport
import Testing
import Transport

/// Connections that follow each other, with time and chance as parameters.
struct ConnectionRotationTests {
    private static let second: Int64 = 1_000_000_000

    private func rotation(
        _ change: (inout ConnectionRotation.Rules) -> Void = { _ in }
    ) -> (ConnectionRotation, SeededRandom) {
        var rules = ConnectionRotation.Rules()
        rules.maximumAge = 1000 * Self.second
        change(&rules)
        return (ConnectionRotation(rules, at: 0), SeededRandom(5))
    }

    @Test func `it connects at once, and once`() {
        var (rotation, random) = rotation()
        #expect(rotation.step(at: 0) == .connect(.current))
        rotation.opening(.current)
        #expect(rotation.step(at: 0) == nil)
        rotation.opened(.current, at: 1, using: &random)
        #expect(rotation.current == .open(since: 1) && rotation.step(at: 2) == nil)
    }

    @Test func `it is replaced before it is too old, and closed once the new one has delivered`() {
        var (rotation, random) = rotation()
        rotation.opening(.current)
        rotation.opened(.current, at: 0, using: &random)
        #expect(rotation.step(at: 949 * Self.second) == nil)
        #expect(rotation.step(at: 1000 * Self.second) == .connect(.next))
        rotation.opening(.next)
        #expect(rotation.step(at: 1001 * Self.second) == nil)
        rotation.opened(.next, at: 1001 * Self.second, using: &random)
        #expect(rotation.step(at: 1002 * Self.second) == nil)
        #expect(rotation.step(at: 1003 * Self.second, hasCaughtUp: true) == .retire)
        #expect(rotation.next == nil && rotation.current == .open(since: 1001 * Self.second))
        #expect(rotation.step(at: 1500 * Self.second) == nil)
        #expect(rotation.step(at: 2001 * Self.second) == .connect(.next))
    }

    @Test func `a connection that is cut again and again, but delivers between, comes back soon`() {
        var (rotation, random) = rotation()
        var now: Int64 = 0
        for _ in 0..<20 {
            rotation.opening(.current)
            rotation.opened(.current, at: now, using: &random)
            now += 5 * Self.second
            rotation.lost(.current, at: now, using: &random)
            #expect(rotation.attempts == 1)
            #expect(rotation.step(at: now + Self.second) == .connect(.current))
            now += Self.second
        }
        // One that goes at once is left alone for longer and longer.
        for loss in 2..<8 as Range<Int> {
            rotation.opening(.current)
            rotation.opened(.current, at: now, using: &random)
            rotation.lost(.current, at: now + 1, using: &random)
            #expect(rotation.attempts == loss)
        }
    }

    @Test func `a quiet stream does not keep two connections open for ever`() {
        var (rotation, random) = rotation()
        rotation.opening(.current)
        rotation.opened(.current, at: 0, using: &random)
        rotation.announceEnd(of: .current, at: 10)
        #expect(rotation.step(at: 10) == .connect(.next))
        rotation.opening(.next)
        rotation.opened(.next, at: 20, using: &random)
        #expect(rotation.step(at: 20 + 9 * Self.second) == nil)
        #expect(rotation.step(at: 20 + 10 * Self.second) == .retire)
    }

    @Test func `a connection that was not read to its end stays, however old it is`() {
        var (rotation, random) = rotation()
        rotation.opening(.current)
        rotation.opened(.current, at: 0, using: &random)
        rotation.announceEnd(of: .current, at: 10)
        _ = rotation.step(at: 10)
        rotation.opening(.next)
        rotation.opened(.next, at: 20, using: &random)
        let late = 100 * Self.second
        #expect(rotation.step(at: late, hasCaughtUp: true, mayRetire: false) == nil)
        #expect(rotation.step(at: late, mayRetire: false) == nil)
        #expect(rotation.step(at: late) == .retire)
    }

    @Test func `a successor takes over at once when the old one is lost`() {
        var (rotation, random) = rotation()
        rotation.opening(.current)
        rotation.opened(.current, at: 0, using: &random)
        rotation.announceEnd(of: .current, at: 10)
        _ = rotation.step(at: 10)
        rotation.opening(.next)
        #expect(rotation.lost(.current, at: 20, using: &random) == true)
        #expect(rotation.current == .opening && rotation.next == nil)
        rotation.opened(.current, at: 30, using: &random)
        #expect(rotation.current == .open(since: 30))
    }

    @Test func `a successor that fails is tried again while the old one goes on`() {
        var (rotation, random) = rotation()
        rotation.opening(.current)
        rotation.opened(.current, at: 0, using: &random)
        rotation.announceEnd(of: .current, at: 10)
        _ = rotation.step(at: 10)
        rotation.opening(.next)
        #expect(rotation.lost(.next, at: 20, using: &random) == false)
        #expect(rotation.current == .open(since: 0))
        #expect(rotation.step(at: 20 + 2 * Self.second) == .connect(.next))
    }

    @Test func `pauses grow with full jitter up to the cap, and nobody gives up`() {
        var (rotation, random) = rotation { $0.backoff = Backoff(base: 1, cap: 8) }
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<200 {
            rotation.opening(.current)
            rotation.lost(.current, at: now, using: &random)
            guard case .waiting(let until) = rotation.current else {
                Issue.record("not waiting")
                return
            }
            pauses.append(until - now)
            now = until
            #expect(rotation.step(at: now) == .connect(.current))
        }
        #expect(pauses.allSatisfy { (0...8 * Self.second).contains($0) })
        #expect(pauses[0] <= Self.second && pauses[1] <= 2 * Self.second)
        #expect(
            pauses.contains { $0 > 6 * Self.second } && pauses.contains { $0 < 2 * Self.second })
    }

    @Test func `a connection that lasted makes the next loss the first`() {
        var (rotation, random) = rotation()
        for _ in 0..<6 {
            rotation.opening(.current)
            rotation.lost(.current, at: 0, using: &random)
        }
        #expect(rotation.attempts == 6)
        rotation.opening(.current)
        rotation.opened(.current, at: 0, using: &random)
        rotation.lost(.current, at: 11 * Self.second, using: &random)
        #expect(rotation.attempts == 1)
    }

    @Test func `the venue's own pause is the least`() {
        var (rotation, random) = rotation()
        rotation.opening(.current)
        rotation.lost(.current, at: 0, least: 90 * Self.second, using: &random)
        #expect(rotation.step(at: 90 * Self.second - 1) == nil)
        #expect(rotation.step(at: 90 * Self.second) == .connect(.current))
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
        let plan = StreamPlan(symbols: symbols(count), kinds: StreamKind.inSBE)
        #expect(plan.subscriptions.count == count * 4)
        #expect(Set(plan.subscriptions).count == count * 4)
        var next = 0
        for (index, group) in plan.groups.enumerated() {
            #expect(group.lowerBound == next && !group.isEmpty)
            next = group.upperBound
            #expect(group.count <= StreamPlan.maximumStreams)
            let target = plan.url(base: "", group: index)
            #expect(target.utf8.count <= StreamPlan.maximumTarget(of: .sbe))
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
