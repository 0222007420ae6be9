import AWS
import Configuration
import Encoding
import Glibc
import Identity
import Journal
import Ledger
import Posix
import Records
import Sink
import Stage
import StageAWS
import Stats

/// Delivers what comes: reads records into the spools of their streams, sends them, and enters
/// them in the ledger once they are confirmed.
///
/// One loop on one thread: it waits for standard input, for answers and for its own clock at once.
struct KinesisSink: ~Copyable {
    /// How often the ledger is made durable and the spools are cleared, ns.
    private static let ledgerInterval: Int64 = 1_000_000_000
    /// Bytes that one read may bring beyond the spool's limit.
    private static let readAhead = 2 << 20

    private var options: KinesisOptions
    private let log: Log
    private let stop: Int32
    private let reloads: Reloads
    private let confirmations: ConfirmationLog
    private let streams: StreamSet
    private var sender: Sender
    private var counters: DeliveryCounters
    private var coverage: CoverageFigures
    /// What was found wrong in the spools, and is to be told once all that is whole was read.
    private var damages: [Damage]
    private var ledgerAt: Int64 = 0
    private var reportedAt = Clock.monotonicNanoseconds()
    private var isFull = false

    init(_ options: KinesisOptions, in stage: borrowing Stage) throws {
        let log = stage.log
        var state = try options.openState(log)
        let counters = DeliveryCounters(
            stage.stats, state: options.state, spoolMax: options.spoolMax)
        log.report(state.ledger.takeDamages(), of: "ledger")
        counters.common.tornBytes.add(Int(state.ledger.tornBytes))
        let confirmations = ConfirmationLog(
            state,
            HeldIDs(options.idLimits, renewable: options.newEpochs),
            log: log)
        let sender = try Sender(options, confirmations, counters, log)
        let streams = try StreamSet(options, stage, counters)
        damages = streams.damages
        confirmations.forgetSpools(except: streams.queues.map(\.spoolID))
        confirmations.blockWithoutRoom()
        self.sender = sender
        self.streams = streams
        self.options = options
        self.log = log
        self.confirmations = confirmations
        self.counters = counters
        coverage = CoverageFigures(stage.stats)
        stop = stage.stopDescriptor
        reloads = stage.reloads
    }

    // MARK: - Running

    /// Delivers what an earlier run left, and what comes, until the input ends or a signal comes.
    ///
    /// - Throws: `FrameError` for bytes that are not frames; what came before was taken in.
    mutating func readAll(_ reader: inout FrameReader) throws {
        while confirmations.halt == nil {
            let input = mayRead ? reader.descriptorNumber : -1
            try step(input)
            // What the wait has shown is not asked again: that would be three calls a record.
            let ready = sender.readable
            if ready?.contains(stop) ?? Descriptor.isReadable(stop) {
                return log.info(
                    "stopping: delivering what was read", ["waiting": "\(streams.waiting)"])
            }
            guard ready?.contains(input) ?? (Descriptor.isReadable(input) || isHungUp(input)) else {
                continue
            }
            if try reader.fill(isReady: true) == .end { return }
            try accept(&reader)
            try reader.acknowledge()
        }
    }

    /// A pipe without a writer is not readable by poll's word when it is empty, but at its end.
    private func isHungUp(_ input: Int32) -> Bool {
        var watched = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
        return input >= 0 && poll(&watched, 1, 0) > 0
    }

    private mutating func accept(_ reader: inout FrameReader) throws {
        let now = Clock.monotonicNanoseconds()
        // The queue of the record before, which the next one nearly always has too: nothing is
        // counted for a record that stays with it.
        var (template, queue) = (UInt16.max, streams.queues[0])
        let confirmations = confirmations
        try streams.appendBatch(confirmations) { window in
            while let frame = try reader.next() {
                if frame.template != template {
                    (template, queue) = (frame.template, streams.queue(of: frame))
                }
                if let epoch = confirmations.acceptNext(frame) {
                    queue.append(frame, epoch: epoch, window: window, now: now)
                    continue
                }
                switch try confirmations.accept(frame, group: queue.group, now: now) {
                case .deliver(let epoch):
                    queue.append(frame, epoch: epoch, window: window, now: now)
                case .undecided: queue.append(frame, epoch: nil, window: window, now: now)
                case .done: break
                case .parts(let parts):
                    for part in parts {
                        var bytes = Bytes()
                        bytes.append(gap: part, like: frame)
                        try Self.append(bytes, to: queue, confirmations, window: window, now: now)
                    }
                }
            }
            // In the entry of the records that they came with.
            try appendAsides(window: window, now: now)
        }
        if let times = reader.lastTimes { counters.common.flow.note(times) }
        if options.sync == .batch { try streams.sync(counters, now: now, interval: 0) }
    }

