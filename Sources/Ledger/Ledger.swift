import Glibc
public import Identity
public import Journal
public import Posix

/// The durable record of what a sink has delivered: per sequence, which ids; and which positions of
/// its spool are confirmed.
///
/// A file of batches, appended and synced as one: after a crash the last batch is there whole or not
/// at all. Damage costs the batches that it is in and no others. When the file has grown far beyond
/// what it says, it is written again and renamed into place. The format is in docs/ledger.md.
///
/// What was added counts at once; the file has it after ``commit()``.
public struct Ledger: ~Copyable {
    /// Exact ids that are remembered of each sequence, unless told otherwise.
    public static let defaultRecentIDs = 1 << 16
    /// A shorter file is not worth writing again.
    static let compactAbove: Int64 = 1 << 20

    /// Where it is.
    public var path: String { file.path }
    /// Bytes at the end that were cut off, or passed over by a reader: unsynced when the power failed,
    /// or the process ended while it wrote.
    public private(set) var tornBytes: Int64 = 0
    private var state: LedgerState
    private var file: LedgerFile
    private var lock: Descriptor?
    private var claims = ClaimWriter()
    private var damages: [Damage] = []
    /// False while wrong bytes in the file have no copy.
    private var mayReplace = true
    /// Bytes of the file above which it is looked at whether writing it again is worthwhile. The look
    /// costs as much as the writing, so it comes again only after the file has doubled.
    private(set) var compactionDue = Ledger.compactAbove

    /// Reads a ledger for looking at; a writer may be at work meanwhile.
    ///
    /// - Throws: ``LedgerError``, also when nothing is at the path.
    public init(reading path: String) throws(LedgerError) {
        file = LedgerFile(path, reserve: nil)
        state = LedgerState(recentIDs: Self.defaultRecentIDs)
        let found = try LedgerFile.read(path, into: &state)
        for range in found.wrong {
            let isTail = Self.isTail(range, found)
            if isTail { tornBytes += range.upperBound - range.lowerBound }
            guard !isTail else { continue }
            damages.append(Damage(reading: range, of: path))
        }
    }

    /// Opens a ledger for writing, creating it if nothing is there, and locks it.
    ///
    /// - Parameters:
    ///   - damaged: where bytes that cannot be read are kept; `damaged` beside the file when left out.
    ///   - reserve: room for its writes on a full disk.
    ///   - recentIDs: exact ids that are remembered of each sequence.
    /// - Throws: ``LedgerError``; `.locked` while another process has it open for writing.
    public init(
        writing path: String, damaged: String? = nil, reserve: Reserve? = nil,
        recentIDs: Int = Ledger.defaultRecentIDs
    ) throws(LedgerError) {
        file = LedgerFile(path, reserve: reserve)
        state = LedgerState(recentIDs: recentIDs)
        lock = try Self.lock(path)
        let isThere: Bool
        do throws(SystemError) { isThere = try (Files.status(path)?.st_size ?? 0) > 0 } catch {
            throw .system(error)
        }
        guard isThere else {
            try file.replace(with: state)
            return
        }
        let found = try LedgerFile.read(path, into: &state)
        let keeper = DamageKeeper(directory: damaged ?? Files.directory(of: path) + "/damaged")
        var end = found.length
        for range in found.wrong {
            let damage = keeper.keep(
                range, of: path, as: path.split(separator: "/").last.map(String.init) ?? "ledger",
                isUnsyncedTail: Self.isTail(range, found))
            if damage.isUnsyncedTail { tornBytes += damage.length }
            if !damage.isUnsyncedTail || damage.copy != nil { damages.append(damage) }
            mayReplace = mayReplace && damage.isKept
            if range.upperBound == found.length, damage.isKept { end = range.lowerBound }
        }
        // Of the first format, or with bytes in it that are no claims and are kept elsewhere by now.
        if found.isOld || (!found.wrong.isEmpty && mayReplace) || found.synced == 0 {
            guard mayReplace || !found.isOld else {
                throw .system(
                    SystemError("keep a copy of the damaged bytes of", path, code: ENOSPC))
            }
            try file.replace(with: state)
        } else {
            try file.open(at: end)
        }
        try compactIfWorthwhile()
    }

    /// Wrong bytes found when it was opened, or since the last call. What was claimed there is not
    /// claimed any more: it will be delivered again if it comes again.
    public mutating func takeDamages() -> [Damage] {
        defer { damages.removeAll() }
        return damages
    }

