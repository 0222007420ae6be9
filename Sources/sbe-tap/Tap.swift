import Binance
import Glibc
import Posix
import Records
import Stage
import Stats
import Transport

/// The live source: seats with their connections, the merge that their messages go through, and
/// standard output, on one thread with one poll loop.
struct Tap: ~Copyable {
    let plan: TapPlan
    let log: Log
    var counters: TapCounters
    var merge: StreamMerge
    var delivery: Delivery
    var refusals: Refusals
    var snapshots: Snapshots?
    var seats: [Seat] = []
    /// Connections lost, by group.
    var losses: [UInt32]
    /// All of the process together: the venue allows 300 in 5 minutes to an address, and others may
    /// use the same one.
    var connectBudget = SlidingWindow(limit: 250, window: 300_000_000_000)
    /// The venue's `Retry-After`: nobody connects before it, monotonic ns.
    var pausedUntil: Int64 = 0
    var nextNumber = 1
    /// Binary messages so far.
    var arrivals: Int64 = 0
    /// Raw records written.
    var captured = 0
    /// Raw records left out because the reader is slow.
    var uncaptured = 0
    var hasReachedLimit = false
    var hasEverOpened = false
    var startedAt = Clock.monotonicNanoseconds()
    var hasWarnedOfSilence = false
    var nextReaderWarning: Int64 = 0
    /// When ids that lie behind may be told of again, monotonic ns, and how many there were.
    var behind: (nextWarning: Int64, known: Int) = (0, 0)
    /// When the oldest record in the buffer was received, ns; 0 when it is empty.
    var oldestWaiting: Int64 = 0
    var watched: [pollfd] = []
    var generator = SystemRandomNumberGenerator()

    init(_ plan: TapPlan, in stage: borrowing Stage) throws {
        let delivery = try Delivery(plan.output)
        let fetches = plan.merge.takesSnapshots && !plan.capturesRaw
        let snapshots = fetches ? try Snapshots(plan.rest) : nil
        self.plan = plan
        self.delivery = delivery
        self.snapshots = snapshots
        log = stage.log
        counters = TapCounters(stage, seats: plan.connections)
        merge = StreamMerge(plan.streams.subscriptions, rules: plan.merge)
        refusals = Refusals(plan.output, counters, log: log)
        losses = [UInt32](repeating: 0, count: plan.streams.groups.count)
        let now = Clock.monotonicNanoseconds()
        for group in plan.streams.groups.indices {
            for index in 0..<plan.connections {
                seats.append(Seat(group: group, index: index, lane: Lane(plan.lane, at: now)))
            }
        }
    }

    // MARK: - The loop

    mutating func run(in stage: borrowing Stage) throws {
        log.info(
            "starting",
            [
                "url": plan.baseURL, "streams": "\(plan.streams.subscriptions.count)",
                "connections": "\(seats.count)",
            ])
        do {
            try loop(in: stage)
        } catch {
            // What was received is worth writing whatever ends the program.
            if hasEverOpened { try? end() }
            throw error
        }
        stage.enter(.draining)
        try end()
    }

    private mutating func loop(in stage: borrowing Stage) throws {
        stage.enter(.connecting)
        var isRunning = false
        while !isOver(stage) {
            if hasEverOpened, !isRunning {
                isRunning = true
                stage.enter(.running)
            }
            let now = Clock.monotonicNanoseconds()
            for seat in seats.indices { try advance(seat, at: now) }
            let wasFull = delivery.isFull
            wait(stage.stopDescriptor)
            counters.heartbeat.beat()
            if wasFull { noteBlocked(since: now) }
            try work()
            try settle()
        }
    }

    private func isOver(_ stage: borrowing Stage) -> Bool {
        if hasReachedLimit || stage.isStopping { return true }
        guard let duration = plan.duration else { return false }
        return Double(Clock.monotonicNanoseconds() - startedAt) >= duration * 1e9
    }