    /// Adds a record that was made here.
    private static func append(
        _ bytes: borrowing Bytes, to queue: StreamQueue, _ confirmations: ConfirmationLog,
        window: Int, now: Int64
    ) throws {
        let frame = try FrameView(bytes.span)
        let epoch = confirmations.acceptOwn(frame, group: queue.group)
        queue.append(frame, epoch: epoch, window: window, now: now)
    }

    /// Declares holes that are still there, unless someone else has by now.
    private mutating func declareHoles(all: Bool = false) throws {
        guard !confirmations.holes.isEmpty, !streams.isShort else { return }
        let now = Clock.monotonicNanoseconds()
        try streams.appendBatch(confirmations) { window in
            for hole in confirmations.holes.takeDue(now: now, all: all) {
                for ids in confirmations.undeclared(hole) {
                    var bytes = Bytes()
                    bytes.append(
                        gap: ids, of: hole.sequence, reason: .disconnected,
                        source: SourceCode(rawValue: hole.source), eventTime: hole.eventTime,
                        ingestTime: hole.ingestTime)
                    confirmations.tally.recordsIn += 1
                    let queue = streams.queue(of: try FrameView(bytes.span))
                    try Self.append(bytes, to: queue, confirmations, window: window, now: now)
                    log.info(
                        "\(hole.sequence.title) skipped ids \(ids.lowerBound) to "
                            + "\(ids.upperBound): a gap record declares them",
                        cause: "hole_declared")
                }
            }
        }
    }

    /// Tells the readers of a stream of ids whose records were put aside, before anything says that
    /// these are done with.
    private mutating func declareAsides() throws {
        if !damages.isEmpty, !streams.queues.contains(where: \.hasLeftovers) {
            confirmations.note(damages)
            damages = []
        }
        guard !confirmations.asides.isEmpty, !streams.isShort, confirmations.halt == nil else {
            return
        }
        let now = Clock.monotonicNanoseconds()
        try streams.appendBatch(confirmations) { window in
            try appendAsides(window: window, now: now)
        }
    }

    private func appendAsides(window: Int, now: Int64) throws {
        guard !confirmations.asides.isEmpty else { return }
        for (note, ids) in confirmations.takeAsides() {
            var bytes = Bytes()
            bytes.append(gap: ids, of: note)
            confirmations.tally.recordsIn += 1
            let queue = streams.queue(of: try FrameView(bytes.span))
            try Self.append(bytes, to: queue, confirmations, window: window, now: now)
        }
    }

    /// One turn of the loop: sends what is due, waits, does what answers ask for, and keeps the
    /// ledger.
    private mutating func step(_ input: Int32, until deadline: Int64 = .max) throws {
        try streams.load(confirmations, now: Clock.monotonicNanoseconds())
        sender.ask(streams.busy)
        // What cannot be written down once it is confirmed must not be sent.
        if !confirmations.isBlocked { try sender.send(streams.queues) }
        let now = Clock.monotonicNanoseconds()
        let left = max(0, min(nextTime(now), deadline) - now)
        let timeout = left == 0 ? 0 : Int32(min(60_000, (left + 999_999) / 1_000_000))
        try sender.wait(
            timeoutMilliseconds: timeout,
            alsoReadable: [input, deadline == .max ? stop : -1, reloads.descriptor])
        if sender.readable?.contains(reloads.descriptor) ?? true,
            let new = reloads.take(KinesisOptions.self)
        {
            takeOver(new)
        }
        try keepLedger()
    }

    /// Takes over what a new configuration may change while the run goes on.
    private mutating func takeOver(_ new: KinesisOptions) {
        options.takeOver(new)
        sender.takeOver(options)
        streams.takeOver(options)
    }

    private var mayRead: Bool {
        !streams.isShort && !confirmations.isBlocked
            && streams.spoolBytes + Int64(min(Self.readAhead, options.spoolMax / 4))
                < Int64(options.spoolMax)
    }

    /// When there will be something to do though nothing happens, ns.
    private func nextTime(_ now: Int64) -> Int64 {
        var next = min(
            now + 60_000_000_000,
            streams.nextTime(
                now, hasRoom: sender.hasRoom && !confirmations.isBlocked,
                syncInterval: options.sync == .never ? nil : options.syncInterval))
        if sender.callsInFlight > 0 || ledgerAt > 0 || streams.isShort || confirmations.isBlocked {
            next = min(next, max(now, ledgerAt) + Self.ledgerInterval)
        }
        return max(next, now)
    }

    // MARK: - The start

    /// Asks for every stream once, before anything is read.
    ///
    /// - Throws: when nothing can be delivered before a person has helped.
    mutating func probe() throws {
        let probe = try sender.probe(stop: stop)
        for contact in probe.contacts {
            if let summary = contact.summary {
                try options.claimAccount(contact.stream, summary)
            }
        }
        let finding = probe.finding(isCheck: false)
        for warning in finding.warnings { log.warning(warning) }
        if let failure = finding.failure { throw failure }
    }

    // MARK: - The end