    private static func isTail(_ range: Range<Int64>, _ found: LedgerFile.Finding) -> Bool {
        found.synced.map { range.lowerBound >= $0 } ?? (range.upperBound == found.length)
    }

    private static func lock(_ path: String) throws(LedgerError) -> Descriptor {
        do throws(SystemError) {
            try Files.makeDurableDirectories(Files.directory(of: path))
            // Beside the file, since the file itself is replaced when it is compacted.
            var lock = try Descriptor.open(path + ".lock", O_RDWR | O_CREAT)
            if try lock.lock() { return lock }
        } catch { throw .system(error) }
        throw .locked(path)
    }

    // MARK: - Looking

    /// The known sequences, in order.
    public var sequences: [SequenceID] { state.sequences }

    /// What is known of a sequence; nil when nothing is.
    public func coverage(of sequence: SequenceID) -> Coverage? { state.coverage(of: sequence) }

    /// A number for a sequence that stays as long as the ledger is open: the questions below are
    /// asked for each record.
    public mutating func index(of sequence: SequenceID) -> Int { state.index(of: sequence) }

    /// True when each id of a range is held: the record was delivered.
    public func holds(_ ids: ClosedRange<Int64>, at index: Int) -> Bool {
        state.holds(ids, at: index)
    }

    /// True when a record of exactly this id is among the last that were delivered.
    public func isRecent(_ id: Int64, at index: Int) -> Bool { state.isRecent(id, at: index) }

    /// The newest event time, µs since the epoch, that an id which is held can have been booked
    /// with, up to a day too late; nil when that is not known.
    public func bookedTime(of id: Int64, at index: Int) -> Int64? {
        state[index].marks.bound(of: id) ?? state[index].runs.newestTime(of: id)
    }

    /// What is known at an index of ``index(of:)``.
    public func coverage(at index: Int) -> Coverage { state[index] }

    /// The newest numbering of a sequence, whatever epoch its name has: 1 unless ids started over.
    public func epoch(of sequence: SequenceID) -> UInt16 { state.epoch(of: sequence) }

    /// True when the record at a position of a spool was delivered.
    ///
    /// - Parameters:
    ///   - position: `Spool.Position.linear`.
    ///   - spool: `Spool.id`.
    public func isConfirmed(_ key: ProgressKey, _ position: Int64, in spool: UInt64) -> Bool {
        state.isConfirmed(key, position, in: spool)
    }

    // MARK: - Adding

    /// Adds ids to the next batch.
    ///
    /// - Parameters:
    ///   - held: ids whose records are durable.
    ///   - declared: ids that will not come.
    ///   - newestEventTime: of the records of `held`, µs since the epoch.
    public mutating func add(
        _ sequence: SequenceID, held: [ClosedRange<Int64>] = [],
        declared: [ClosedRange<Int64>] = [], newestEventTime: Int64? = nil
    ) {
        let index = state.index(of: sequence)
        if sequence.numbering == .increasing, !held.isEmpty {
            // Of such ids a range says nothing but that its ends were delivered.
            for range in held {
                observe(
                    sequence,
                    Run(
                        first: range.lowerBound, last: range.upperBound, firstTime: 0,
                        lastTime: newestEventTime ?? 0, count: 0),
                    ids: range.lowerBound == range.upperBound
                        ? [range.lowerBound] : [range.lowerBound, range.upperBound]
                )
            }
            return add(sequence, held: [], declared: declared)
        }
        for range in held { state.hold(range, at: index) }
        for range in declared { state.declare(range, at: index) }
        claims.manyRanges(.held, sequence, held)
        claims.manyRanges(.declared, sequence, declared)
        if let newestEventTime, let last = held.map(\.upperBound).max() {
            state.mark(last, newestEventTime, at: index)
            claims.numbers(.timeMark, sequence, [last, newestEventTime])
        }
    }

    /// Adds to the next batch that a gap record was delivered which speaks of ids that may still come.
    public mutating func add(_ sequence: SequenceID, reported: [ClosedRange<Int64>]) {
        let index = state.index(of: sequence)
        for range in reported { state.report(range, at: index) }
        claims.manyRanges(.reported, sequence, reported)
    }

    /// Adds a run of a sequence whose ids only grow, or a piece of one, to the next batch.
    ///
    /// - Parameter ids: of its records.
    public mutating func observe(_ sequence: SequenceID, _ run: Run, ids: [Int64]) {
        state.add(run, at: state.index(of: sequence))
        claims.run(sequence, run)
        note(sequence, recent: ids)
    }

