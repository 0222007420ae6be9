import Encoding
import Glibc
import Journal
import Posix
import Records
import Spool
import Stage
import Stats

/// Puts what comes into the spool, and hands it from there to each output at that one's speed.
struct Distributor: ~Copyable {
    /// Pause between two times that places are written and segments freed, ns.
    private static let housekeeping: Int64 = 100_000_000
    /// How long an output may be behind before the device has to know what waits for it, ns.
    private static let syncPause: Int64 = 1_000_000_000

    private var reader: FrameReader
    private var spool: Spool
    private var places: OutputPlaces
    private let branches: [Branch]
    private let options: FanOutOptions
    private let figures: FanOutFigures
    private let log: Log
    /// Frames that were read and that the spool did not take yet.
    private var batch = Bytes(capacity: 256 << 10)
    /// True while the outputs have the batch from memory.
    private var isLent = false
    private var isSynced = true
    private var lastSync: Int64 = 0
    private var nextHousekeeping: Int64 = 0
    private var told: Set<String> = []
    private var disk: DiskFigures
    /// Room for what was read last, when the run ends on a full disk.
    private let reserve: Reserve

    init(
        _ options: FanOutOptions, _ reader: consuming FrameReader, in stage: borrowing Stage
    ) throws {
        self.options = options
        log = stage.log
        try Files.makeDurableDirectories(options.state)
        let reserve = try Reserve(
            path: options.state + "/reserve", bytes: Reserve.size(on: options.state))
        let segment = max(1 << 20, min(64 << 20, options.spoolMax / 8))
        var spool = try Spool(
            directory: options.state + "/spool", segmentBytes: segment,
            maximumBytes: options.spoolMax)
        log.report(spool.takeDamages(), of: "spool")
        var places = OutputPlaces(in: options.state)
        let known = places.read(of: spool.id)
        var branches: [Branch] = []
        for output in options.outputs {
            // What is known of a place that is not here is older, or was never synced.
            let place = known[output.name] ?? spool.first
            let start = min(max(place, spool.first), spool.next)
            branches.append(try Branch(output, from: start, stage.stats))
        }
        for name in known.keys.sorted() where !branches.contains(where: { $0.name == name }) {
            log.warning(
                "output \(name) of an earlier run is not among the outputs: records that waited for it are "
                    + "discarded once the others have them")
        }
        // Everything that the slowest output of this run will take counts as taken in.
        let first = branches.map(\.confirmed).min() ?? spool.next
        var left: Int64 = 0
        try spool.replay().forEach { position, entry in
            if position >= first { left += Branch.count(entry) }
        }
        figures = FanOutFigures(
            stage.stats, branches.map(\.name), recovered: left, options.spoolMax)
        if left > 0 {
            log.info("handing over what an earlier run left", ["records": "\(left)"])
        }
        disk = DiskFigures(stage.stats, directory: options.state)
        self.reserve = reserve
        self.spool = spool
        self.places = places
        self.branches = branches
        self.reader = reader
    }

    // MARK: - Running

    /// Reads until the end of input, or until a signal comes.
    mutating func distribute(in stage: borrowing Stage) throws {
        while !stage.isStopping {
            if wait(stage, reads: batch.isEmpty) {
                switch try reader.fill(unless: stage.stopDescriptor) {
                case .stopped: return
                case .end: return
                case .frames: try take()
                }
            } else if !batch.isEmpty {
                try accept()
            }
            try handOver(isStopping: stage.isStopping)
            stage.stats.heartbeat.beat()
            if branches.allSatisfy({ $0.failure != nil }) { return }
        }
    }

