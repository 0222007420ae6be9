import NIOCore
import NIOHTTP1
import Posix
import SimulatedMarket

/// All streams and all their clients.
///
/// Everything here and below belongs to one event loop, which makes the class safe to hand to
/// closures of other threads as long as they come back to `loop` before they use it.
final class StreamHub: @unchecked Sendable {
    let loop: any EventLoop
    let options: StreamOptions
    /// One per symbol.
    private(set) var sources: [SymbolStreams] = []
    /// The clients by number.
    private(set) var connections: [Int: StreamConnection] = [:]
    /// What happened so far.
    var counts = StreamCounts()
    /// How messages are spoiled.
    var faults: MessageFaultPlan
    /// Who may connect.
    var handshakeLimit: HandshakeLimit
    private var sourcesByName: [String: SymbolStreams] = [:]
    private var lastID = 0
    private var run = MessageRun()
    private var nextDiff: Int64
    private var nextSnapshot: Int64
    /// Of the JSON streams, in the order of `JSONStreamKind.steps`.
    private var nextJSON: [Int64]
    private let clock: MarketClock

    /// Shortest time between two ticks, µs; what falls due within it goes out together.
    private static let shortestTick: Int64 = 200

    init(
        _ symbols: [String], _ market: Market.Parameters, _ clock: MarketClock,
        _ options: StreamOptions, _ faults: MessageFaultPlan, loop: any EventLoop
    ) {
        self.loop = loop
        self.options = options
        self.clock = clock
        self.faults = faults
        handshakeLimit = HandshakeLimit(limit: options.connectLimit, window: options.connectWindow)
        let now = Clock.realtimeNanoseconds() / 1000
        nextDiff = now
        nextSnapshot = now
        nextJSON = JSONStreamKind.steps.map { _ in now }
        for (index, symbol) in symbols.enumerated() {
            let source = SymbolStreams(
                index: index, Market(symbol: symbol, market), clock, options, now: now)
            sources.append(source)
            sourcesByName[symbol.lowercased()] = source
        }
    }

    /// Begins to produce.
    func start() {
        loop.execute { [self] in
            if options.flood == 0 { tick() }
            if options.cutInterval > 0 { scheduleCut() }
        }
    }

    /// µs since the epoch.
    func microseconds() -> Int64 { Clock.realtimeNanoseconds() / 1000 }

    /// What produces a stream; nil for one that the venue does not have in that form.
    func source(_ name: StreamName, isJSON: Bool) -> (source: SymbolStreams, kind: StreamKind)? {
        guard let (symbol, kind) = name.parts(isJSON: isJSON), let source = sourcesByName[symbol]
        else {
            return nil
        }
        return (source, kind)
    }

    // MARK: - Clients

    /// Looks at a handshake.
    ///
    /// - Returns: status and text of a refusal; nil for a 101.
    func judge(_ head: HTTPRequestHead, from address: String) -> (Int, String)? {
        var verdict = handshakeLimit.judge(address, at: Clock.monotonicNanoseconds())
        if verdict == nil, case .refused(let status, let text) = Handshake(head, options) {
            verdict = (status, text)
        }
        if let verdict { counts.refused["\(verdict.0)", default: 0] += 1 }
        return verdict
    }

    /// Takes in a client.
    ///
    /// - Returns: its number.
    func add(_ connection: StreamConnection) -> Int {
        lastID += 1
        connections[lastID] = connection
        counts.accepted += 1
        return lastID
    }

    /// Forgets a client.
    func remove(_ connection: StreamConnection) {
        guard connections.removeValue(forKey: connection.id) != nil else { return }
        counts.messages += connection.messagesSent
        counts.culled += connection.culled
    }

    /// A random client; nil when there is none.
    func anyConnection() -> StreamConnection? {
        guard !connections.isEmpty else { return nil }
        let ids = connections.keys.sorted()
        return connections[ids[Int(faults.random() % UInt64(ids.count))]]
    }

    private func scheduleCut() {
        loop.scheduleTask(in: .nanoseconds(Int64(options.cutInterval * 1e9))) { [self] in
            anyConnection()?.perform(.cut)
            scheduleCut()
        }
    }

    // MARK: - Time

    private func tick() {
        let now = microseconds()
        var isDone = true
        for source in sources { isDone = source.advance(to: now, &run) && isDone }
        if now >= nextDiff {
            for source in sources { source.sendDiff(at: now, &run) }
            nextDiff = next(nextDiff, options.depthInterval, now)
        }
        if now >= nextSnapshot {
            for source in sources { source.sendSnapshot(at: now, &run) }
            nextSnapshot = next(nextSnapshot, options.snapshotInterval, now)
        }
        for (index, step) in JSONStreamKind.steps.enumerated() where now >= nextJSON[index] {
            for source in sources { source.sendJSON(every: step, at: now, &run) }
            nextJSON[index] = next(nextJSON[index], Double(step) / 1000, now)
        }
        for connection in connections.values { connection.flush() }
        var due = min(nextDiff, nextSnapshot, nextJSON.min() ?? .max)
        if !clock.isPinned { for source in sources { due = min(due, source.nextDue) } }
        let wait = isDone ? max(due - microseconds(), Self.shortestTick) : 0
        loop.scheduleTask(in: .microseconds(wait)) { self.tick() }
    }

    /// The next time of a regular event that is not over yet.
    private func next(_ last: Int64, _ interval: Double, _ now: Int64) -> Int64 {
        let step = max(1, Int64(interval * 1_000_000))
        return last + ((now - last) / step + 1) * step
    }
}
