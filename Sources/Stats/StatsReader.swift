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

    /// One metric.
    public struct Metric: Sendable {
        /// What its numbers mean.
        public let kind: MetricKind
        /// Such as `records_in`.
        public let name: String
        /// Such as `sink="s3"`.
        public let labels: String
        /// One sentence.
        public let help: String
        /// One number; for a histogram the sum, then the count of each bucket.
        public let values: [UInt64]
    }

    /// The stage, such as `dedup`.
    public let stage: String
    /// Which process of the stage.
    public let instance: String
    /// Its process.
    public let pid: Int32
    /// When it started, ns since the epoch.
    public let startTime: Int64
    /// Whether it still runs.
    public let life: Life
    /// Its figures.
    public let metrics: [Metric]

    /// The value of a counter or gauge; nil when there is none of that name.
    public func value(_ name: String) -> Int64? {
        metrics.first { $0.name == name && $0.kind != .histogram }
            .flatMap { $0.values.first.map { Int64(bitPattern: $0) } }
    }

    /// Reads a file; every number in it is checked before it is used.
    public init(path: String) throws(StatsError) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.read(path, limit: StatsLayout.fileLength)
        } catch { throw .system(error) }
        guard bytes.count == StatsLayout.fileLength else { throw .notStats(path) }
        func load<Value: BitwiseCopyable>(_ offset: Int, _ type: Value.Type) -> Value {
            bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
        }
        func text(_ offset: Int, _ length: Int) -> String {
            String(decoding: bytes[offset..<(offset + length)].prefix { $0 != 0 }, as: UTF8.self)
        }
        typealias Header = StatsLayout.Header
        guard load(0, UInt64.self) == StatsLayout.magic,
            load(Header.version, UInt32.self) == StatsLayout.version
        else { throw .notStats(path) }
        stage = text(Header.stage, StatsLayout.stageLength)
        instance = text(Header.instance, StatsLayout.instanceLength)
        pid = Int32(truncatingIfNeeded: load(Header.pid, UInt64.self))
        startTime = load(Header.startTime, Int64.self)
        if load(Header.state, UInt32.self) == 1 {
            life = .ended(load(Header.exitCode, Int32.self))
        } else {
            let ticks = ProcessStart.ticks(of: pid)
            life = ticks == load(Header.processStart, UInt64.self) ? .running : .dead
        }
        let count = Int(load(Header.metrics, UInt32.self))
        guard count <= StatsLayout.maximumMetrics else { throw .notStats(path) }
        var metrics: [Metric] = []
        for index in 0..<count {
            let entry = StatsLayout.tableOffset + index * StatsLayout.entryLength
            let offset = Int(load(entry + StatsLayout.Entry.offset, UInt32.self))
            let slots = Int(load(entry + StatsLayout.Entry.slots, UInt32.self))
            guard let kind = MetricKind(rawValue: load(entry, UInt32.self)),
                offset >= StatsLayout.slotsOffset, offset % 8 == 0, slots >= 1,
                slots <= StatsLayout.maximumSlots,
                offset + slots * 8 <= StatsLayout.fileLength
            else { throw .notStats(path) }
            metrics.append(
                Metric(
                    kind: kind,
                    name: text(entry + StatsLayout.Entry.name, StatsLayout.nameLength),
                    labels: text(entry + StatsLayout.Entry.labels, StatsLayout.labelsLength),
                    help: text(entry + StatsLayout.Entry.help, StatsLayout.helpLength),
                    values: (0..<slots).map { load(offset + $0 * 8, UInt64.self) }))
        }
        self.metrics = metrics
    }
}

/// Why a stats file could not be read.
public enum StatsError: Error, Equatable, CustomStringConvertible {
    /// The system refused.
    case system(SystemError)
    /// It is something else, or of another version.
    case notStats(String)

    /// What and why.
    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .notStats(let path): "\(path) is not a stats file of this version"
        }
    }
}
