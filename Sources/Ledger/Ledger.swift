import Glibc
public import Identity
public import Posix

/// The durable record of what a sink holds: per sequence, which ids.
///
/// A file of batches, each guarded by a CRC, appended and synced as one: after a crash the last
/// batch is there whole or not at all. When the file has grown far beyond what it says, it is
/// written anew and renamed into place. The format is in docs/ledger.md.
public struct Ledger: ~Copyable {
    /// Where it lies.
    public let path: String
    /// Bytes of a torn batch that were cut off, or skipped by a reader, when it was opened.
    public private(set) var tornBytes: Int64 = 0
    private var coverages: [SequenceID: Coverage] = [:]
    private var staged: [Staged] = []
    private var file: Descriptor?
    private var lock: Descriptor?
    private var length: Int64 = 0
    private var isUnsynced = false
    /// Bytes of the file above which it is looked at whether writing it anew is worthwhile. The look
    /// costs as much as the writing, so it comes again only after the file has doubled.
    private(set) var compactionDue = LedgerFormat.compactAbove

    private struct Staged {
        let key: SequenceID
        let isDeclared: Bool
        let ranges: [ClosedRange<Int64>]
    }

    /// Reads a ledger for looking at; a writer may be at work meanwhile.
    ///
    /// - Throws: ``LedgerError``, also when nothing is at the path.
    public init(reading path: String) throws(LedgerError) {
        self.path = path
        let bytes = try Self.load(path)
        length = try replay(bytes)
        tornBytes = Int64(bytes.count) - length
    }

    /// Opens a ledger for writing, creating it if nothing is there, and locks it.
    ///
    /// - Throws: ``LedgerError``; `.locked` while another process has it open for writing.
    public init(writing path: String) throws(LedgerError) {
        self.path = path
        lock = try Self.lock(path)
        do throws(SystemError) {
            if try (Files.status(path)?.st_size ?? 0) == 0 {
                try Files.replace(path, with: LedgerFormat.magic)
            }
        } catch { throw .system(error) }
        let bytes = try Self.load(path)
        length = try replay(bytes)
        tornBytes = Int64(bytes.count) - length
        try openForAppending()
        if tornBytes > 0 {
            do throws(SystemError) {
                try file?.truncate(to: length)
                try file?.sync()
            } catch { throw .system(error) }
        }
        try compactIfWorthwhile()
    }

    // MARK: - Looking

    /// What is held and declared of a sequence; nil when it is not known.
    public func coverage(of key: SequenceID) -> Coverage? { coverages[key] }

    /// The known sequences, in order.
    public var sequences: [SequenceID] { coverages.keys.sorted() }

    // MARK: - Adding

    /// Adds ids to the next batch; ``coverage(of:)`` shows them at once, the file after
    /// ``commit()``.
    ///
    /// - Parameters:
    ///   - held: ids whose records are durable.
    ///   - declared: ids that will not come.
    public mutating func add(
        _ key: SequenceID, held: [ClosedRange<Int64>] = [], declared: [ClosedRange<Int64>] = []
    ) {
        for range in held { coverages[key, default: Coverage()].held.insert(range) }
        for range in declared { coverages[key, default: Coverage()].declared.insert(range) }
        if !held.isEmpty { staged.append(Staged(key: key, isDeclared: false, ranges: held)) }
        if !declared.isEmpty { staged.append(Staged(key: key, isDeclared: true, ranges: declared)) }
    }

    /// Makes what was added durable.
    ///
    /// - Throws: ``LedgerError``; the batch is kept and a later call tries again.
    public mutating func commit() throws(LedgerError) {
        try write()
        try sync()
    }

    /// Forces what was written to the device.
    public mutating func sync() throws(LedgerError) {
        guard isUnsynced else { return }
        do throws(SystemError) { try file?.syncData() } catch { throw .system(error) }
        isUnsynced = false
    }

