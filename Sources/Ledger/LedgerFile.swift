import Glibc
import Identity
import Journal
import Posix

/// The bytes of a ledger: reading, appending, writing again.
struct LedgerFile: ~Copyable {
    static let magic: StaticString = "BILEDG2\n"
    /// Of a batch's guard.
    static let format = EntryFormat.guarded(file: 0x4745_444C)
    private static let number: UInt64 = 0x4745_444C
    /// A longer file is refused before it is read.
    private static let maximumFile = 2 << 30
    /// Bytes of claims in a batch when all are written again.
    private static let pieceLength = 1 << 20

    let path: String
    private(set) var length = Int64(SyncedMark.headerLength)
    private let reserve: Reserve?
    private var file: Descriptor?
    private var mark = SyncedMark()
    private(set) var isUnsynced = false

    init(_ path: String, reserve: Reserve?) {
        self.path = path
        self.reserve = reserve
    }

    // MARK: - Reading

    /// What was found in a file.
    struct Finding {
        /// Runs of bytes that are no batches.
        var wrong: [Range<Int64>] = []
        /// Bytes of the file.
        var length: Int64 = 0
        /// Bytes known to be on the device; nil where that was not written down.
        var synced: Int64?
        /// True for a file of the first format.
        var isOld = false
    }

    /// Takes in what a file says.
    static func read(
        _ path: String, into state: inout LedgerState
    ) throws(LedgerError) -> Finding {
        var found = Finding()
        var mark = SyncedMark()
        do throws(SystemError) {
            let file = try Descriptor.open(path, O_RDONLY)
            found.length = Int64(try file.status().st_size)
            switch try mark.read(file, magic: magic) {
            case .synced(let synced): found.synced = min(synced, found.length)
            // A ledger is durable before it has its name.
            case .unwritten, .unknown: found.synced = nil
            }
        } catch { throw .system(error) }
        if found.synced == nil {
            try readUnknown(path, &found, into: &state)
        } else if found.length > Int64(SyncedMark.headerLength) {
            _ = try readBatches(path, &found, into: &state)
        }
        return found
    }

