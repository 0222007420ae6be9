import Glibc
public import Posix
import Synchronization

/// A stage's figures in a file that others may read while the stage runs.
///
/// Nothing here locks, calls the system or allocates once a metric is there: an update is a
/// relaxed atomic load and store. One thread updates a metric.
public final class StatsWriter {
    private let memory: StatsMemory
    private var metrics = 0
    private var slots = 0
    private var places: [String: Int] = [:]
    private let isVisitor: Bool
    /// Files that this process has begun.
    private static let count = Atomic(0)
    /// Where the file is; nil for figures that only this process sees.
    public private(set) var path: String?
    /// The process that has the name which this one wanted; nil when it got it.
    public private(set) var nameHolder: Int32?
    /// True when the file of a visitor stays after its end, until the next stage starts or healthd
    /// looks: for a run whose figures were asked for.
    public var keepsFile = false
    /// Shows that the stage's loop turns.
    public let heartbeat: Heartbeat
    /// Where a log notes warnings and errors.
    public var lastError: LastError { LastError(memory: memory) }

    /// Creates `directory/stage.instance.stats`, in the place of one that an earlier process left.
    ///
    /// Its owner writes it, everybody may read it. It takes the room that its figures need and is
    /// locked while the stage runs, so that two processes cannot have one name: the second one waits
    /// two seconds for the end of the first one, as in a restart, and then gets a number behind its
    /// name, see ``nameHolder``. Files that visitors left which were killed are removed.
    ///
    /// - Parameters:
    ///   - instance: tells two processes of a stage apart; what a path cannot have is replaced, and
    ///     a name of more than 64 bytes is cut and ends with its checksum.
    ///   - pipeline: which pipeline it is part of; empty for the one of its host.
    ///   - version: of the program.
    ///   - isVisitor: true for a run without a name: its file goes away when it ends.
    /// - Throws: ``StatsError/nameTaken(_:pid:)`` when sixteen processes have the name.
    public init(
        directory: String, stage: String, instance: String, pipeline: String = "",
        version: String = "", isVisitor: Bool = false
    ) throws(StatsError) {
        self.isVisitor = isVisitor
        let name = instance.replacing("/", with: "_").fitted(to: StatsLayout.instanceLength)
        do throws(SystemError) { try Files.makeDirectories(directory) } catch {
            throw .system(error)
        }
        let number = Self.count.wrappingAdd(1, ordering: .relaxed).newValue
        let neighbour = "\(directory)/\(stage).\(name).\(getpid())-\(number).new"
        memory = try Self.makeFile(neighbour)
        heartbeat = Self.heartbeat(memory)
        writeHeader(stage, name, pipeline, version)
        do throws(StatsError) {
            path = try publish(neighbour, in: directory, stage, name)
        } catch {
            try? Files.remove(neighbour)
            throw error
        }
        StatsDirectory.removeDeadVisitors(directory)
    }

    /// Figures in memory, for a stage that has no directory to write to.
    public init(stage: String, instance: String) throws(SystemError) {
        memory = try StatsMemory()
        heartbeat = Self.heartbeat(memory)
        isVisitor = true
        writeHeader(stage, instance, "", "")
    }

    private static func makeFile(_ path: String) throws(StatsError) -> StatsMemory {
        do throws(SystemError) {
            try Files.remove(path)
            var file = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
            do throws(SystemError) {
                guard fchmod(file.raw, 0o644) == 0 else {
                    throw SystemError("change the mode of", path)
                }
                _ = try file.lock()
                return try StatsMemory(mapping: file)
            } catch {
                try? Files.remove(path)
                throw error
            }
        } catch { throw .system(error) }
    }

    /// Gives the file its name, or the first one with a number after it that is free.
    private func publish(
        _ neighbour: String, in directory: String, _ stage: String, _ name: String
    ) throws(StatsError) -> String {
        var patience = isVisitor ? 0 : StatsDirectory.patience
        var own = name
        var number = 1
        while true {
            let path = "\(directory)/\(stage).\(own).stats"
            do throws(StatsError) {
                try StatsDirectory.publish(
                    neighbour, as: path, id: "\(stage).\(own)", patience: patience)
                return path
            } catch {
                guard case .nameTaken(_, let pid) = error, number < 16 else { throw error }
                if nameHolder == nil { nameHolder = pid }
            }
            patience = 0
            number += 1
            own = name.cut(to: StatsLayout.instanceLength - 3) + "-\(number)"
            memory.store(own, at: StatsLayout.Header.instance, StatsLayout.instanceLength)
            guard !isVisitor else { continue }
            memory.base.storeBytes(
                of: StatsLayout.memberFlag | StatsLayout.renamedFlag,
                toByteOffset: StatsLayout.Header.flags, as: UInt32.self)
        }
    }

