import Binance
import Encoding
import Glibc
import Posix
import Records
import Stage
import Stats
import Transport

/// The live source: connections, what their messages go through, and standard output, on one thread
/// with one poll loop.
struct Tap: ~Copyable {
    private let plan: TapOptions
    private let subscriptions: Subscriptions
    private let reloads: Reloads
    private let log: Log
    private var counters: TapCounters
    private var connections: ConnectionPool
    private var pump: MessagePump
    private var snapshots: BookSnapshots?
    /// True where there are some: looking at them themselves would move them all.
    private let hasSnapshots: Bool
    private var warnings: TapWarnings
    private var watched: [pollfd] = []
    /// What the last wait has shown.
    private var isStopAsked = false
    private var hasReload = false

    init(_ plan: TapOptions, in stage: borrowing Stage) throws {
        let fetches = plan.merge.takesSnapshots && !plan.capturesRaw
        let snapshots = fetches ? try BookSnapshots(plan.rest, log: stage.log) : nil
        let counters = TapCounters(stage, slots: plan.connections)
        let pump = try MessagePump(plan, counters, log: stage.log)
        let subscriptions = Subscriptions(plan.streams)
        self.plan = plan
        self.subscriptions = subscriptions
        reloads = stage.reloads
        self.counters = counters
        hasSnapshots = fetches
        self.snapshots = snapshots
        self.pump = pump
        log = stage.log
        connections = ConnectionPool(plan, subscriptions, counters, log: log)
        warnings = TapWarnings(plan, subscriptions, log: log)
    }

    // MARK: - The loop

    mutating func run(in stage: borrowing Stage) throws {
        if let reason = plan.jsonReason { log.info("using the venue's JSON streams: \(reason)") }
        log.info(
            "starting",
            [
                "url": "\(plan.baseURL)", "encoding": "\(plan.streams.encoding.rawValue)",
                "streams": "\(plan.streams.subscriptions.count)",
                "connections": "\(connections.slots.count)",
            ])
        do {
            try loop(in: stage)
        } catch {
            // What was received is worth writing whatever ends the program.
            if connections.hasEverOpened { try? end() }
            throw error
        }
        stage.enter(.draining)
        try end()
        guard connections.hasEverOpened || stage.isStopping else {
            let reason = connections.lastRefusal
            throw StageFailure(
                .unavailable,
                "no connection to \(plan.baseURL.withoutUserInfo) could be opened in the time given"
                    + (reason.isEmpty ? "" : ": \(reason)"))
        }
    }

    private mutating func loop(in stage: borrowing Stage) throws {
        stage.enter(.connecting)
        var isRunning = false
        while !isOver(stage) {
            if connections.hasEverOpened, !isRunning {
                isRunning = true
                stage.enter(.running)
            }
            if hasReload, let new = reloads.take(TapOptions.self) { change(to: new.streams) }
            let now = Clock.monotonicNanoseconds()
            for place in connections.slots.indices { try advance(place, at: now) }
            let wasFull = pump.output.isFull
            wait(stage.stopDescriptor)
            let woken = counters.heartbeat.beat()
            if wasFull { noteBlocked(since: now) }
            try work(at: woken)
            try settle(at: woken)
        }
    }

    private func isOver(_ stage: borrowing Stage) -> Bool {
        if pump.hasReachedLimit || isStopAsked { return true }
        guard let duration = plan.duration else { return false }
        return Double(Clock.monotonicNanoseconds() - connections.startedAt) >= duration * 1e9
    }