    /// Adds exact ids to the next batch, of records that ``holds(_:at:)`` cannot know.
    public mutating func note(_ sequence: SequenceID, recent ids: [Int64]) {
        guard !ids.isEmpty else { return }
        let index = state.index(of: sequence)
        for id in ids { state.remember(id, at: index) }
        claims.recent(sequence, ids)
    }

    /// Takes ids out, whatever is said of them, and keeps that this was done.
    ///
    /// - Parameter time: when, ns since the epoch.
    /// - Returns: how many were held (or seen, as far as they were counted), and declared.
    @discardableResult
    public mutating func remove(
        _ sequence: SequenceID, _ ids: ClosedRange<Int64>,
        time: Int64 = Clock.realtimeNanoseconds()
    ) -> (held: UInt64, declared: UInt64) {
        claims.numbers(.removed, sequence, [ids.lowerBound, ids.upperBound, time])
        return state.remove(Removal(ids: ids, time: time), at: state.index(of: sequence))
    }

    /// Begins a new numbering of a sequence: its ids started over.
    ///
    /// - Returns: the new epoch.
    @discardableResult
    public mutating func beginEpoch(of sequence: SequenceID) -> UInt16 {
        var next = sequence
        next.epoch = state.epoch(of: sequence) &+ 1
        state.begin(at: state.index(of: next))
        claims.numbers(.begun, next, [])
        return next.epoch
    }

    /// Adds to the next batch that all records of a key between two positions of a spool were
    /// delivered.
    ///
    /// - Parameters:
    ///   - first: `Spool.Position.linear` of the first record.
    ///   - last: of the last one.
    ///   - spool: `Spool.id`.
    public mutating func confirm(
        _ key: ProgressKey, from first: Int64, through last: Int64, in spool: UInt64
    ) {
        let positions = min(first, last)...max(first, last)
        state.confirm(key, positions, in: spool)
        claims.numbers(
            .confirmed, key.sequence,
            [Int64(bitPattern: spool), key.bucket, positions.lowerBound, positions.upperBound])
    }

    /// Forgets what was confirmed of a spool before a position: it was deleted.
    public mutating func dropProgress(in spool: UInt64, before position: Int64) {
        guard state.dropProgress(in: spool, before: position) else { return }
        claims.spools(.progressDropped, [spool, UInt64(bitPattern: position)])
    }

    /// Forgets what was confirmed of any other spool than these: they are gone.
    public mutating func keepProgress(onlyIn spools: [UInt64]) {
        guard state.hasProgress(outside: spools) else { return }
        state.keepProgress(onlyIn: spools)
        claims.spools(.progressKept, spools)
    }

    // MARK: - Writing

    /// Makes what was added durable.
    ///
    /// - Throws: ``LedgerError``; the batch is kept and a later call tries again.
    public mutating func commit() throws(LedgerError) {
        try write()
        try sync()
    }

    /// Hands what was added to the system: it outlives this process, and a power failure only
    /// after ``sync()``.
    ///
    /// - Throws: ``LedgerError``; the batch is kept and a later call tries again.
    public mutating func write() throws(LedgerError) {
        guard !claims.isEmpty else { return }
        // One batch, but for more claims than one may have.
        while !claims.isEmpty {
            try Self.append(claims, to: &file)
            claims.removeFirstBatch()
        }
        try compactIfWorthwhile()
    }

    private static func append(
        _ claims: borrowing ClaimWriter, to file: inout LedgerFile
    ) throws(LedgerError) {
        try file.append(claims.payload.span(0..<claims.firstBatch))
    }

    /// Forces what was written to the device.
    public mutating func sync() throws(LedgerError) { try file.sync() }

    /// True when everything that was added is on the device.
    public var isDurable: Bool { claims.isEmpty && !file.isUnsynced }

    private mutating func compactIfWorthwhile() throws(LedgerError) {
        guard file.length > compactionDue, mayReplace else { return }
        guard state.claimBytes * 4 < file.length else {
            compactionDue = file.length * 2
            return
        }
        do throws(LedgerError) { try file.replace(with: state) } catch {
            // Without room for a second file the first one goes on.
            guard case .system(let reason) = error, reason.isNoRoom else { throw error }
            compactionDue = file.length * 2
            return
        }
        compactionDue = max(Self.compactAbove, file.length * 2)
    }
}