    // MARK: - Metrics

    /// Adds a counter, or gives the one that has this name and these labels.
    ///
    /// Where there is no room for it the counter works but is not visible, and the file says how
    /// often that happened.
    ///
    /// - Parameters:
    ///   - name: such as `records_in`; at most 64 bytes of UTF-8.
    ///   - labels: such as `sink="s3"`, at most 128 bytes; empty for none.
    ///   - help: one sentence of at most 176 bytes.
    public func counter(_ name: String, labels: String = "", help: String) -> Counter {
        Counter(slot: add(.counter, name, labels, help, slots: 1))
    }

    /// Adds a gauge; parameters as for a counter.
    public func gauge(_ name: String, labels: String = "", help: String) -> Gauge {
        Gauge(slot: add(.gauge, name, labels, help, slots: 1))
    }

    /// Adds a histogram of ns; parameters as for a counter.
    public func histogram(_ name: String, labels: String = "", help: String) -> Histogram {
        Histogram(slots: add(.histogram, name, labels, help, slots: StatsLayout.histogramSlots))
    }

    /// Counters that differ in a label whose values are found while the stage runs.
    ///
    /// - Parameter limit: how many values are distinguished.
    public func counters(
        _ name: String, label: String, limit: Int = 16, help: String
    ) -> CounterFamily {
        CounterFamily(self, name, label: label, limit: limit, help: help)
    }