    /// Waits for input, for room in an output, or for a moment.
    ///
    /// - Returns: true when there is input.
    private func wait(_ stage: borrowing Stage, reads: Bool) -> Bool {
        var watched = [
            pollfd(fd: stage.stopDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(
                fd: reads ? reader.descriptorNumber : -1, events: Int16(POLLIN), revents: 0),
        ]
        for branch in branches {
            watched.append(
                pollfd(fd: branch.pollDescriptor, events: Int16(POLLOUT), revents: 0))
        }
        let isQuiet = batch.isEmpty && branches.allSatisfy { $0.isDone(spool) }
        if isQuiet { stage.stats.heartbeat.waits(for: .input) }
        _ = poll(&watched, UInt(watched.count), isQuiet ? 1000 : 20)
        stage.stats.heartbeat.waits(for: .nothing)
        return watched[1].revents != 0
    }

    private mutating func take() throws {
        var records: Int64 = 0
        // The good frames before a bad one are taken.
        let failure: (any Error)?
        do {
            while let frame = try reader.next() {
                batch.append(frame.bytes)
                records += 1
            }
            failure = nil
        } catch { failure = error }
        if let times = reader.lastTimes { figures.flow.note(times) }
        figures.note(records, bytesRead: reader.bytesRead)
        try accept()
        if let failure { throw failure }
    }

    /// Puts what was read into the spool, or where there is no room for it, into the hands of every
    /// output; and only then lets the FIFO that it came from forget it.
    private mutating func accept() throws {
        guard !batch.isEmpty else { return }
        if isLent {
            // What one of them will never take has to wait for the next run.
            isLent = branches.allSatisfy { $0.failure == nil }
            guard isLent, branches.allSatisfy({ $0.isDone(spool) }) else { return }
            isLent = false
            return forget()
        }
        do throws(SpoolError) {
            try Self.append(batch, to: &spool)
        } catch {
            guard error.isFull else { throw error }
            return waitForRoom(error)
        }
        isSynced = false
        if told.remove("spool") != nil { log.info("the spool has space again") }
        forget()
    }

    /// Room comes when the slowest output goes on. Where all have everything, the spool is empty and
    /// others took the room: then the outputs get what was read without it.
    private mutating func waitForRoom(_ error: SpoolError) {
        if told.insert("spool").inserted {
            let slowest = branches.min { $0.confirmed < $1.confirmed }?.name ?? ""
            log.error(
                "reading stops until there is space: \(error); output \(slowest) is "
                    + "furthest behind", cause: "spool_full")
        }
        guard branches.allSatisfy({ $0.failure == nil && $0.isDone(spool) }) else { return }
        for branch in branches { branch.lend(batch) }
        isLent = true
    }

    private mutating func forget() {
        batch.removeAll()
        do throws(SystemError) { try reader.acknowledge() } catch {
            log.warning("\(error)", cause: "acknowledge")
        }
    }

    /// Apart from `self`, whose parts may not be lent and changed at once.
    private static func append(
        _ batch: borrowing Bytes, to spool: inout Spool
    ) throws(SpoolError) {
        try spool.appendAtOnce(batch.span)
    }

    /// - Parameter isStopping: Ctrl-C reaches the readers, too, and one that ends first is no fault then.
    private mutating func handOver(isStopping: Bool) throws {
        for branch in branches {
            try branch.send(&spool)
            if isStopping { continue }
            if let failure = branch.failure, told.insert("output \(branch.name)").inserted {
                log.error(
                    "output \(branch.name) failed: \(failure); its records are kept in "
                        + "\(options.state) until the next run, and the others continue")
            }
        }
        let now = Clock.monotonicNanoseconds()
        guard now >= nextHousekeeping || !batch.isEmpty else { return }
        nextHousekeeping = now + Self.housekeeping
        try keepHouse(at: now)
    }

    private mutating func keepHouse(at now: Int64) throws {
        log.report(spool.takeDamages(), of: "spool")
        let isBehind = !branches.allSatisfy { $0.isDone(spool) }
        do {
            let current = Dictionary(uniqueKeysWithValues: branches.map { ($0.name, $0.confirmed) })
            if isBehind, !isSynced, now - lastSync >= Self.syncPause {
                try spool.sync()
                isSynced = true
                lastSync = now
            }
            try places.write(current, of: spool.id)
            if let first = branches.map(\.confirmed).min() { try spool.release(before: first) }
        } catch {
            // An old place costs repeats; room is freed anyway next time.
            log.warning("\(error)", cause: "places")
            if let first = branches.map(\.confirmed).min() { try? spool.release(before: first) }
        }
        figures.show(branches, spool)
        disk.update(now: now)
    }

    // MARK: - The end

    /// Hands over what is left: all of it after the end of input, for some time after a signal.
    mutating func drain(in stage: borrowing Stage) throws {
        var deadline: Int64?
        while true {
            try accept()
            try handOver(isStopping: stage.isStopping)
            stage.stats.heartbeat.beat()
            let open = branches.filter { $0.failure == nil && !$0.isDone(spool) }
            if open.isEmpty, batch.isEmpty { break }
            if branches.allSatisfy({ $0.failure != nil }) { break }
            if stage.isStopping {
                let now = Clock.monotonicNanoseconds()
                let end = deadline ?? now + Int64(options.drainTimeout * 1e9)
                deadline = end
                if now >= end { break }
                // The signal's descriptor stays readable.
                _ = poll(nil, 0, 5)
            } else {
                _ = wait(stage, reads: false)
            }
        }
        if !batch.isEmpty, !reader.keepsUnacknowledged, reserve.giveUp() {
            isLent = false
            try accept()
        }
        try keepHouse(at: Clock.monotonicNanoseconds())
        if !isSynced, branches.contains(where: { !$0.isDone(spool) }) {
            do throws(SpoolError) { try spool.sync() } catch {
                // What was handed to the system outlives this process, if not a power failure.
                guard error.isNoRoom else { throw error }
            }
        }
        for branch in branches
        where (branch.failure == nil || stage.isStopping) && !branch.isDone(spool) {
            log.warning(
                "output \(branch.name) did not read everything: the rest stays in \(options.state) for the "
                    + "next run")
        }
        if !batch.isEmpty, !reader.keepsUnacknowledged {
            throw StageFailure(
                .inputOutput, "the spool in \(options.state) had no space for the last records")
        }
    }

    /// - Throws: when the reader of an output is gone, but for a stop that a signal asked for.
    func finish(in stage: borrowing Stage) throws {
        if stage.isStopping { return }
        let gone = branches.filter { $0.failure != nil && !$0.isDone(spool) }
        guard !gone.isEmpty else { return }
        let names = gone.map { "\($0.name) (\($0.path))" }.joined(separator: ", ")
        throw StageFailure(
            .inputOutput,
            "no process reads from output \(names): unread records are in \(options.state) for the "
                + "next run")
    }
}

/// The figures of the stage.
struct FanOutFigures {
    let flow: FlowFigures
    private let spoolBytes: Gauge
    private let oldest: Gauge
    private let outputs: [(records: Counter, behind: Gauge)]
    private let taken: Taken