    /// Waits for whatever comes first.
    private mutating func wait(_ stop: Int32) {
        watched.removeAll(keepingCapacity: true)
        watched.append(pollfd(fd: stop, events: Int16(POLLIN), revents: 0))
        var timeout: Int64 = 1000
        for seat in seats {
            for link in seat.links {
                link.pollIndex = -1
                if link.connection.phase == .connecting {
                    // curl has no descriptor to give yet.
                    timeout = min(timeout, 2)
                } else if link.connection.phase != .open || isRead(link, seat) {
                    // What TLS has decrypted already shows in no descriptor.
                    if link.isReadable && link.connection.phase == .open { timeout = 0 }
                    link.pollIndex = watched.count
                    let events = link.isCongested ? POLLIN | POLLOUT : POLLIN
                    watched.append(
                        pollfd(fd: link.connection.descriptor, events: Int16(events), revents: 0))
                }
                if link.owesPong { timeout = min(timeout, 50) }
            }
            if case .waiting = seat.lane.current { timeout = min(timeout, 20) }
            if seat.lane.next != nil { timeout = min(timeout, 20) }
        }
        if delivery.buffered(merge.output) > 0 || delivery.spilled > 0 {
            watched.append(pollfd(fd: delivery.pollable, events: Int16(POLLOUT), revents: 0))
        }
        if merge.waiting > 0 { timeout = min(timeout, 20) }
        if let isBusy = snapshotsAreBusy, isBusy { timeout = min(timeout, 5) }
        let rest = shortTimeout
        timeout = min(timeout, rest)
        let count = poll(&watched, UInt(watched.count), Int32(timeout))
        for seat in seats {
            for link in seat.links where count > 0 && link.pollIndex >= 0 {
                if watched[link.pollIndex].revents != 0 { link.isReadable = true }
            }
        }
    }

    private var snapshotsAreBusy: Bool? {
        switch snapshots {
        case .some(let snapshots): snapshots.isBusy
        case nil: nil
        }
    }

    /// Milliseconds until a time that the user set may have come.
    private var shortTimeout: Int64 {
        var shortest = min(plan.stallTimeout, plan.firstDataTimeout)
        if let duration = plan.duration {
            let left = duration - Double(Clock.monotonicNanoseconds() - startedAt) / 1e9
            shortest = min(shortest, max(0, left))
        }
        let age = Double(plan.lane.maximumAge) / 1e9 / 4
        return Int64(min(max(shortest, 0.001) * 1000, max(age * 1000, 1), 1000)) + 1
    }

    private mutating func noteBlocked(since start: Int64) {
        let now = Clock.monotonicNanoseconds()
        counters.blocked.add(Int(now - start))
        // Nobody listened: that is not the venue's silence.
        for seat in seats { for link in seat.links { link.noteBacklog(at: now) } }
    }

    // MARK: - After the messages

    /// Gives up what waited too long, fetches snapshots, writes, counts.
    private mutating func settle() throws {
        let time = Clock.realtimeNanoseconds()
        let start = merge.output.count
        merge.tick(at: time) { [seats, losses, plan] place in
            Self.origin(of: place, seats, losses, plan)
        }
        if var snapshots = snapshots.take() {
            snapshots.step(&merge, at: time, log: log, failures: counters.snapshotFailures)
            self.snapshots = consume snapshots
        }
        if let limit = plan.limit, !plan.capturesRaw { cut(at: limit, from: start) }
        warnOfSilence()
        try push()
        warnOfReader()
        guard counters.isDue() else { return }
        warnOfBehind()
        publish()
        counters.buffered.set(Int64(delivery.buffered(merge.output)))
        counters.spilled.set(Int64(delivery.spilled))
        counters.open.set(Int64(seats.reduce(0) { $0 + $1.openLinks }))
    }

    /// Writes what there is.
    mutating func push() throws {
        let isEmpty = try delivery.push(&merge, at: Clock.realtimeNanoseconds())
        if isEmpty, oldestWaiting != 0 {
            counters.flow.noteOut(receivedAt: oldestWaiting)
            oldestWaiting = 0
        }
    }