    /// Hands what was added to the system: it outlives this process, and a power failure only
    /// after ``sync()``.
    ///
    /// - Throws: ``LedgerError``; the batch is kept and a later call tries again.
    public mutating func write() throws(LedgerError) {
        guard !staged.isEmpty else { return }
        var payload = Bytes()
        for entry in staged {
            LedgerFormat.append(entry.key, entry.isDeclared, entry.ranges, to: &payload)
        }
        var batch = Bytes(capacity: payload.count + LedgerFormat.batchHeader)
        LedgerFormat.append(batch: payload.span, to: &batch)
        do throws(SystemError) {
            // A failed write may have left a part behind: the next one starts where it did.
            try file?.seek(to: length)
            try file?.truncate(to: length)
            try file?.writeAll(batch.span)
        } catch { throw .system(error) }
        isUnsynced = true
        length += Int64(batch.count)
        staged.removeAll(keepingCapacity: true)
        try compactIfWorthwhile()
    }

    // MARK: - The file

    private static func lock(_ path: String) throws(LedgerError) -> Descriptor {
        do throws(SystemError) {
            try Files.makeDirectories(Files.directory(of: path))
            // Beside the file, since the file itself is replaced when it is compacted.
            var lock = try Descriptor.open(path + ".lock", O_RDWR | O_CREAT)
            if try lock.lock() { return lock }
        } catch { throw .system(error) }
        throw .locked(path)
    }

    private static func load(_ path: String) throws(LedgerError) -> [UInt8] {
        do throws(SystemError) {
            return try Files.read(path, limit: LedgerFormat.maximumFile)
        } catch { throw .system(error) }
    }

    private mutating func openForAppending() throws(LedgerError) {
        do throws(SystemError) { file = try Descriptor.open(path, O_WRONLY) } catch {
            throw .system(error)
        }
    }

    /// Takes in every whole batch.
    ///
    /// - Returns: where the last whole one ends.
    private mutating func replay(_ bytes: [UInt8]) throws(LedgerError) -> Int64 {
        var parser = try LedgerFormat.Parser(bytes, path: path)
        while let batch = try parser.nextBatch() {
            for entry in batch {
                var coverage = coverages[entry.key] ?? Coverage()
                for range in entry.ranges {
                    if entry.isDeclared {
                        coverage.declared.insert(range)
                    } else {
                        coverage.held.insert(range)
                    }
                }
                coverages[entry.key] = coverage
            }
        }
        return Int64(parser.position)
    }

    private mutating func compactIfWorthwhile() throws(LedgerError) {
        guard length > compactionDue else { return }
        var payload = Bytes()
        for key in sequences {
            guard let coverage = coverages[key] else { continue }
            for (set, isDeclared) in [(coverage.held, false), (coverage.declared, true)]
            where !set.isEmpty {
                LedgerFormat.append(key, isDeclared, set.ranges, to: &payload)
            }
        }
        guard Int64(payload.count) * 4 < length else {
            compactionDue = length * 2
            return
        }
        var whole = Bytes(capacity: payload.count + 64)
        let magic = LedgerFormat.magic
        whole.append(magic.span.bytes)
        LedgerFormat.append(batch: payload.span, to: &whole)
        do throws(SystemError) { try Files.replace(path, with: whole.array) } catch {
            throw .system(error)
        }
        length = Int64(whole.count)
        compactionDue = max(LedgerFormat.compactAbove, length * 2)
        try openForAppending()
    }
}

/// Why a ledger could not be read or written.
public enum LedgerError: Error, Equatable, CustomStringConvertible {
    /// The system refused.
    case system(SystemError)
    /// Another process has it open for writing.
    case locked(String)
    /// It is something else.
    case notALedger(String)
    /// Bytes in the middle are wrong: not the torn end that a crash leaves.
    case corrupt(path: String, offset: Int, reason: String)

    /// What, where and why.
    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .locked(let path): "the ledger \(path) is in use by another process"
        case .notALedger(let path): "\(path) is not a ledger"
        case .corrupt(let path, let offset, let reason):
            "the ledger \(path) is damaged at byte \(offset): \(reason)"
        }
    }
}