    /// Waits for whatever comes first.
    private mutating func wait(_ stop: Int32) {
        watched.removeAll(keepingCapacity: true)
        watched.append(pollfd(fd: stop, events: Int16(POLLIN), revents: 0))
        watched.append(pollfd(fd: reloads.descriptor, events: Int16(POLLIN), revents: 0))
        var timeout: Int64 = 1000
        for place in connections.slots.indices {
            if let connection = connections.slots[place].current {
                watch(connection, place, &timeout)
            }
            if let connection = connections.slots[place].next { watch(connection, place, &timeout) }
            if connections.slots[place].rotation.isWaiting { timeout = min(timeout, 20) }
        }
        if pump.output.buffered > 0 || pump.output.spilled > 0 {
            watched.append(pollfd(fd: pump.output.pollable, events: Int16(POLLOUT), revents: 0))
        }
        if pump.merge.waiting > 0 { timeout = min(timeout, 20) }
        if hasSnapshots, snapshotsAreBusy { timeout = min(timeout, 5) }
        let rest = shortTimeout
        timeout = min(timeout, rest)
        let count = poll(&watched, UInt(watched.count), Int32(timeout))
        // Not asked for by calls of their own, which would be two a message.
        isStopAsked = count > 0 && watched[0].revents != 0
        hasReload = count > 0 && watched[1].revents != 0
        guard count > 0 else { return }
        for place in connections.slots.indices {
            connections.slots[place].current?.noteReadable(watched)
            connections.slots[place].next?.noteReadable(watched)
        }
    }

    /// Adds a connection to those that are waited for, and shortens the wait where it has to be.
    private mutating func watch(
        _ connection: TapConnection, _ place: Int, _ timeout: inout Int64
    ) {
        connection.pollIndex = -1
        let phase = connection.transport.phase
        if phase == .connecting {
            // curl has no descriptor to give yet.
            timeout = min(timeout, 2)
        } else if phase != .open || isRead(connection, place) {
            // What TLS has decrypted already shows in no descriptor.
            if connection.isReadable && phase == .open { timeout = 0 }
            connection.pollIndex = watched.count
            let events = connection.isCongested ? POLLIN | POLLOUT : POLLIN
            watched.append(
                pollfd(fd: connection.transport.descriptor, events: Int16(events), revents: 0))
        }
        if connection.owesPong || connection.owesRequest { timeout = min(timeout, 50) }
    }

    private var snapshotsAreBusy: Bool {
        switch snapshots {
        case .some(let snapshots): snapshots.isBusy
        case nil: false
        }
    }

    /// Milliseconds until a time that the user set may have come.
    private var shortTimeout: Int64 {
        var shortest = min(plan.stallTimeout, plan.firstDataTimeout)
        if let duration = plan.duration {
            let left = duration - Double(Clock.monotonicNanoseconds() - connections.startedAt) / 1e9
            shortest = min(shortest, max(0, left))
        }
        let age = Double(plan.rotation.maximumAge) / 1e9 / 4
        return Int64(min(max(shortest, 0.001) * 1000, max(age * 1000, 1), 1000)) + 1
    }

    private mutating func noteBlocked(since start: Int64) {
        let now = Clock.monotonicNanoseconds()
        counters.blocked.add(Int(now - start))
        // The stage did not read: that is not the venue's silence.
        connections.noteBacklog(at: now)
    }

    // MARK: - Connections

    /// Opens, replaces and retires the connections of a slot as it is time to.
    private mutating func advance(_ place: Int, at now: Int64) throws {
        // What the buffers of the current one hold would be lost with it, and the successor may have
        // begun after it.
        let current = connections.slots[place].current
        let isReadEmpty =
            current.map { !pump.output.isFull && !$0.isReadable && $0.backlog == nil } ?? true
        try connections.advance(
            place, at: now, hasCaughtUp: hasCaughtUp(place), mayRetire: isReadEmpty)
    }

    /// True when a successor has delivered on each stream and nothing waits for the old one.
    private func hasCaughtUp(_ place: Int) -> Bool {
        guard let next = connections.slots[place].next, next.lacking == 0 else { return false }
        return !subscriptions.groups[next.group].contains { pump.merge.isWaiting($0.place) }
    }