    private mutating func publish() {
        counters.publish(
            merge, captured: captured, uncaptured: uncaptured, bytesOut: delivery.written)
    }

    static func origin(
        of place: Int, _ seats: [Seat], _ losses: [UInt32], _ plan: TapPlan
    ) -> StreamMerge.Origin {
        let group = plan.streams.groups.firstIndex { $0.contains(place) } ?? 0
        return origin(ofGroup: group, seats, losses)
    }

    static func origin(
        ofGroup group: Int, _ seats: [Seat], _ losses: [UInt32]
    ) -> StreamMerge.Origin {
        let copies = seats.reduce(0) { $0 + ($1.group == group ? $1.openLinks : 0) }
        return StreamMerge.Origin(copies: copies, losses: losses[group])
    }

    /// Tells of a slow reader, at most once in ten seconds.
    private mutating func warnOfReader() {
        guard let trouble = delivery.trouble(merge) else { return }
        let now = Clock.monotonicNanoseconds()
        guard now >= nextReaderWarning else { return }
        nextReaderWarning = now + 10_000_000_000
        log.warning(
            "the reader is slow: \(trouble)",
            ["buffered": "\(delivery.buffered(merge.output))", "filed": "\(delivery.spilled)"])
    }

    /// Names streams that bring only what lies behind, at most once a minute: all of it is dropped.
    private mutating func warnOfBehind() {
        let count = merge.counts.behind
        let now = Clock.monotonicNanoseconds()
        guard count > behind.known, now >= behind.nextWarning else { return }
        behind = (now + 60_000_000_000, count)
        for sequence in merge.sequences.filter({ $0.idBehind != .min }).prefix(10) {
            log.error(
                "ids lie behind and records are dropped: did they begin anew? Start again",
                [
                    "stream": sequence.subscription.label, "id": "\(sequence.idBehind)",
                    "newest": "\(sequence.last)",
                ])
        }
        merge.forgetBehind()
    }

    /// Names streams that had no data: the venue says nothing about a symbol that it does not have.
    private mutating func warnOfSilence() {
        guard !hasWarnedOfSilence, hasEverOpened, !plan.capturesRaw,
            Double(Clock.monotonicNanoseconds() - startedAt) >= plan.firstDataTimeout * 1e9
        else { return }
        hasWarnedOfSilence = true
        for sequence in merge.sequences where !sequence.hasBegun {
            log.warning(
                "no data yet: is the symbol spelt right?",
                ["stream": sequence.subscription.label, "seconds": "\(Int(plan.firstDataTimeout))"])
        }
    }

    // MARK: - The end

    /// Says goodbye, and writes what there is.
    private mutating func end() throws {
        farewell()
        // What waits would be more than was asked for.
        if !hasReachedLimit {
            merge.finish(at: Clock.realtimeNanoseconds()) { [seats, losses, plan] place in
                Self.origin(of: place, seats, losses, plan)
            }
        }
        let deadline = Clock.monotonicNanoseconds() + Int64(plan.drainTimeout * 1e9)
        let (lost, filed) = try delivery.finish(&merge, until: deadline)
        publish()
        log.info(
            "stopped",
            [
                "records": "\(merge.counts.out + captured)", "gaps": "\(merge.counts.gaps)",
                "duplicates": "\(merge.counts.duplicates)",
            ])
        if filed > 0 {
            log.warning("records stay in the spill for the next run", ["bytes": "\(filed)"])
        }
        guard lost == 0 else {
            throw StageFailure(
                .inputOutput,
                "the reader of standard output did not take \(lost) bytes within "
                    + "\(plan.drainTimeout) s")
        }
    }
}

extension Seat {
    /// Connections of it over which messages come.
    var openLinks: Int {
        (current?.connection.phase == .open ? 1 : 0) + (next?.connection.phase == .open ? 1 : 0)
    }
}
