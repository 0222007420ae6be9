import Binance
import Glibc
import Posix
import Records
import Stage
import Stats

/// Decodes a capture: the records that live decoding gave, with the capture's times of receipt as
/// ingest times. Records that are not raw pass as they are.
struct Replay: ~Copyable {
    private let plan: TapPlan
    private let log: Log
    private var counters: TapCounters
    private let path: String
    private var merge: StreamMerge
    private var delivery: Delivery
    private var refusals: Refusals
    private var passed = 0
    private var hasReachedLimit = false
    private var nextReaderWarning: Int64 = 0
    /// Receipt of the record before, ns.
    private var lastTime: Int64 = 0
    /// Receipt of the first record, and when it was replayed; ns.
    private var origin: (captured: Int64, replayed: Int64)?

    init(_ plan: TapPlan, path: String, in stage: borrowing Stage) throws {
        let delivery = try Delivery(plan.output)
        self.plan = plan
        self.path = path
        self.delivery = delivery
        log = stage.log
        counters = TapCounters(stage, seats: 1)
        merge = StreamMerge([], rules: plan.merge)
        refusals = Refusals(plan.output, counters, log: log)
    }

    mutating func run(in stage: borrowing Stage) throws {
        stage.enter(.running)
        let started = Clock.monotonicNanoseconds()
        var reader = path == "-" ? try stage.standardInput() : try stage.frames(in: path)
        var isOver = false
        while !isOver, try reader.fill(unless: stage.stopDescriptor) == .frames {
            isOver = try drain(&reader, in: stage, since: started)
            try push(in: stage)
        }
        // What waits would be more than was asked for.
        if !hasReachedLimit { merge.finish(at: lastTime) { _ in Self.origin } }
        try push(in: stage)
        let deadline = Clock.monotonicNanoseconds() + Int64(plan.drainTimeout * 1e9)
        let lost = try delivery.finish(&merge, until: deadline).lost
        counters.publish(merge, captured: passed, bytesOut: delivery.written)
        log.info(
            "replayed",
            ["records": "\(merge.counts.out + passed)", "gaps": "\(merge.counts.gaps)"])
        guard lost == 0 else {
            throw StageFailure(.inputOutput, "the reader did not take \(lost) bytes in time")
        }
    }

    /// - Returns: true when it is to end.
    private mutating func drain(
        _ reader: inout FrameReader, in stage: borrowing Stage, since started: Int64
    ) throws -> Bool {
        while let frame = try reader.next() {
            if let duration = plan.duration,
                Double(Clock.monotonicNanoseconds() - started) >= duration * 1e9
            {
                return true
            }
            if let speed = plan.speed, try !keepTime(frame.ingestTime, speed, in: stage) {
                return true
            }
            let start = merge.output.count
            try take(frame)
            if let limit = plan.limit, merge.counts.out + passed >= limit {
                merge.output.removeLastFrames(merge.counts.out + passed - limit, from: start)
                hasReachedLimit = true
                return true
            }
            if merge.output.count >= Delivery.batch { try push(in: stage) }
            // Whoever reads has stopped; the rest can be read from the capture later.
            if delivery.isFull && stage.isStopping { return true }
        }
        return false
    }

    private mutating func take(_ frame: borrowing FrameView) throws {
        guard frame.template == RawDecoder.templateID else {
            merge.output.append(frame.bytes)
            passed += 1
            return
        }
        let raw: RawDecoder
        do { raw = try RawDecoder(frame.message) } catch {
            throw FrameError.badMessage("\(error)")
        }
        counters.messages.add()
        let time = frame.ingestTime
        if time != lastTime {
            merge.tick(at: time) { _ in Self.origin }
            lastTime = time
        }
        do throws(StreamError) {
            _ = try merge.take(raw.message, from: Self.origin, at: time)
        } catch { refusals.add(raw.message, because: error, number: frame.firstID, at: time) }
    }

    /// A capture does not tell connections apart: each hole is given the time in which another
    /// one may fill it.
    private static var origin: StreamMerge.Origin { StreamMerge.Origin(copies: 2) }

    /// Waits until a record is due.
    ///
    /// - Returns: false when a signal came first.
    private mutating func keepTime(
        _ time: Int64, _ speed: Double, in stage: borrowing Stage
    ) throws -> Bool {
        let now = Clock.monotonicNanoseconds()
        guard let origin else {
            self.origin = (time, now)
            return true
        }
        let due = origin.replayed + Int64(Double(time - origin.captured) / speed)
        guard due > now else { return true }
        try push(in: stage)
        Descriptor.waitUntilReadable(
            stage.stopDescriptor, seconds: Double(due - now) / 1e9)
        return !stage.isStopping
    }

    /// Writes what there is, and waits for a slow reader: a file can be read later as well.
    /// A signal ends the wait.
    private mutating func push(in stage: borrowing Stage) throws {
        while try !delivery.push(&merge, at: Clock.realtimeNanoseconds()), delivery.isFull {
            if stage.isStopping { break }
            warnOfReader()
            var watched = [
                pollfd(fd: delivery.pollable, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: stage.stopDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&watched, 2, 1000)
        }
        if counters.isDue() {
            counters.publish(merge, captured: passed, bytesOut: delivery.written)
        }
    }

    /// Tells of a slow reader, at most once in ten seconds.
    private mutating func warnOfReader() {
        let now = Clock.monotonicNanoseconds()
        guard now >= nextReaderWarning else { return }
        nextReaderWarning = now + 10_000_000_000
        log.warning(
            "the reader is slow: the capture is not read",
            ["buffered": "\(delivery.buffered(merge.output))"])
    }
}
