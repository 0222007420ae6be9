import Bronze
import Identity
import ObjectWriting
import Posix
import Records
import Sink
import Stage

/// An object that gets records still: where the spool has them, and what the ledger will say of them.
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
    /// False once it gets no more records.
    var isOpen = true
    /// True for the first object of a partition when the ledger knew nothing of its sequence.
    var isFirstOfUnknown = false
    /// When the first of its records was received, ns since the epoch.
    private var firstIngest: Int64 = 0
    private let place: ObjectPlace
    private var places = SpoolPlaces()
    /// CRC-32C of the records.
    private var checksum = CRC32C()
    private var lastID: Int64 = .min
    private var isInOrder = true

    init(
        _ place: ObjectPlace, spoolStart: RecordPosition, group: HeldIDs.Group, now: Int64
    ) {
        self.place = place
        self.spoolStart = spoolStart
        self.group = group
        confirmed = ConfirmedIDs(place.partition.sequence)
        spoolEnd = spoolStart
        openedAt = now
        lastRecordAt = now
    }

    var partition: Partition { place.partition }

    /// Bytes of memory that the places of its records take.
    var memory: Int { places.memory }

    /// Adds a record.
    func append(
        _ frame: borrowing FrameView, at position: RecordPosition, previous: Int64?, now: Int64
    ) {
        let length = frame.bytes.byteCount
        places.append(position.linear, length: length)
        checksum.update(frame.bytes)
        if frame.firstID < lastID { isInOrder = false }
        lastID = frame.firstID
        if confirmed.records == 0 {
            firstIngest = frame.ingestTime
            confirmed.previous = previous
        }
        bytes += Int64(length)
        lastRecordAt = now
        spoolEnd = position
        confirmed.add(frame)
    }

    /// The object as it will be; whatever is added now comes too late.
    ///
    /// - Returns: nil when no record got into it.
    func seal(_ form: ObjectForm, spool: UInt64) -> SealedObject? {
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
        return SealedObject(
            object: object, place: place,
            isNamedByContent: confirmed.withoutID > 0 || hasRepeats, places: places.trimmed,
            bytes: bytes,
            checksum: checksum.value, isInOrder: isInOrder)
    }
}
