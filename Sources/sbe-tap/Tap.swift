import Binance
import Glibc
import Posix
import Records
import Stage
import Stats
import Transport

/// The live source: slots with their connections, the merge that their messages go through, and
/// standard output, on one thread with one poll loop.
struct Tap: ~Copyable {
    let plan: TapOptions
    let log: Log
    var counters: TapCounters
    var merge: StreamMerge
    var output: OutputBuffer
    var quarantine: Quarantine
    var snapshots: BookSnapshots?
    var slots: [ConnectionSlot] = []
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
    var hasNotedVersion = false
    /// Why the last connection was refused or lost, for a run that never had one.
    var lastRefusal = ""
    var venueErrorLog = LogLimit()
    var shutdownLog = LogLimit()
    var nextReaderWarning: Int64 = 0
    /// When ids that lie behind may be told of again, monotonic ns, and how many there were.
    var behind: (nextWarning: Int64, known: Int) = (0, 0)
    /// When the oldest record in the buffer was received, ns; 0 when it is empty.
    var oldestWaiting: Int64 = 0
    var watched: [pollfd] = []
    var generator = SystemRandomNumberGenerator()

    init(_ plan: TapOptions, in stage: borrowing Stage) throws {
        let output = try OutputBuffer(plan.output)
        let fetches = plan.merge.takesSnapshots && !plan.capturesRaw
        let snapshots = fetches ? try BookSnapshots(plan.rest, log: stage.log) : nil
        self.plan = plan
        self.output = output
        self.snapshots = snapshots
        log = stage.log
        counters = TapCounters(stage, slots: plan.connections)
        merge = StreamMerge(plan.streams.subscriptions, rules: plan.merge)
        quarantine = Quarantine(plan.output, counters, log: log)
        losses = [UInt32](repeating: 0, count: plan.streams.groups.count)
        let now = Clock.monotonicNanoseconds()
        for group in plan.streams.groups.indices {
            for index in 0..<plan.connections {
                slots.append(
                    ConnectionSlot(
                        group: group, index: index,
                        rotation: ConnectionRotation(plan.rotation, at: now)))
            }
        }
    }

    // MARK: - The loop