    /// Goes on with each connection as far as it goes now.
    private mutating func work(at now: Int64) throws {
        for place in connections.slots.indices {
            // The two as they are now: what happens to the first may change the slot.
            let (current, next) = (connections.slots[place].current, connections.slots[place].next)
            if let current {
                if !pump.output.isFull { current.reviewBacklog() }
                try work(on: current, place, at: now)
            }
            if let next, !pump.hasReachedLimit { try work(on: next, place, at: now) }
            if pump.hasReachedLimit { return }
        }
    }

    private mutating func work(
        on connection: TapConnection, _ place: Int, at now: Int64
    ) throws {
        let wasOpen = connection.transport.phase == .open
        guard try wasOpen || connections.open(connection, place) else { return }
        let now = wasOpen ? now : Clock.monotonicNanoseconds()
        if isRead(connection, place) { return try receive(connection, place, at: now) }
        connection.noteBacklog(at: Clock.monotonicNanoseconds())
    }

    /// True when messages of a connection may be read now. A successor waits while the old one has a
    /// backlog: its records would be ahead for longer than anything waits for others.
    private func isRead(_ connection: TapConnection, _ place: Int) -> Bool {
        !pump.output.isFull
            && (connection !== connections.slots[place].next
                || connections.slots[place].current?.backlog == nil)
    }

    /// Reads what is there and works through it.
    private mutating func receive(
        _ connection: TapConnection, _ place: Int, at now: Int64
    ) throws {
        guard connection.isReadable else { return tend(connection, place, at: now) }
        var failure: WebSocketFailure?
        do throws(WebSocketFailure) {
            let count = try connection.transport.read()
            connection.isReadable = connection.transport.hasMore
            if count > 0 { counters.flow.bytesIn.add(count) }
        } catch { failure = error }
        let time = Clock.realtimeNanoseconds()
        pump.noteArrival(at: time)
        let before = pump.records
        do {
            let origin = ConnectionPool.origin(
                ofGroup: connection.group, connections.slots, connections.losses)
            let outcome = try pump.consume(
                &connection.transport.socket, connection, origin, at: time, now)
            if outcome.announcesEnd { connections.announceEnd(of: connection, place) }
            if let close = outcome.close {
                // The server may be gone already: its close frame is news enough.
                _ = try? connection.transport.flush()
                return connections.lose(
                    connection, place, .closed,
                    "the server closed the connection with code \(close.code)"
                        + (close.reason.isEmpty ? "" : ": \(close.reason)"))
            }
        } catch let error as WebSocketError {
            _ = try? connection.transport.flush()
            return connections.lose(connection, place, .broken, "\(error)")
        }
        pump.noteDone(before: before)
        tend(connection, place, at: now, failure)
    }

    /// Answers pings, and sees whether the connection still lives.
    private mutating func tend(
        _ connection: TapConnection, _ place: Int, at now: Int64, _ failure: WebSocketFailure? = nil
    ) {
        do throws(WebSocketFailure) {
            if let failure { throw failure }
            if connection.owesPong || connection.owesRequest || connection.isCongested {
                try answerPings(connection, at: now)
            }
        } catch {
            let cause: LossCause = if case .ended = error { .ended } else { .network }
            return connections.lose(connection, place, cause, "\(error)")
        }
        if Double(now - connection.lastHeard) >= plan.stallTimeout * 1e9 {
            connections.lose(
                connection, place, .stalled,
                "neither data nor a ping for \(Spoken.seconds(plan.stallTimeout))")
        }
    }

    private func answerPings(_ connection: TapConnection, at now: Int64) throws(WebSocketFailure) {
        if connection.owesPong, connection.messages.take(at: now) {
            connection.transport.socket.pong()
            connection.owesPong = false
            counters.pongs.add()
        }
        if connection.owesRequest { connection.sendRequest(at: now) }
        connection.isCongested = try !connection.transport.flush()
    }

    // MARK: - Other streams