    /// What came, of this run and an earlier one.
    private final class Taken {
        var records: Int64
        init(_ records: Int64) { self.records = records }
    }

    init(_ stats: StatsWriter, _ names: [String], recovered: Int64, _ spoolMax: Int64) {
        flow = FlowFigures(stats, goesOut: "taken by every output")
        stats.counter(
            FigureName.recordsRecovered,
            help: "Records of an earlier run that are handed over again."
        ).advance(to: recovered)
        spoolBytes = stats.gauge(FigureName.spoolBytes, help: "Bytes that wait on disk.")
        stats.gauge(FigureName.spoolMaximum, help: "Most bytes that may wait on disk.").set(
            spoolMax)
        oldest = stats.gauge(
            FigureName.oldestWaitingTime,
            help: "Since when an output is behind, ns since the epoch; 0 for none.")
        outputs = names.map { name in
            let labels = Labels.pair("output", name)
            return (
                stats.counter(
                    "output_records", labels: labels, help: "Records that an output's reader took."),
                stats.gauge(
                    FigureName.outputBehind, labels: labels,
                    help:
                        "Since when an output is behind, ns since the epoch; 0: it is not."
                )
            )
        }
        taken = Taken(recovered)
    }

    func note(_ records: Int64, bytesRead: Int64) {
        taken.records += records
        flow.recordsIn.add(Int(records))
        flow.bytesIn.advance(to: bytesRead)
    }

    func show(_ branches: [Branch], _ spool: borrowing Spool) {
        let slowest = branches.map(\.records).min() ?? 0
        flow.recordsOut.advance(to: slowest)
        flow.bytesOut.advance(to: branches.map(\.written).min() ?? 0)
        flow.waiting.set(max(0, taken.records - slowest))
        spoolBytes.set(spool.bytes)
        oldest.set(branches.map(\.behindSince).filter { $0 > 0 }.min() ?? 0)
        for (branch, figure) in zip(branches, outputs) {
            figure.records.advance(to: branch.records)
            figure.behind.set(branch.behindSince)
        }
    }
}
