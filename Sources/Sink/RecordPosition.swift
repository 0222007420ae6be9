public import Spool

/// Where a spool has a record, or will have it.
public struct RecordPosition: Comparable, Hashable, Sendable {
    /// The entry that it is in.
    public let entry: Spool.Position
    /// Where it begins in the entry, bytes.
    public let offset: Int

    /// Names a record's place.
    public init(entry: Spool.Position, offset: Int = 0) {
        self.entry = entry
        self.offset = offset
    }

    /// One number that grows from record to record.
    public var linear: Int64 {
        Int64(bitPattern: entry.segment << 32) | (entry.offset &+ Int64(offset))
    }

    /// By entry, then byte.
    public static func < (one: Self, other: Self) -> Bool {
        (one.entry, one.offset) < (other.entry, other.offset)
    }
}
