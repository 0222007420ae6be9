public import Journal
import Posix
public import Records
public import Spool

/// What a sink has taken in: the records of one read are one entry of its spool, and from there on
/// they outlive the process.
///
/// A record is accepted before it is delivered, and the entry is closed before the next read. What
/// an earlier run left is read again in pieces, so that signals and answers are heard meanwhile.
public struct Intake: ~Copyable {
    /// Where the entries are.
    public private(set) var spool: Spool
    /// Frames of the current read.
    private var batch = Bytes(capacity: 64 << 10)
    private var isSynced = true
    private var lastSync: Int64 = 0
    /// The first entry of an earlier run that was not read again yet; nil once all were.
    private var left: Spool.Position?

    /// Takes a spool over, with what an earlier run left in it.
    public init(_ spool: consuming Spool) {
        left = spool.isEmpty ? nil : spool.first
        self.spool = spool
    }

    // MARK: - Accepting

    /// Where the record that is accepted next will be.
    public var next: RecordPosition { RecordPosition(entry: spool.next, offset: batch.count) }

    /// True while accepted records wait for ``closeBatch()``: they are in memory only.
    public var hasOpenBatch: Bool { !batch.isEmpty }

    /// Bytes of records in memory only.
    public var openBytes: Int { batch.count }

    /// The records in memory only, as they will be in the entry at the place of ``next``.
    public func openRecords() -> [UInt8] { batch.array }

    /// Accepts a record.
    public mutating func accept(_ frame: borrowing FrameView) { batch.append(frame.bytes) }

    /// Hands the accepted records to the system, as one entry: what the pipe had and has no more
    /// outlives this process now.
    ///
    /// - Throws: what the disk says; the records are kept, and a later call tries again.
    public mutating func closeBatch() throws(SpoolError) {
        guard !batch.isEmpty else { return }
        try Self.append(batch, to: &spool)
        batch.removeAll()
        isSynced = false
    }

    /// Apart from `self`, whose parts may not be lent and changed at once.
    private static func append(
        _ batch: borrowing Bytes, to spool: inout Spool
    ) throws(SpoolError) {
        try spool.appendAtOnce(batch.span)
    }

    // MARK: - Durability

    /// True when a power failure would take nothing of what was accepted.
    public var isDurable: Bool { isSynced && batch.isEmpty }

    /// Milliseconds until a sync is due; 0 when it is.
    public func millisecondsUntilSync(now: Int64, interval: Int64) -> Int32 {
        Int32(clamping: (max(0, interval - (now - lastSync)) + 999_999) / 1_000_000)
    }

    /// Forces what was accepted to the device, unless that was done a moment ago.
    ///
    /// - Parameters:
    ///   - now: ns of the monotonic clock.
    ///   - interval: how long records may wait for the disk, ns: one sync covers all of them.
    /// - Returns: true when there was something to do.
    @discardableResult
    public mutating func sync(now: Int64, interval: Int64 = 0) throws(SpoolError) -> Bool {
        guard !isSynced, now - lastSync >= interval else { return false }
        try spool.sync()
        lastSync = now
        isSynced = true
        return true
    }

    // MARK: - What an earlier run left

    /// True while entries of an earlier run wait to be read again.
    public var hasLeftovers: Bool { left != nil }

    /// Bytes of an earlier run that were not read again yet, at the most.
    public var leftoverBytes: Int64 { left == nil ? 0 : spool.bytes }

    /// Some of what an earlier run left, in the order in which it was accepted; nil when nothing is
    /// left. It counts as taken with ``took(_:)``.
    ///
    /// - Parameter bytes: about how much.
    public mutating func leftovers(atLeast bytes: Int64) throws -> Leftovers? {
        guard let start = left else { return nil }
        var some = Leftovers()
        some.next = try spool.read(from: start, atLeast: bytes) { position, entry in
            some.entries.append((position, entry.byteCount))
            some.bytes.append(entry)
        }
        return some
    }

    /// Says that leftovers were taken again.
    public mutating func took(_ leftovers: borrowing Leftovers) {
        guard let next = leftovers.next else { return }
        left = next < spool.next ? next : nil
    }

    /// Records of an earlier run.
    public struct Leftovers: ~Copyable {
        fileprivate var bytes = Bytes()
        fileprivate var entries: [(position: Spool.Position, length: Int)] = []
        fileprivate var next: Spool.Position?

        /// Gives each record, with its place, to `body`.
        public borrowing func forEach(
            _ body: (borrowing FrameView, RecordPosition) throws -> Void
        ) throws {
            var start = 0
            for entry in entries {
                var offset = 0
                while offset < entry.length {
                    let rest = bytes.span.extracting((start + offset)..<(start + entry.length))
                    let frame = try FrameView(firstIn: rest)
                    try body(frame, RecordPosition(entry: entry.position, offset: offset))
                    offset += frame.bytes.byteCount
                }
                start += entry.length
            }
        }
    }

    /// What was found damaged in the spool since the last call.
    public mutating func takeDamages() -> [Damage] { spool.takeDamages() }

    // MARK: - Done with

    /// Deletes what was delivered. What the ledger says of it must be durable.
    ///
    /// - Parameter needed: the first record that is still needed; nil when none is.
    public mutating func release(before needed: RecordPosition?) throws(SpoolError) {
        var end = needed?.entry ?? spool.next
        if let left { end = min(end, left) }
        try spool.release(before: end)
        if spool.isEmpty { isSynced = true }
    }
}