    /// Changes several metrics as one: a reader sees all of the changes or none.
    ///
    /// For the figures that must balance, once a batch. One thread only, not nested.
    public func update(_ changes: () throws -> Void) rethrows {
        let updates = memory.word(StatsLayout.Header.updates)
        let number = updates.pointee.load(ordering: .relaxed)
        updates.pointee.store(number &+ 1, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        defer { updates.pointee.store(number &+ 2, ordering: .releasing) }
        try changes()
    }

    /// What a counter or gauge without labels has now; nil when the stage has none of that name.
    public func value(of name: String) -> Int64? {
        for kind in [MetricKind.counter, .gauge] {
            if let offset = places["\(kind.rawValue) \(name) "] {
                return memory.signedWord(offset).pointee.load(ordering: .relaxed)
            }
        }
        return nil
    }

    // MARK: - The stage

    /// Notes where the stage is in its life.
    public func enter(_ state: StageState) {
        memory.signedWord(StatsLayout.Header.stateSince).pointee.store(
            Clock.realtimeNanoseconds(), ordering: .relaxed)
        memory.halfWord(StatsLayout.Header.state).pointee.store(
            state.rawValue, ordering: .releasing)
        heartbeat.beat()
    }

    /// Notes that the stage ended: in order with 0 or 1 (the answer is no), else failed. The file of
    /// a visitor is removed. The last thing that a stage does with its figures.
    public func end(exitCode: Int32) {
        memory.halfWord(StatsLayout.Header.exitCode).pointee.store(
            UInt32(bitPattern: exitCode), ordering: .relaxed)
        enter(exitCode == 0 || exitCode == 1 ? .stopped : .failed)
        if isVisitor, !keepsFile, let path { try? Files.remove(path) }
        memory.release()
    }

    /// Tells readers of a pipe, or a file, that the stage reads or writes, so that they can join
    /// stages into a pipeline. At most 32; descriptors 0 and 1 are noted from the start.
    public func addNeighbour(descriptor: Int32, isInput: Bool) {
        let count = memory.halfWord(StatsLayout.Header.neighbours)
        let index = Int(count.pointee.load(ordering: .relaxed))
        guard index < StatsLayout.maximumNeighbours,
            let neighbour = Neighbour(descriptor: descriptor, isInput: isInput)
        else { return }
        let entry = StatsLayout.Header.neighbourTable + index * StatsLayout.neighbourLength
        memory.halfWord(entry).pointee.store(isInput ? 1 : 2, ordering: .relaxed)
        memory.halfWord(entry + 4).pointee.store(neighbour.kind.rawValue, ordering: .relaxed)
        memory.word(entry + 8).pointee.store(neighbour.device, ordering: .relaxed)
        memory.word(entry + 16).pointee.store(neighbour.inode, ordering: .relaxed)
        count.pointee.store(UInt32(index + 1), ordering: .releasing)
    }

    // MARK: - Bytes

    private func add(
        _ kind: MetricKind, _ name: String, _ labels: String, _ help: String, slots count: Int
    ) -> Slot {
        let key = "\(kind.rawValue) \(name) \(labels)"
        if let offset = places[key] { return memory.word(offset) }
        guard metrics < StatsLayout.maximumMetrics, slots + count <= StatsLayout.maximumSlots,
            name.utf8.count <= StatsLayout.nameLength,
            labels.utf8.count <= StatsLayout.labelsLength,
            memory.reserve(
                table: StatsLayout.tableOffset + (metrics + 1) * StatsLayout.entryLength,
                slots: StatsLayout.slotsOffset + (slots + count) * 8)
        else {
            let refused = memory.word(StatsLayout.Header.refusedMetrics)
            refused.pointee.store(
                refused.pointee.load(ordering: .relaxed) + 1, ordering: .relaxed)
            return memory.spare
        }
        let offset = StatsLayout.slotsOffset + slots * 8
        let entry = StatsLayout.tableOffset + metrics * StatsLayout.entryLength
        memory.halfWord(entry + StatsLayout.Entry.kind).pointee.store(
            kind.rawValue, ordering: .relaxed)
        memory.halfWord(entry + StatsLayout.Entry.offset).pointee.store(
            UInt32(offset), ordering: .relaxed)
        memory.halfWord(entry + StatsLayout.Entry.slots).pointee.store(
            UInt32(count), ordering: .relaxed)
        memory.store(name, at: entry + StatsLayout.Entry.name, StatsLayout.nameLength)
        memory.store(labels, at: entry + StatsLayout.Entry.labels, StatsLayout.labelsLength)
        memory.store(help, at: entry + StatsLayout.Entry.help, StatsLayout.helpLength)
        metrics += 1
        slots += count
        places[key] = offset
        memory.word(StatsLayout.Header.slots).pointee.store(UInt64(slots), ordering: .relaxed)
        // Last, so that a reader never sees an entry that is not written yet.
        memory.halfWord(StatsLayout.Header.metrics).pointee.store(
            UInt32(metrics), ordering: .releasing)
        return memory.word(offset)
    }

    private static func heartbeat(_ memory: StatsMemory) -> Heartbeat {
        Heartbeat(
            time: memory.signedWord(StatsLayout.Header.heartbeat),
            wait: memory.halfWord(StatsLayout.Header.wait), owner: memory)
    }

    private func writeHeader(
        _ stage: String, _ instance: String, _ pipeline: String, _ version: String
    ) {
        typealias Header = StatsLayout.Header
        memory.base.storeBytes(of: StatsLayout.magic, as: UInt64.self)
        memory.base.storeBytes(
            of: StatsLayout.version, toByteOffset: Header.version, as: UInt32.self)
        memory.base.storeBytes(of: UInt64(getpid()), toByteOffset: Header.pid, as: UInt64.self)
        memory.base.storeBytes(
            of: ProcessStatus(of: getpid())?.start ?? 0, toByteOffset: Header.processStart,
            as: UInt64.self)
        memory.base.storeBytes(
            of: Clock.realtimeNanoseconds(), toByteOffset: Header.startTime, as: Int64.self)
        memory.base.storeBytes(
            of: isVisitor ? 0 : StatsLayout.memberFlag, toByteOffset: Header.flags,
            as: UInt32.self)
        memory.store(stage, at: Header.stage, StatsLayout.stageLength)
        memory.store(instance, at: Header.instance, StatsLayout.instanceLength)
        memory.store(pipeline, at: Header.pipeline, StatsLayout.pipelineLength)
        memory.store(version, at: Header.toolVersion, StatsLayout.toolVersionLength)
        enter(.starting)
        addNeighbour(descriptor: 0, isInput: true)
        addNeighbour(descriptor: 1, isInput: false)
    }
}