    /// Waits until everything is delivered: after a signal not longer than the drain timeout,
    /// after the input's end as long as someone may still fix what is wrong.
    mutating func drain() throws {
        let start = Clock.monotonicNanoseconds()
        var deadline =
            Descriptor.isReadable(stop) ? start + Int64(options.drainTimeout * 1e9) : Int64.max
        sender.restartPatience(at: start)
        for queue in streams.queues { queue.hurry(now: start) }
        var end: StageFailure?
        if confirmations.halt == nil { try declareHoles(all: true) }
        while end == nil, !left.isEmpty {
            let now = Clock.monotonicNanoseconds()
            if deadline == .max, Descriptor.isReadable(stop) {
                deadline = now + Int64(options.drainTimeout * 1e9)
                log.info(
                    "stopping: delivering what was read", ["waiting": "\(streams.waiting)"])
            }
            end = reasonToEnd(now, since: start, deadline: deadline)
            if end == nil { try step(-1, until: deadline) }
        }
        try clear()
        if options.sync != .never {
            try streams.sync(counters, now: Clock.monotonicNanoseconds(), interval: 0)
        }
        report(Clock.monotonicNanoseconds())
        let tally = confirmations.tally
        log.info(
            "\(Spoken.count(tally.recordsOut, "record")) confirmed",
            [
                "refused": "\(tally.refused)", "quarantined": "\(tally.quarantined)",
                "waiting": "\(streams.waiting)",
            ])
        if let halt = confirmations.halt { throw halt }
        if let end {
            throw StageFailure(
                end.exitStatus,
                "\(end); \(Spoken.count(streams.waiting, "record stays", plural: "records stay")) in "
                    + "\(options.state) for the next run")
        }
    }

    /// What is to be delivered before the end: nothing that is on disk only, when a person has to
    /// decide upon a record first.
    private var left: [StreamQueue] {
        confirmations.halt == nil ? streams.busy : streams.busyInMemory
    }

    /// Why nothing more is waited for; nil while it makes sense to wait.
    private func reasonToEnd(_ now: Int64, since start: Int64, deadline: Int64) -> StageFailure? {
        let left = left
        let failure = left.lazy.compactMap(\.health.lastFailure).first
        let last =
            failure.map { "; the last failure: \($0)" }
            ?? left.first.map { "; \($0.stream): \($0.obstacle(at: now))" } ?? ""
        if now >= deadline { return StageFailure(.gaveUp, "the time to drain has expired\(last)") }
        guard deadline == .max else { return nil }
        if let trouble = left.first?.health.trouble,
            left.allSatisfy({ $0.health.trouble != nil && $0.health.troubledAt >= start })
        {
            return StageFailure(trouble)
        }
        let silence = Double(now - sender.lastSuccess) / 1e9
        guard silence >= options.giveUpAfter else { return nil }
        return StageFailure(
            .gaveUp, "nothing was confirmed for \(Spoken.seconds(options.giveUpAfter))\(last)")
    }

    // MARK: - The ledger

    private mutating func keepLedger() throws {
        let now = Clock.monotonicNanoseconds()
        try declareAsides()
        // With the reserve gone each write counts: then one a second has to do.
        if confirmations.reserve.isHeld { try confirmations.write() }
        if options.sync != .never {
            try streams.sync(counters, now: now, interval: options.syncInterval)
        }
        publish()
        let isPressed = !mayRead && confirmations.reserve.isHeld && !confirmations.isBlocked
        guard now - ledgerAt >= Self.ledgerInterval || isPressed else { return }
        ledgerAt = now
        if streams.isShort { try streams.closeBatches(confirmations) }
        if !confirmations.reserve.isHeld { confirmations.reserve.retake() }
        try declareHoles()
        try clear()
        report(now)
        let isFullNow = !mayRead
        guard isFullNow != isFull else { return }
        isFull = isFullNow
        if isFull {
            log.warning(
                "the spool is full: reading stops until something is delivered",
                ["spool_bytes": "\(streams.spoolBytes)", "waiting": "\(streams.waiting)"])
        }
    }

    /// Makes the ledger durable, and then deletes what it claims.
    private mutating func clear() throws {
        if try confirmations.sync(&coverage) { try streams.release(confirmations) }
    }

    private mutating func publish() {
        confirmations.tally.waiting = Int64(streams.waiting)
        counters.common.publish(confirmations.tally)
    }

    private mutating func report(_ now: Int64) {
        publish()
        counters.note(
            spoolBytes: streams.spoolBytes, oldest: streams.oldestIngestTime,
            calls: sender.callsInFlight, credentialsExpire: sender.credentialsExpiration)
        for queue in streams.queues { queue.report(at: now) }
        guard now - reportedAt >= 60_000_000_000 else { return }
        reportedAt = now
        let tally = confirmations.tally
        log.info(
            "progress",
            [
                "records_in": "\(tally.recordsIn)", "records_out": "\(tally.recordsOut)",
                "waiting": "\(streams.waiting)", "spool_bytes": "\(streams.spoolBytes)",
            ])
    }
}