    /// Carries other streams from now on: open connections are told which, and stay.
    private mutating func change(to new: StreamPlan) {
        guard new.encoding == subscriptions.encoding else {
            return log.warning(
                "these streams need another encoding, which needs a restart: the old ones stay",
                ["encoding": "\(new.encoding.rawValue)"])
        }
        let before = Dictionary(
            subscriptions.members.map { ($0.subscription, $0.place) }, uniquingKeysWith: { $1 })
        let changes = subscriptions.change(to: new) { pump.merge.place(of: $0) }
        guard !changes.isEmpty else { return }
        let removed = changes.flatMap(\.removed)
        connections.take(changes, removed: removed.compactMap { before[$0] })
        log.info(
            "the set of streams has changed",
            [
                "added": "\(changes.flatMap(\.added).map(\.label).joined(separator: ","))",
                "removed": "\(removed.map(\.label).joined(separator: ","))",
                "streams": "\(subscriptions.members.count)",
            ])
    }

    // MARK: - After the messages

    /// Gives up what waited too long, fetches snapshots, writes, counts.
    private mutating func settle(at now: Int64) throws {
        let time = Clock.realtimeNanoseconds()
        let start = pump.output.merged.bytes.count
        pump.merge.tick(at: time, into: &pump.output.merged) {
            [slots = connections.slots, losses = connections.losses, subscriptions]
            place in
            ConnectionPool.origin(of: place, subscriptions, slots, losses)
        }
        if hasSnapshots, var snapshots = snapshots.take() {
            snapshots.step(
                &pump.merge, &pump.output.merged, at: time, log: log,
                failures: counters.snapshotFailures)
            self.snapshots = consume snapshots
        }
        if let limit = plan.limit, !plan.capturesRaw { pump.cut(at: limit, from: start) }
        if connections.hasEverOpened {
            warnings.tellOfSilence(pump.merge, since: connections.startedAt, at: now)
        }
        try pump.push(at: time)
        warnings.tellOfReader(&pump.output)
        guard counters.isDue(at: now) else { return }
        warnings.tellOfStreams(&pump.merge)
        publish()
        counters.buffered.set(Int64(pump.output.buffered))
        counters.spilled.set(Int64(pump.output.spilled))
        counters.open.set(Int64(connections.openConnections))
    }

    private mutating func publish() {
        counters.publish(
            pump.merge, pump.output, captured: pump.captured, uncaptured: pump.uncaptured)
    }

    // MARK: - The end

    /// Says goodbye, and writes what there is.
    private mutating func end() throws {
        connections.farewell()
        // What waits would be more than was asked for.
        if !pump.hasReachedLimit {
            pump.merge.finish(at: Clock.realtimeNanoseconds(), into: &pump.output.merged) {
                [
                    slots = connections.slots, losses = connections.losses,
                    subscriptions
                ] place in
                ConnectionPool.origin(of: place, subscriptions, slots, losses)
            }
        }
        let deadline = Clock.monotonicNanoseconds() + Int64(plan.drainTimeout * 1e9)
        let (lost, filed) = try pump.output.finish(&pump.merge, until: deadline)
        publish()
        if plan.duration != nil, connections.hasEverOpened {
            warnings.tellOfSilence(
                pump.merge, since: connections.startedAt, at: Clock.monotonicNanoseconds(),
                isEnd: true)
        }
        log.info(
            "stopped",
            [
                "records": "\(pump.records)", "gaps": "\(pump.merge.counts.gaps)",
                "duplicates": "\(pump.merge.counts.duplicates)",
            ])
        if filed > 0 {
            log.warning("records stay in the spill file for the next run", ["bytes": "\(filed)"])
        }
        guard lost == 0 else {
            throw StageFailure(
                .inputOutput,
                "the reader of standard output did not read \(lost) bytes within "
                    + Spoken.seconds(plan.drainTimeout))
        }
    }
}
