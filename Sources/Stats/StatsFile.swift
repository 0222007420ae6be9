import Glibc
import Posix
import Synchronization

/// A stats file that is read again and again. What its metrics are is read once; each reading
/// copies the header and the numbers.
public final class StatsFile {
    /// Its path.
    public let path: String
    /// Which file it is: another one of the same name has another number.
    public let inode: UInt64
    private let file: Descriptor
    private var definitions: [StatsSnapshot.Definition] = []
    /// Where the counters and gauges of a name are among them.
    private var places: [String: [Int]] = [:]
    private var header = [UInt8](repeating: 0, count: StatsLayout.tableOffset)
    /// How many numbers the metrics take.
    private var needed = 0

    /// Times that a reading is taken again because an update came between.
    private static let attempts = 8

    /// Opens a file; a link, a device or a file of another length is refused.
    public init(path: String) throws(StatsError) {
        self.path = path
        do throws(SystemError) {
            file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let status = try file.status()
            inode = UInt64(status.st_ino)
            guard status.st_mode & S_IFMT == S_IFREG, status.st_size == StatsLayout.fileLength
            else { throw SystemError("read", path, code: EINVAL) }
        } catch {
            throw error.code == EINVAL || error.code == ELOOP ? .notStats(path) : .system(error)
        }
    }

    /// What it says now.
    public func read() throws(StatsError) -> StatsSnapshot {
        var isConsistent = false
        var taken = try readHeader()
        var numbers: [UInt64] = []
        for _ in 0..<Self.attempts {
            numbers = try readNumbers(taken)
            // Orders the copies of the kernel, which this processor made, as it would our own.
            atomicMemoryFence(ordering: .acquiring)
            let after = try readHeader()
            isConsistent = after.updates == taken.updates && after.updates % 2 == 0
            if isConsistent { break }
            taken = after
        }
        var note = header.withUnsafeBytes { taken.lastError($0) }
        if note == nil && taken.errors > 0 {
            let again = try readHeader()
            note = header.withUnsafeBytes { again.lastError($0) }
        }
        let process = ProcessStatus(of: taken.pid)
        let life = taken.life(process)
        let metrics = definitions.map {
            StatsSnapshot.Metric(definition: $0, values: numbers[$0.places])
        }
        return StatsSnapshot(
            taken, life: life, process: life == .running ? process : nil,
            isConsistent: isConsistent, lastError: note, metrics: metrics, places: places)
    }

    // MARK: - Bytes

    private func readHeader() throws(StatsError) -> StatsHeader {
        let count = header.withUnsafeMutableBytes { pread(file.raw, $0.baseAddress, $0.count, 0) }
        guard count == header.count, let header = header.withUnsafeBytes({ StatsHeader($0) })
        else { throw .notStats(path) }
        return header
    }

    private func readNumbers(_ header: StatsHeader) throws(StatsError) -> [UInt64] {
        atomicMemoryFence(ordering: .acquiring)
        if definitions.count < header.metrics { try readDefinitions(upTo: header.metrics) }
        // Never fewer than before, whatever the header says now.
        let count = max(header.slots, needed)
        guard count > 0 else { return [] }
        var isWhole = false
        let numbers = [UInt64](unsafeUninitializedCapacity: count) { space, filled in
            let read = pread(file.raw, space.baseAddress, count * 8, StatsLayout.slotsOffset)
            isWhole = read == count * 8
            filled = isWhole ? count : 0
        }
        guard isWhole else { throw .notStats(path) }
        return numbers
    }

    private func readDefinitions(upTo count: Int) throws(StatsError) {
        let first = definitions.count
        let start = StatsLayout.tableOffset + first * StatsLayout.entryLength
        var bytes = [UInt8](repeating: 0, count: (count - first) * StatsLayout.entryLength)
        let read = bytes.withUnsafeMutableBytes {
            pread(file.raw, $0.baseAddress, $0.count, start)
        }
        guard read == bytes.count else { throw .notStats(path) }
        for index in 0..<(count - first) {
            let definition = bytes.withUnsafeBytes { bytes in
                Self.definition(
                    UnsafeRawBufferPointer(
                        rebasing: bytes[(index * StatsLayout.entryLength)...]))
            }
            guard let definition else { throw .notStats(path) }
            if definition.kind != .histogram {
                places[definition.name, default: []].append(definitions.count)
            }
            definitions.append(definition)
            needed = max(needed, definition.places.upperBound)
        }
    }

    private static func definition(
        _ entry: UnsafeRawBufferPointer
    ) -> StatsSnapshot.Definition? {
        typealias Entry = StatsLayout.Entry
        let offset = Int(entry.loadUnaligned(fromByteOffset: Entry.offset, as: UInt32.self))
        let slots = Int(entry.loadUnaligned(fromByteOffset: Entry.slots, as: UInt32.self))
        let kind = entry.loadUnaligned(fromByteOffset: Entry.kind, as: UInt32.self)
        guard let kind = MetricKind(rawValue: kind), offset >= StatsLayout.slotsOffset,
            offset % 8 == 0, slots == (kind == .histogram ? StatsLayout.histogramSlots : 1),
            offset + slots * 8 <= StatsLayout.fileLength
        else { return nil }
        let first = (offset - StatsLayout.slotsOffset) / 8
        return StatsSnapshot.Definition(
            kind: kind, name: entry.text(at: Entry.name, StatsLayout.nameLength),
            labels: entry.text(at: Entry.labels, StatsLayout.labelsLength),
            help: entry.text(at: Entry.help, StatsLayout.helpLength),
            places: first..<(first + slots))
    }
}
