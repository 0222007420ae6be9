import Bronze
import Posix
import Spool

/// Where an object is made, and what its header says.
struct ObjectPlace: Sendable {
    let stagedPath: String
    let partition: Partition
    let firstID: Int64
    /// The period of the event times, see `PartitionPeriod`; the complement for those that cannot be
    /// right.
    let bucket: Int64
}

/// An object that gets no more records and is not encoded yet: its records are in the spool.
struct SealedObject: Sendable {
    /// What it will be, with the key up to where the checksum or the suffix begins.
    let object: StagedObject
    let place: ObjectPlace
    /// True adds the checksum of the file to the key.
    let isNamedByContent: Bool
    /// Where its records are.
    let places: SpoolPlaces
    /// Bytes of all of them, and their CRC-32C in the order of `places`.
    let bytes: Int64
    let checksum: UInt32
    /// False when a record came behind one with a higher id.
    let isInOrder: Bool
}

/// Sealed objects that are read from the spool in one pass, with where to read.
struct SealedBatch: Sendable {
    let objects: [SealedObject]
    /// The spool's files, by segment.
    let files: [UInt64: Spool.File]
    /// Records that did not fit in the spool, and the place that they would have there.
    let unspooled: (start: Int64, records: [UInt8])?

    /// Bytes of records beyond which another object goes into the next batch: that many are in
    /// memory at once.
    static let mostBytes: Int64 = 16 << 20
    /// Objects of a batch at the most: each has a file open.
    static let mostObjects = 256

    /// Bytes of memory that it takes while it waits.
    var memory: Int { objects.reduce(0) { $0 + $1.places.memory } }
    /// Bytes of records.
    var bytes: Int64 { objects.reduce(0) { $0 + $1.bytes } }
}