    /// A file that does not begin as it should: of the first format, or one of ours whose header
    /// is damaged, or no ledger.
    private static func readUnknown(
        _ path: String, _ found: inout Finding, into state: inout LedgerState
    ) throws(LedgerError) {
        // Whatever else it is may be long, and is not looked through.
        let begin = try begin(of: path)
        guard Self.isLike(begin, magic) || Self.isLike(begin, FirstFormat.magic) else {
            throw .notALedger(path)
        }
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Files.read(path, limit: maximumFile) } catch {
            throw .system(error)
        }
        let isFirst = bytes.starts(with: Array("\(FirstFormat.magic)".utf8))
        var wrong: [Range<Int64>] = []
        if !isFirst {
            if bytes.count > SyncedMark.headerLength,
                try readBatches(path, &found, into: &state) > 0
            {
                found.wrong.insert(0..<Int64(SyncedMark.headerLength), at: 0)
                found.synced = found.length
                return
            }
            found.wrong = []
            wrong.append(0..<8)
        }
        let count: Int
        do throws(ClaimError) {
            count = try FirstFormat.read(bytes.span.bytes, into: &state) { wrong.append($0) }
        } catch {
            throw .notUnderstood(path: path, offset: 8, reason: error.reason)
        }
        guard isFirst || count > 0 else { throw .notALedger(path) }
        found.wrong = wrong
        found.isOld = true
    }

    private static func begin(of path: String) throws(LedgerError) -> [UInt8] {
        var bytes = Bytes(capacity: 64)
        do throws(SystemError) {
            let file = try Descriptor.open(path, O_RDONLY)
            while bytes.count < 8, try file.read(appendingTo: &bytes, room: 8) > 0 {}
        } catch { throw .system(error) }
        return bytes.array
    }

    /// True when some bytes begin with a magic of eight, one or two of them changed.
    private static func isLike(_ bytes: [UInt8], _ magic: StaticString) -> Bool {
        guard bytes.count >= 8 else { return false }
        return (0..<8).filter { bytes[$0] != magic.utf8Start[$0] }.count <= 2
    }

    private static func readBatches(
        _ path: String, _ found: inout Finding, into state: inout LedgerState
    ) throws(LedgerError) -> Int {
        var batches = 0
        var wrong: [Range<Int64>] = []
        var offset: Int64 = 0
        do {
            var scanner = try EntryScanner(
                path, format: format, from: Int64(SyncedMark.headerLength), to: found.length)
            _ = try scanner.read { place, batch in
                offset = place
                try state.apply(batch)
                batches += 1
            } wrong: {
                wrong.append($0)
            }
        } catch let error as SystemError { throw .system(error) } catch let error as ClaimError {
            throw .notUnderstood(path: path, offset: offset, reason: error.reason)
        } catch { preconditionFailure("\(error)") }
        found.wrong = wrong
        return batches
    }

    // MARK: - Writing

    /// Goes on at the end of what was read.
    mutating func open(at length: Int64) throws(LedgerError) {
        do throws(SystemError) {
            let file = try Descriptor.open(path, O_RDWR)
            _ = try mark.read(file, magic: Self.magic)
            self.file = consume file
        } catch { throw .system(error) }
        self.length = length
    }

    /// Appends a batch.
    ///
    /// - Throws: when the disk refuses; the next call starts at the same place.
    mutating func append(_ batch: RawSpan) throws(LedgerError) {
        var header = Bytes(capacity: 16)
        EntryFormat.append(headerOf: batch, file: Self.number, offset: length, to: &header)
        header.append(batch)
        let size = try wholeSize()
        do throws(SystemError) {
            if let reserve {
                try reserve.spending { () throws(SystemError) in try write(header.span, size) }
            } else {
                try write(header.span, size)
            }
        } catch { throw .system(error) }
        isUnsynced = true
        length += Int64(header.count)
    }

    /// Bytes of the file.
    ///
    /// - Throws: `.lost` when it has no name any more, or is shorter than what was written: a sink that
    ///   went on would find at its next start that it knows nothing.
    private func wholeSize() throws(LedgerError) -> Int64 {
        let status: stat?
        do throws(SystemError) { status = try file?.status() } catch { throw .system(error) }
        guard let status else { return length }
        guard status.st_nlink > 0, Int64(status.st_size) >= length else { throw .lost(path) }
        return Int64(status.st_size)
    }

    /// - Parameter size: bytes that the file has.
    private func write(_ batch: RawSpan, _ size: Int64) throws(SystemError) {
        // A failed write may have left a part behind: the next one starts where it did. Cutting nothing
        // off would be a change of the file all the same, which costs more than the write.
        try file?.seek(to: length)
        if size > length { try file?.truncate(to: length) }
        try file?.writeAll(batch)
    }

    /// Forces what was appended to the device.
    mutating func sync() throws(LedgerError) {
        guard isUnsynced else { return }
        do throws(SystemError) { try file?.syncData() } catch { throw .system(error) }
        isUnsynced = false
        // Only a hint, which a later one repeats.
        let slot = mark.next(length)
        try? file?.write(slot.bytes.span.bytes, at: slot.offset)
    }

    /// Writes all claims to a neighbour, and puts it in the file's place.
    mutating func replace(with state: borrowing LedgerState) throws(LedgerError) {
        let neighbour = path + ".new"
        var length = Int64(SyncedMark.headerLength)
        do throws(SystemError) {
            let file = try Descriptor.open(neighbour, O_RDWR | O_CREAT | O_TRUNC)
            let header = SyncedMark.header(magic: Self.magic)
            try file.writeAll(header.span.bytes)
            try state.write(pieces: Self.pieceLength) { (claims) throws(SystemError) in
                var piece = Bytes(capacity: claims.count + 16)
                EntryFormat.append(
                    headerOf: claims.payload.span, file: Self.number, offset: length, to: &piece)
                piece.append(claims.payload.span)
                try file.writeAll(piece.span)
                length += Int64(piece.count)
            }
            var mark = SyncedMark()
            let slot = mark.next(length)
            try file.write(slot.bytes.span.bytes, at: slot.offset)
            try file.sync()
            try file.close()
            try Files.rename(neighbour, to: path)
            try Files.syncDirectory(Files.directory(of: path))
        } catch {
            try? Files.remove(neighbour)
            throw .system(error)
        }
        isUnsynced = false
        try open(at: length)
    }
}
