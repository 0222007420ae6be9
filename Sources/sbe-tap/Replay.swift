import Binance
import Glibc
import Posix
import Records
import Stage
import Stats

/// Decodes a capture: the records that live decoding gave, with the capture's times of receipt as
/// ingest times. Records that are not raw pass as they are.
struct Replay: ~Copyable {
    private let plan: TapOptions
    private let log: Log
    private var counters: TapCounters
    private let path: String
    private var merge: StreamMerge
    private var output: OutputBuffer
    private var quarantine: Quarantine
    private var passed = 0
    private var hasReachedLimit = false
    private var nextReaderWarning: Int64 = 0
    /// Receipt of the record before, ns.
    private var lastTime: Int64 = 0
    /// Receipt of the first record, and when it was replayed; ns.
    private var origin: (captured: Int64, replayed: Int64)?

    init(_ plan: TapOptions, path: String, in stage: borrowing Stage) throws {
        let output = try OutputBuffer(plan.output)
        self.plan = plan
        self.path = path
        self.output = output
        log = stage.log
        counters = TapCounters(stage, slots: 1)
        merge = StreamMerge([], rules: plan.merge)
        quarantine = Quarantine(plan.output, counters, log: log)
    }

    mutating func run(in stage: borrowing Stage) throws {
        stage.enter(.running)
        let started = Clock.monotonicNanoseconds()
        var reader =
            path == "-" ? try stage.standardInput(endsWithIt: false) : try stage.frames(in: path)
        var isOver = false
        while !isOver, try reader.fill(unless: stage.stopDescriptor) == .frames {
            isOver = try drain(&reader, in: stage, since: started)
            try push(in: stage)
        }
        // What waits would be more than was asked for.
        if !hasReachedLimit {
            merge.finish(at: lastTime, into: &output.merged) { _ in Self.origin }
        }
        try push(in: stage)
        let deadline = Clock.monotonicNanoseconds() + Int64(plan.drainTimeout * 1e9)
        let lost = try output.finish(&merge, until: deadline).lost
        counters.publish(merge, output, captured: passed)
        log.info(
            "replayed",
            ["records": "\(output.merged.records + passed)", "gaps": "\(merge.counts.gaps)"])
        guard lost == 0 else {
            throw StageFailure(
                .inputOutput, "the reader of standard output did not read \(lost) bytes in time")
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
            let end = plan.duration.map { started.addingReportingOverflow(Int64($0 * 1e9)).0 }
            if let speed = plan.speed, try !keepTime(frame.ingestTime, speed, until: end, in: stage)
            {
                return true
            }
            let start = output.merged.bytes.count
            try take(frame)
            if let limit = plan.limit, output.merged.records + passed >= limit {
                output.merged.bytes.removeLastFrames(
                    output.merged.records + passed - limit, from: start)
                hasReachedLimit = true
                return true
            }
            if output.merged.bytes.count >= OutputBuffer.batch { try push(in: stage) }
            // Whoever reads has stopped; the rest can be read from the capture later.
            if output.isFull && stage.isStopping { return true }
        }
        return false
    }

    private mutating func take(_ frame: borrowing FrameView) throws {
        guard frame.template == RawDecoder.templateID else {
            output.merged.bytes.append(frame.bytes)
            passed += 1
            return
        }
        let raw: RawDecoder
        do { raw = try RawDecoder(frame.message) } catch {
            throw FrameError.badMessage("\(error)")
        }
        counters.messages.add()
        // The merge subtracts times from each other; a capture may be anybody's.
        let time = min(max(0, frame.ingestTime), 1 << 62)
        if time != lastTime {
            merge.tick(at: time, into: &output.merged) { _ in Self.origin }
            lastTime = time
        }
        do throws(StreamError) {
            if StreamMerge.isJSON(raw.message) {
                _ = try merge.take(
                    json: raw.message, from: Self.origin, at: time, into: &output.merged)
            } else {
                _ = try merge.take(
                    raw.message, from: Self.origin, at: time, into: &output.merged)
            }
        } catch { quarantine.add(raw.message, because: error, number: frame.firstID, at: time) }
    }

    /// A capture does not tell connections apart: each hole is given the time in which another
    /// one may fill it.
    private static var origin: StreamMerge.Origin { StreamMerge.Origin(copies: 2) }

    /// Waits until a record is due.
    ///
    /// - Returns: false when a signal or the end of the run came first.
    private mutating func keepTime(
        _ time: Int64, _ speed: Double, until end: Int64?, in stage: borrowing Stage
    ) throws -> Bool {
        let now = Clock.monotonicNanoseconds()
        guard let origin else {
            self.origin = (time, now)
            return true
        }
        let due = Self.due(time, origin, speed)
        guard due > now else { return true }
        try push(in: stage)
        // Shown to be well meanwhile, however long it takes.
        let seconds = Double(min(due, end ?? .max) - now) / 1e9
        if stage.waitForStop(seconds: min(max(0, seconds), 31_536_000)) { return false }
        return due <= end ?? .max
    }

    /// When a record is due, monotonic ns. The times are a file's and the speed a person's: what is
    /// too far is the end of time, and no trap.
    private static func due(
        _ time: Int64, _ origin: (captured: Int64, replayed: Int64), _ speed: Double
    ) -> Int64 {
        let distance = (Double(time) - Double(origin.captured)) / speed
        guard distance < 9e18 else { return .max }
        guard distance > 0 else { return origin.replayed }
        let (due, overflow) = origin.replayed.addingReportingOverflow(Int64(distance))
        return overflow ? .max : due
    }

    /// Writes what there is, and waits for a slow reader: a file can be read later as well.
    /// A signal ends the wait.
    private mutating func push(in stage: borrowing Stage) throws {
        while try !output.push(&merge, at: Clock.realtimeNanoseconds()), output.isFull {
            if stage.isStopping { break }
            warnOfReader()
            var watched = [
                pollfd(fd: output.pollable, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: stage.stopDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&watched, 2, 1000)
        }
        if counters.isDue(at: Clock.monotonicNanoseconds()) {
            counters.publish(merge, output, captured: passed)
        }
    }

    /// Tells of a slow reader, at most once in ten seconds.
    private mutating func warnOfReader() {
        let now = Clock.monotonicNanoseconds()
        guard now >= nextReaderWarning else { return }
        nextReaderWarning = now + 10_000_000_000
        log.warning(
            "the reader is slow: the capture is not read",
            ["buffered": "\(output.buffered)"])
    }
}
