import Glibc
import Journal
import Posix
public import Records
public import Stats

/// One process of a pipeline while it runs: its log, its stop signal, its input and output.
public struct Stage: ~Copyable {
    /// The tool's name, such as `dedup`.
    public let name: String
    /// Where its log lines go.
    public let log: Log
    /// Readable once the stage is to stop; for poll loops.
    public let stopDescriptor: Int32

    /// Where its figures go.
    public let stats: StatsWriter
    /// What a service manager hears of the stage; nil where none listens.
    let notices: ServiceNotices?
    /// Configurations that were read again while it runs.
    public let reloads: Reloads
    /// Where its settings can be read; nil for a run without a stats file.
    let settingsFile: SettingsFile?

    init(
        name: String, instance: String?, pipeline: String, statsDirectory: String?,
        hasStatsFile: Bool = true, log: Log
    ) throws {
        let stop = try Signals.watch()
        let stats =
            hasStatsFile
            ? try Self.stats(name, instance, pipeline, statsDirectory, log)
            : try StatsWriter(stage: name, instance: "\(getpid())")
        let reloads = try Reloads()
        self.name = name
        self.reloads = reloads
        var log = log
        log.lastError = stats.lastError
        self.log = log
        self.stats = stats
        notices = ServiceNotices(Environment.all, stats: stats)
        stopDescriptor = stop
        settingsFile = SettingsFile(statsPath: stats.path)
    }

    /// Notes how the process ends, and why: the last thing that it does.
    func end(_ status: Int32, _ reason: String = "") {
        settingsFile?.remove()
        notices?.end(status: status, reason)
        stats.end(exitCode: status)
    }

    /// Where stats files are by default.
    public static var standardStats: String {
        (DirectoryVariable.path("XDG_RUNTIME_DIR", in: Environment.all) ?? "/run")
            + "/bitcoin-ingestor"
    }

    /// The stats file; where none can be, figures that only this process sees.
    private static func stats(
        _ name: String, _ instance: String?, _ pipeline: String, _ directory: String?, _ log: Log
    ) throws -> StatsWriter {
        let own = instance ?? SystemdUnit.instance
        do throws(StatsError) {
            let stats = try StatsWriter(
                directory: directory ?? standardStats, stage: name,
                instance: own ?? "\(getpid())", pipeline: pipeline, version: Version.text,
                isVisitor: own == nil)
            if let own, let holder = stats.nameHolder {
                log.warning(
                    "\(name).\(own) is already running as process \(holder): this process gets a "
                        + "number after that name; name it with --instance")
            }
            return stats
        } catch {
            // One that was asked for must work; the usual place is a convenience. A disk that is
            // full passes, and data go before figures.
            let isFull = if case .system(let error) = error { error.isNoRoom } else { false }
            guard directory == nil || isFull else {
                if case .system(let error) = error { throw error }
                throw error
            }
            log.warning(
                "no stats file, so healthd does not see this stage: \(error); "
                    + (isFull
                        ? "free room there and start it again"
                        : "set XDG_RUNTIME_DIR, STATS_DIR or --stats-dir to a directory that it may "
                            + "write to"))
            return try StatsWriter(stage: name, instance: own ?? "\(getpid())")
        }
    }

    /// Notes where the stage is in its life, for those who watch it.
    public func enter(_ state: StageState) {
        stats.enter(state)
        notices?.enter(state, stats)
        if state == .running { ResidentMemory.dropStartupPages() }
    }

    /// True once SIGTERM or SIGINT came.
    public var isStopping: Bool { Descriptor.isReadable(stopDescriptor) }

    /// A century, seconds: its nanoseconds are still a number.
    private static let longestWait = 3.2e9

    /// Waits for a stop signal for some seconds, and shows meanwhile that it is well.
    ///
    /// - Parameter other: a descriptor that ends the wait too when it is readable; -1 for none.
    /// - Returns: true once a signal came.
    public func waitForStop(seconds: Double, orReadable other: Int32 = -1) -> Bool {
        let end = Clock.monotonicNanoseconds() + Int64(min(seconds, Self.longestWait) * 1e9)
        while true {
            stats.heartbeat.beat()
            let left = Double(end - Clock.monotonicNanoseconds()) / 1e6
            guard left > 0, !isStopping, !Descriptor.isReadable(other) else { return isStopping }
            var watched = [
                pollfd(fd: stopDescriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: other, events: Int16(POLLIN), revents: 0),
            ]
            // A wait of weeks has more milliseconds than poll(2) takes.
            let longest = Double(Heartbeat.longestWait)
            _ = poll(&watched, 2, Int32(min(left.rounded(.up), longest)))
        }
    }

    /// Frames from standard input.
    ///
    /// - Parameter endsWithIt: true for a filter or sink, which at ^C in a pipeline reads on to the end of
    ///   the pipe; false for a source, which stops.
    public func standardInput(endsWithIt: Bool = true) throws(StageFailure) -> FrameReader {
        let input = Descriptor.standardInput()
        guard !input.isTerminal else {
            throw StageFailure(
                .usage,
                "standard input is a terminal and records are binary: "
                    + "name a file, or pipe in the output of a source such as rest-pull")
        }
        if endsWithIt, PeekedPipe.isShellPipe(input.raw) { Signals.drainInput() }
        return reader(input)
    }

    /// Frames from a file or FIFO; `-` is standard input.
    public func frames(in path: String) throws -> FrameReader {
        if path == "-" { return try standardInput() }
        let file = try Descriptor.openInput(path)
        stats.addNeighbour(descriptor: file.raw, isInput: true)
        return reader(file)
    }

    private func reader(_ input: consuming Descriptor) -> FrameReader {
        let (log, stats, name) = (log, stats, input.name)
        var reader = FrameReader(input)
        reader.heartbeat = stats.heartbeat
        reader.whenSkipping = { skip in
            switch skip {
            case .began(let error):
                log.warning(
                    "\(name): \(error); looking for the next frame, since a FIFO may begin inside one"
                )
            case .found(let bytes):
                log.warning("\(name): found the next frame", ["bytes_skipped": "\(bytes)"])
                stats.counter(
                    "bytes_skipped",
                    help: "Bytes of a FIFO that were skipped because they are not frames."
                ).advance(to: bytes)
            }
        }
        return reader
    }

    /// Frames to standard output.
    public func standardOutput() throws -> FrameWriter {
        var writer = try FrameWriter(Descriptor.standardOutput())
        writer.heartbeat = stats.heartbeat
        writer.stop = stopDescriptor
        return writer
    }

    /// Writes a report for people, or for scripts, to standard output.
    public func print(_ text: String) throws {
        try Descriptor.standardOutput().writeAll(Array(text.utf8).span.bytes)
    }
}
