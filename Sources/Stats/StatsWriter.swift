import Glibc
public import Posix

/// A number that only grows. Bumping it is one add and one store in mapped memory; a reader sees
/// it at once and never blocks the writer.
public struct Counter: @unchecked Sendable {
    fileprivate let slot: UnsafeMutablePointer<UInt64>

    /// Adds to it. One thread only.
    @inline(__always)
    public func add(_ count: Int = 1) { slot.pointee &+= UInt64(truncatingIfNeeded: count) }

    /// Its value now.
    public var value: UInt64 { slot.pointee }
}

/// A number that goes up and down.
public struct Gauge: @unchecked Sendable {
    fileprivate let slot: UnsafeMutablePointer<UInt64>

    /// Sets it. One thread only.
    @inline(__always)
    public func set(_ value: Int64) { slot.pointee = UInt64(bitPattern: value) }

    /// Its value now.
    public var value: Int64 { Int64(bitPattern: slot.pointee) }
}

/// A distribution of durations in ns.
public struct Histogram: @unchecked Sendable {
    fileprivate let slots: UnsafeMutablePointer<UInt64>

    /// Counts one duration, in ns; a negative one counts as 0. One thread only.
    public func record(_ nanoseconds: Int64) {
        let value = UInt64(max(0, nanoseconds))
        slots[0] &+= value
        slots[1 + HistogramBuckets.index(of: value)] &+= 1
    }
}

/// A stage's figures in a file that others may read while the stage runs.
///
/// Aligned 8-byte stores are whole on every platform that this package builds for, so a reader
/// sees old or new numbers, never halves.
public final class StatsWriter {
    private let base: UnsafeMutableRawPointer
    private var metrics = 0
    private var slots = 0
    /// Where the file lies; nil for figures that only this process sees.
    public let path: String?

    /// Creates `directory/stage.instance.stats`, in the place of one that an earlier process left.
    public init(directory: String, stage: String, instance: String) throws(SystemError) {
        try Files.makeDirectories(directory)
        let path = "\(directory)/\(stage).\(instance).stats"
        let neighbour = path + ".new"
        let file = try Descriptor.open(neighbour, O_RDWR | O_CREAT | O_TRUNC)
        try file.truncate(to: Int64(StatsLayout.fileLength))
        guard
            let base = mmap(
                nil, StatsLayout.fileLength, PROT_READ | PROT_WRITE, MAP_SHARED, file.raw, 0),
            base != UnsafeMutableRawPointer(bitPattern: -1)
        else { throw SystemError("map", neighbour) }
        self.base = base
        self.path = path
        writeHeader(stage: stage, instance: instance)
        try Files.rename(neighbour, to: path)
    }

    /// Figures in memory, for a stage that has no directory to write to.
    public init(stage: String, instance: String) {
        base = .allocate(byteCount: StatsLayout.fileLength, alignment: 4096)
        base.initializeMemory(as: UInt8.self, repeating: 0, count: StatsLayout.fileLength)
        path = nil
        writeHeader(stage: stage, instance: instance)
    }

    deinit {
        if path == nil { base.deallocate() } else { munmap(base, StatsLayout.fileLength) }
    }

    // MARK: - Metrics

    /// Adds a counter.
    ///
    /// - Parameters:
    ///   - name: such as `records_in`; at most 64 bytes of UTF-8, as are the labels.
    ///   - labels: such as `sink="s3"`; empty for none.
    ///   - help: one sentence of at most 112 bytes.
    public func counter(_ name: String, labels: String = "", help: String) -> Counter {
        Counter(slot: add(.counter, name, labels, help, slots: 1))
    }

    /// Adds a gauge; parameters as for a counter.
    public func gauge(_ name: String, labels: String = "", help: String) -> Gauge {
        Gauge(slot: add(.gauge, name, labels, help, slots: 1))
    }

    /// Adds a histogram of ns; parameters as for a counter.
    public func histogram(_ name: String, labels: String = "", help: String) -> Histogram {
        Histogram(
            slots: add(.histogram, name, labels, help, slots: StatsLayout.histogramSlots))
    }

    /// Notes that the stage ended.
    public func end(exitCode: Int32) {
        base.storeBytes(of: exitCode, toByteOffset: StatsLayout.Header.exitCode, as: Int32.self)
        base.storeBytes(of: 1, toByteOffset: StatsLayout.Header.state, as: UInt32.self)
    }

    // MARK: - Bytes

    private func add(
        _ kind: MetricKind, _ name: String, _ labels: String, _ help: String, slots count: Int
    ) -> UnsafeMutablePointer<UInt64> {
        precondition(
            metrics < StatsLayout.maximumMetrics && slots + count <= StatsLayout.maximumSlots,
            "the stats file is full")
        let offset = StatsLayout.slotsOffset + slots * 8
        let entry = base + StatsLayout.tableOffset + metrics * StatsLayout.entryLength
        entry.storeBytes(of: kind.rawValue, toByteOffset: StatsLayout.Entry.kind, as: UInt32.self)
        entry.storeBytes(
            of: UInt32(offset), toByteOffset: StatsLayout.Entry.offset, as: UInt32.self)
        entry.storeBytes(of: UInt32(count), toByteOffset: StatsLayout.Entry.slots, as: UInt32.self)
        Self.store(name, at: entry + StatsLayout.Entry.name, StatsLayout.nameLength)
        Self.store(labels, at: entry + StatsLayout.Entry.labels, StatsLayout.labelsLength)
        Self.store(help, at: entry + StatsLayout.Entry.help, StatsLayout.helpLength)
        metrics += 1
        slots += count
        // Last, so that a reader never sees an entry that is not written yet.
        base.storeBytes(
            of: UInt32(metrics), toByteOffset: StatsLayout.Header.metrics, as: UInt32.self)
        return (base + offset).assumingMemoryBound(to: UInt64.self)
    }

    private func writeHeader(stage: String, instance: String) {
        typealias Header = StatsLayout.Header
        base.storeBytes(of: StatsLayout.magic, as: UInt64.self)
        base.storeBytes(of: StatsLayout.version, toByteOffset: Header.version, as: UInt32.self)
        base.storeBytes(of: UInt64(getpid()), toByteOffset: Header.pid, as: UInt64.self)
        base.storeBytes(
            of: ProcessStart.ticks(of: getpid()) ?? 0, toByteOffset: Header.processStart,
            as: UInt64.self)
        base.storeBytes(
            of: Clock.realtimeNanoseconds(), toByteOffset: Header.startTime, as: Int64.self)
        Self.store(stage, at: base + Header.stage, StatsLayout.stageLength)
        Self.store(instance, at: base + Header.instance, StatsLayout.instanceLength)
    }

    private static func store(_ text: String, at place: UnsafeMutableRawPointer, _ length: Int) {
        for (index, byte) in text.utf8.prefix(length).enumerated() {
            place.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
    }
}

/// When a process began, which together with its pid names it for good.
enum ProcessStart {
    /// Field 22 of /proc/PID/stat (proc(5)); nil when there is no such process.
    static func ticks(of pid: pid_t) -> UInt64? {
        guard let bytes = try? Files.read("/proc/\(pid)/stat", limit: 4096) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        // The name before it is in parentheses and may hold spaces.
        guard let name = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: name)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
