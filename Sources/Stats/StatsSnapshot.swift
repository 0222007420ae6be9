import Glibc
public import Posix

/// What a stage's stats file says at one moment.
public struct StatsSnapshot: Sendable {
    /// Whether the stage still runs.
    public enum Life: Equatable, Sendable {
        case running
        /// It ended in order, with this exit code.
        case ended(Int32)
        /// Its process is gone without having said so.
        case dead
    }

    /// What a metric is; the same for the life of a file, and shared by all readings of it.
    public final class Definition: Sendable {
        /// What its numbers mean.
        public let kind: MetricKind
        /// Such as `records_in`.
        public let name: String
        /// Such as `sink="s3"`.
        public let labels: String
        /// One sentence.
        public let help: String
        /// Where its numbers are among those of the file.
        let places: Range<Int>

        init(kind: MetricKind, name: String, labels: String, help: String, places: Range<Int>) {
            self.kind = kind
            self.name = name
            self.labels = labels
            self.help = help
            self.places = places
        }
    }

    /// One metric.
    public struct Metric: Sendable {
        /// What it is.
        public let definition: Definition
        /// One number; for a histogram the sum, then the count of each bucket. A part of all numbers
        /// of the file, so its first index is not 0.
        public let values: ArraySlice<UInt64>

        /// What its numbers mean.
        public var kind: MetricKind { definition.kind }
        /// Such as `records_in`.
        public var name: String { definition.name }
        /// Such as `sink="s3"`.
        public var labels: String { definition.labels }
        /// One sentence.
        public var help: String { definition.help }
        /// The number of a counter or gauge.
        public var value: Int64 { Int64(bitPattern: values.first ?? 0) }
        /// The counts of a histogram's buckets.
        public var buckets: ArraySlice<UInt64> { values.dropFirst() }
    }

    /// The last error that the stage noted.
    public struct ErrorNote: Sendable, Equatable {
        /// How many it noted so far.
        public let number: UInt64
        /// When, ns since the epoch.
        public let time: Int64
        /// What.
        public let text: String
    }

    /// The stage, such as `dedup`.
    public let stage: String
    /// Which process of the stage.
    public let instance: String
    /// True for a run that was given no name: it does not belong to the host's health.
    public let isVisitor: Bool
    /// True when another process had the name that it was given: it has a number behind it.
    public let isRenamed: Bool
    /// Which pipeline; may be empty.
    public let pipeline: String
    /// Version of the program; may be empty.
    public let version: String
    /// Its process.
    public let pid: Int32
    /// When it started, ns since the epoch.
    public let startTime: Int64
    /// Where it is in its life, as it says.
    public let state: StageState
    /// Since when, ns since the epoch.
    public let stateSince: Int64
    /// When its loop turned last, ns of the monotonic clock.
    public let heartbeat: Int64
    /// What it waits for.
    public let wait: Heartbeat.Wait
    /// Whether it still runs.
    public let life: Life
    /// True when a signal stopped its process.
    public let isSuspended: Bool
    /// Processor time that it has used, ns; nil once it has ended.
    public let processorTime: Int64?
    /// Bytes of memory that it occupies; nil once it has ended.
    public let residentBytes: Int64?
    /// Metrics for which the file had no room.
    public let refusedMetrics: UInt64
    /// Updates as one that it made so far; 0 for a stage that makes none.
    public let updates: UInt64
    /// False when the figures may be from the middle of an update.
    public let isConsistent: Bool
    /// The last error; nil when there was none.
    public let lastError: ErrorNote?
    /// Its inputs and outputs.
    public let neighbours: [Neighbour]
    /// Its figures.
    public let metrics: [Metric]
    /// Where the counters and gauges of a name are among them.
    private let places: [String: [Int]]

    /// The value of a counter or gauge; nil when there is none of that name. With labels it is the
    /// first one's.
    public func value(_ name: String) -> Int64? {
        places[name]?.first.map { metrics[$0].value }
    }

    /// The sum of all counters or gauges of a name, whatever their labels; nil when there is none.
    public func sum(_ name: String) -> Int64? {
        places[name].map { places in places.reduce(0) { $0 &+ metrics[$1].value } }
    }

    /// Reads a file once; every number in it is checked before it is used.
    public init(path: String) throws(StatsError) {
        let file = try StatsFile(path: path)
        self = try file.read()
    }

    init(
        _ header: StatsHeader, life: Life, process: ProcessStatus?, isConsistent: Bool,
        lastError: ErrorNote?, metrics: [Metric], places: [String: [Int]]
    ) {
        stage = header.stage
        instance = header.instance
        isVisitor = !header.isMember
        isRenamed = header.isRenamed
        pipeline = header.pipeline
        version = header.version
        pid = header.pid
        startTime = header.startTime
        state = header.state
        stateSince = header.stateSince
        heartbeat = header.heartbeat
        wait = header.wait
        refusedMetrics = header.refusedMetrics
        updates = header.updates
        neighbours = header.neighbours
        self.life = life
        isSuspended = process?.isStopped == true
        processorTime = process?.processorTime
        residentBytes = process?.residentBytes
        self.isConsistent = isConsistent
        self.lastError = lastError
        self.metrics = metrics
        self.places = places
    }
}

/// Why a stats file could not be read.
public enum StatsError: Error, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// The system refused.
    case system(SystemError)
    /// It is something else, or of another version.
    case notStats(String)
    /// Another process that runs has this name: `stage.instance`, and its pid.
    case nameTaken(String, pid: Int32)

    /// A name that is taken is a setting to change.
    public var exitStatus: ExitStatus {
        switch self {
        case .system(let error): error.exitStatus
        case .notStats: .inputOutput
        case .nameTaken: .configuration
        }
    }

    /// What and why.
    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .notStats(let path): "\(path) is not a stats file of this version"
        case .nameTaken(let name, let pid):
            "sixteen processes are called \(name), one of them \(pid): give this one another name (--instance)"
        }
    }
}
