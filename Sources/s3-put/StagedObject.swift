import Bronze
import Digests
import Encoding
import Glibc
import Identity
import ObjectWriting
import Posix
import Sink

/// A finished object in the staging directory, with what the ledger will say of it.
///
/// A note of it is in a file beside it, so that a restart delivers the same bytes under the same key.
/// Once it is delivered the file goes first, which makes room, and the note after the ledger has it: a
/// note without a file is of an object that was delivered.
struct StagedObject: Sendable {
    /// Below the destination; the writer adds its end.
    var key: String
    let contentType: String
    /// Its file, by the name of which it is known.
    let stagedPath: String
    var booking: Booking
    /// Where the disk had no room for the file: its bytes in memory.
    var memory: MemoryFile?
    /// Where its note is; nil for one without.
    var noteFile: NoteFile?
    /// True for one whose bytes an earlier run had in memory: it is not known whether they were stored.
    var isDoubtful = false
    /// Length of the staged file; 0 when it is not known any more.
    var bytes: Int64 = 0
    /// SHA-256 of its bytes, in hexadecimal; nil for what 0.1 staged and delivered.
    var sha256: String?
    /// When it was finished or found, ns of the monotonic clock.
    let sealedAt = Clock.monotonicNanoseconds()
    /// When the first of its records was received, ns since the epoch; nil after a restart.
    var firstIngest: Int64?
    /// Where the spool has the first of its records; nil after a restart.
    var spoolStart: RecordPosition?
    /// See ``OpenObject/group``; nil after a restart.
    var group: HeldIDs.Group?
    /// See ``OpenObject/isFirstOfUnknown``.
    var isFirstOfUnknown = false

    init(key: String, contentType: String, stagedPath: String, booking: Booking) {
        self.key = key
        self.contentType = contentType
        self.stagedPath = stagedPath
        self.booking = booking
    }

    var records: Int64 { booking.records }

    /// True for a manifest, which is stored like an object and booked nowhere.
    var isManifest: Bool { key.hasPrefix(ManifestKey.start) }

    /// What a manifest says of it; nil where that is not known: 0.1 staged it.
    var stored: StoredObject? {
        guard let sha256, let times = booking.times else { return nil }
        var stored = StoredObject(
            key: key, bytes: bytes, sha256: sha256, records: records, sequence: booking.sequence)
        stored.ids = booking.held
        stored.run = booking.run
        stored.firstTime = times.lowerBound
        stored.lastTime = times.upperBound
        stored.gaps = booking.gaps
        stored.repaired = booking.repaired
        return stored
    }

    /// Its key with a part of its hash; nil where that is not known: 0.1 staged it.
    var keyByContent: String? {
        guard let sha256 else { return nil }
        let folder = key.lastIndex(of: "/").map { key[...$0] } ?? ""
        let name = key.dropFirst(folder.count)
        let stem = name.prefix { $0 != "." }
        return "\(folder)\(stem)-\(sha256.prefix(8))\(name.dropFirst(stem.count))"
    }

    /// As a store takes it.
    var file: FinishedFile {
        FinishedFile(
            key: key, path: contentPath, contentType: contentType, records: records,
            isFirstOfUnknown: isFirstOfUnknown, mayMove: !isManifest && memory == nil)
    }

    /// Where its bytes are read from.
    var contentPath: String { memory?.path ?? stagedPath }

    /// Whether its file has the bytes that the note speaks of.
    func isWhole() throws(SystemError) -> Bool {
        guard let sha256 else { return true }
        let file = try Descriptor.open(stagedPath, O_RDONLY)
        guard Int64(try file.status().st_size) == bytes else { return false }
        var hash = Hash.sha256()
        var buffer = Bytes(capacity: 1 << 20)
        while try file.read(appendingTo: &buffer, room: 1 << 20) > 0 {
            hash.update(buffer.span)
            buffer.removeAll()
        }
        return Hex.text(hash.finish()) == sha256
    }

    /// Removes the file of an object that was delivered.
    func removeFile() throws(SystemError) {
        if memory == nil, !isDoubtful { try Files.remove(stagedPath) }
    }

    /// True for one of which only ``MemoryNotes`` know.
    var isInMemoryNotes: Bool { memory != nil || isDoubtful }
}
