import Identity
import Posix
import Sink

/// A finished object in the staging directory, with what the ledger will say of it.
///
/// Its manifest is beside it, so that a restart delivers the same bytes under the same key. Once it
/// is delivered the file goes first, which makes room, and the manifest after the ledger has it: a
/// manifest without a file is of an object that was delivered.
struct StagedObject: Sendable {
    /// Below the destination; the writer adds its end.
    var key: String
    let contentType: String
    /// Its file, by the name of which it is known.
    let stagedPath: String
    var booking: Booking
    /// Where the disk had no room for the file: its bytes in memory.
    var memory: MemoryFile?
    /// Length of the staged file; 0 when it is not known any more.
    var bytes: Int64 = 0
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

    /// Where its bytes are read from.
    var contentPath: String { memory?.path ?? stagedPath }

    /// Where the manifest is.
    var manifestPath: String { stagedPath + Manifest.suffix }

    /// Removes the file of an object that was delivered.
    func removeFile() throws(SystemError) {
        if memory == nil { try Files.remove(stagedPath) }
    }

    /// Removes the manifest of an object that is booked.
    func removeManifest() throws(SystemError) { try Files.remove(manifestPath) }
}