    mutating func run(in stage: borrowing Stage) throws {
        log.info(
            "starting",
            [
                "url": plan.baseURL.withoutUserInfo,
                "streams": "\(plan.streams.subscriptions.count)",
                "connections": "\(slots.count)",
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
        guard hasEverOpened || stage.isStopping else {
            throw StageFailure(
                .unavailable,
                "no connection to \(plan.baseURL.withoutUserInfo) could be opened in the time that was given"
                    + (lastRefusal.isEmpty ? "" : ": \(lastRefusal)"))
        }
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
            for slot in slots.indices { try advance(slot, at: now) }
            let wasFull = output.isFull
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
        for slot in slots {
            for connection in slot.connections {
                connection.pollIndex = -1
                if connection.transport.phase == .connecting {
                    // curl has no descriptor to give yet.
                    timeout = min(timeout, 2)
                } else if connection.transport.phase != .open || isRead(connection, slot) {
                    // What TLS has decrypted already shows in no descriptor.
                    if connection.isReadable && connection.transport.phase == .open { timeout = 0 }
                    connection.pollIndex = watched.count
                    let events = connection.isCongested ? POLLIN | POLLOUT : POLLIN
                    watched.append(
                        pollfd(
                            fd: connection.transport.descriptor, events: Int16(events), revents: 0))
                }
                if connection.owesPong { timeout = min(timeout, 50) }
            }
            if case .waiting = slot.rotation.current { timeout = min(timeout, 20) }
            if slot.rotation.next != nil { timeout = min(timeout, 20) }
        }
        if output.buffered > 0 || output.spilled > 0 {
            watched.append(pollfd(fd: output.pollable, events: Int16(POLLOUT), revents: 0))
        }
        if merge.waiting > 0 { timeout = min(timeout, 20) }
        if let isBusy = snapshotsAreBusy, isBusy { timeout = min(timeout, 5) }
        let rest = shortTimeout
        timeout = min(timeout, rest)
        let count = poll(&watched, UInt(watched.count), Int32(timeout))
        for slot in slots {
            for connection in slot.connections where count > 0 && connection.pollIndex >= 0 {
                if watched[connection.pollIndex].revents != 0 { connection.isReadable = true }
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
        let age = Double(plan.rotation.maximumAge) / 1e9 / 4
        return Int64(min(max(shortest, 0.001) * 1000, max(age * 1000, 1), 1000)) + 1
    }

    private mutating func noteBlocked(since start: Int64) {
        let now = Clock.monotonicNanoseconds()
        counters.blocked.add(Int(now - start))
        // Nobody listened: that is not the venue's silence.
        for slot in slots { for connection in slot.connections { connection.noteBacklog(at: now) } }
    }

    // MARK: - After the messages

    /// Gives up what waited too long, fetches snapshots, writes, counts.
    private mutating func settle() throws {
        let time = Clock.realtimeNanoseconds()
        let start = output.merged.bytes.count
        merge.tick(at: time, into: &output.merged) { [slots, losses, plan] place in
            Self.origin(of: place, slots, losses, plan)
        }
        if var snapshots = snapshots.take() {
            snapshots.step(
                &merge, &output.merged, at: time, log: log, failures: counters.snapshotFailures)
            self.snapshots = consume snapshots
        }
        if let limit = plan.limit, !plan.capturesRaw { cut(at: limit, from: start) }
        warnOfSilence()
        try push()
        warnOfReader()
        guard counters.isDue() else { return }
        warnOfBehind()
        noteVersion()
        publish()
        counters.buffered.set(Int64(output.buffered))
        counters.spilled.set(Int64(output.spilled))
        counters.open.set(Int64(slots.reduce(0) { $0 + $1.openConnections }))
    }

    /// Writes what there is.
    mutating func push() throws {
        let isEmpty = try output.push(&merge, at: Clock.realtimeNanoseconds())
        if isEmpty, oldestWaiting != 0 {
            counters.flow.noteOut(receivedAt: oldestWaiting)
            oldestWaiting = 0
        }
    }

    private mutating func publish() {
        counters.publish(merge, output, captured: captured, uncaptured: uncaptured)
    }

    static func origin(
        of place: Int, _ slots: [ConnectionSlot], _ losses: [UInt32], _ plan: TapOptions
    ) -> StreamMerge.Origin {
        let group = plan.streams.groups.firstIndex { $0.contains(place) } ?? 0
        return origin(ofGroup: group, slots, losses)
    }

    static func origin(
        ofGroup group: Int, _ slots: [ConnectionSlot], _ losses: [UInt32]
    ) -> StreamMerge.Origin {
        let copies = slots.reduce(0) { $0 + ($1.group == group ? $1.openConnections : 0) }
        return StreamMerge.Origin(copies: copies, losses: losses[group])
    }

    /// Tells of a slow reader, at most once in ten seconds.
    private mutating func warnOfReader() {
        for notice in output.notices { log.warning("the spill: \(notice)") }
        output.notices.removeAll()
        guard let trouble = output.trouble else { return }
        let now = Clock.monotonicNanoseconds()
        guard now >= nextReaderWarning else { return }
        nextReaderWarning = now + 10_000_000_000
        log.warning(
            "the reader is slow: \(trouble)",
            ["buffered": "\(output.buffered)", "filed": "\(output.spilled)"])
    }

    /// Tells once of messages in a newer version of the schema than is known here.
    private mutating func noteVersion() {
        guard !hasNotedVersion, merge.newestVersion > Stream.TradesStreamEventDecoder.schemaVersion
        else { return }
        hasNotedVersion = true
        log.info(
            "the venue sends a newer version of its stream schema: fields that are new are left out",
            ["version": "\(merge.newestVersion)"])
    }

    /// Names streams that bring only what lies behind, at most once a minute: all of it is dropped.
    private mutating func warnOfBehind() {
        let count = merge.counts.behind
        let now = Clock.monotonicNanoseconds()
        guard count > behind.known, now >= behind.nextWarning else { return }
        behind = (now + 60_000_000_000, count)
        for sequence in merge.streams.map(\.sequence).filter({ $0.idBehind != .min }).prefix(10) {
            log.error(
                "ids restarted below the last one seen; records are dropped as duplicates. "
                    + "Restart to follow the new numbering, and begin a new epoch in the sinks",
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
        warnOfSilentStreams(after: plan.firstDataTimeout)
    }

    /// Names streams without data, a few of them one by one and all of them by number.
    private mutating func warnOfSilentStreams(after seconds: Double) {
        hasWarnedOfSilence = true
        let planned = merge.streams.prefix(plan.streams.subscriptions.count).map(\.sequence)
        let silent = planned.filter { !$0.hasBegun }
        guard !silent.isEmpty else { return }
        for sequence in silent.prefix(Self.maximumNamedStreams) {
            log.warning(
                "no data yet: does the venue list this symbol?",
                ["stream": sequence.subscription.label, "seconds": "\(Int(seconds))"])
        }
        if silent.count > Self.maximumNamedStreams {
            log.warning(
                "no data yet from many streams",
                [
                    "streams": "\(silent.count)", "of": "\(planned.count)",
                    "named": "\(Self.maximumNamedStreams)",
                ])
        }
    }

    /// Streams without data that are named one by one.
    private static let maximumNamedStreams = 10

    // MARK: - The end

    /// Says goodbye, and writes what there is.
    private mutating func end() throws {
        farewell()
        // What waits would be more than was asked for.
        if !hasReachedLimit {
            merge.finish(at: Clock.realtimeNanoseconds(), into: &output.merged) {
                [slots, losses, plan] place in
                Self.origin(of: place, slots, losses, plan)
            }
        }
        let deadline = Clock.monotonicNanoseconds() + Int64(plan.drainTimeout * 1e9)
        let (lost, filed) = try output.finish(&merge, until: deadline)
        publish()
        if plan.duration != nil, hasEverOpened, !hasWarnedOfSilence, !plan.capturesRaw {
            warnOfSilentStreams(
                after: Double(Clock.monotonicNanoseconds() - startedAt) / 1e9)
        }
        log.info(
            "stopped",
            [
                "records": "\(output.merged.records + captured)", "gaps": "\(merge.counts.gaps)",
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

extension ConnectionSlot {
    /// Connections of it over which messages come.
    var openConnections: Int {
        (current?.transport.phase == .open ? 1 : 0) + (next?.transport.phase == .open ? 1 : 0)
    }
}
