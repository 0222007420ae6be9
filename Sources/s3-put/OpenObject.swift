import Bronze
import Identity
import Posix
import Records
import Sink
import Stage

/// An object that is being built: its open block, and what is known of the records so far. The
/// blocks before are in a file of the staging directory, or on their way there.
final class OpenObject {
    /// Where the spool has the first of its records.
    let spoolStart: RecordPosition
    /// Where the spool has the last of its records.
    private(set) var spoolEnd: RecordPosition
    /// ns of the monotonic clock.
    let openedAt: Int64
    private(set) var lastRecordAt: Int64
    /// Bytes of frames in it.
    private(set) var bytes: Int64 = 0
    /// What the ledger will say of it.
    private(set) var confirmed: ConfirmedIDs
    /// What tells its records from those of other objects of the sequence, until it is booked.
    let group: HeldIDs.Group
    /// True once it has a record that may have been delivered before: then its content has to tell
    /// it from the object that has the other copy.
    var hasRepeats = false
    /// True for the first object of a partition when the ledger knew nothing of its sequence.
    var isFirstOfUnknown = false
    /// When the first of its records was received, ns since the epoch.
    private var firstIngest: Int64 = 0
    private let place: ObjectPlace
    private let form: ObjectForm
    private var block: Block?

    init(
        _ place: ObjectPlace, form: ObjectForm, spoolStart: RecordPosition,
        group: HeldIDs.Group, now: Int64
    ) {
        self.place = place
        self.form = form
        self.spoolStart = spoolStart
        self.group = group
        confirmed = ConfirmedIDs(place.partition.sequence)
        spoolEnd = spoolStart
        openedAt = now
        lastRecordAt = now
    }

    var partition: Partition { place.partition }

    /// Adds a record.
    ///
    /// - Throws: `FrameError` for a message that breaks its template; nothing was added then.
    func append(
        _ frame: borrowing FrameView, at position: RecordPosition, previous: Int64?,
        _ writer: ObjectWriter, now: Int64
    ) throws(FrameError) {
        let block = self.block ?? writer.takeBlock()
        self.block = block
        try form.append(frame, to: block)
        if block.bytes.count >= Block.length {
            writer.write(block, of: place)
            self.block = nil
        }
        if confirmed.records == 0 {
            firstIngest = frame.ingestTime
            confirmed.previous = previous
        }
        bytes += Int64(frame.bytes.byteCount)
        lastRecordAt = now
        spoolEnd = position
        confirmed.add(frame)
    }

    /// Has the file finished and delivered; what it is is written down beside it first, so that a
    /// restart can go on from there.
    ///
    /// - Returns: the object, whose key and length the writer completes; nil when no record got
    ///   into it.
    func seal(_ writer: ObjectWriter, spool: UInt64) -> StagedObject? {
        if let block { writer.write(block, of: place) }
        block = nil
        guard confirmed.records > 0 else { return nil }
        let name = ObjectName(confirmed, firstID: place.firstID)
        var object = StagedObject(
            key: "\(partition.path)/\(name.text)", contentType: form.contentType,
            stagedPath: place.stagedPath,
            booking: Booking(
                confirmed, progress: spoolStart.linear...spoolEnd.linear, bucket: place.bucket,
                spool: spool))
        object.spoolStart = spoolStart
        object.firstIngest = firstIngest
        object.group = group
        object.isFirstOfUnknown =
            isFirstOfUnknown && confirmed.withoutID == 0
            && partition.sequence.numbering == .contiguous
        writer.seal(
            object, isNamedByContent: confirmed.withoutID > 0 || hasRepeats)
        return object
    }
}
