import Bronze
import Sink

/// The objects that are being built, by partition.
struct OpenObjects {
    /// Objects that are built at once; one more seals the one that was idle longest. With the
    /// blocks of the pool this bounds the memory.
    static let most = 32

    private var objects: [Partition: OpenObject] = [:]
    /// The object of the record before: most records follow it there.
    private var last: OpenObject?

    var isEmpty: Bool { objects.isEmpty }
    var count: Int { objects.count }
    var all: [OpenObject] { Array(objects.values) }
    var isFull: Bool { objects.count >= Self.most }

    /// Bytes of records in all of them.
    var bytes: Int64 { objects.values.reduce(0) { $0 + $1.bytes } }
    /// When the oldest was opened, ns of the monotonic clock.
    var oldest: Int64? { objects.values.lazy.map(\.openedAt).min() }
    /// Where the spool has the first of their records.
    var spoolStart: RecordPosition? { objects.values.lazy.map(\.spoolStart).min() }
    /// The one without a record for the longest time.
    var idlest: OpenObject? { objects.values.min { $0.lastRecordAt < $1.lastRecordAt } }

    mutating func object(of partition: Partition) -> OpenObject? {
        if let last, last.partition == partition { return last }
        guard let object = objects[partition] else { return nil }
        last = object
        return object
    }

    mutating func open(_ object: OpenObject) {
        objects[object.partition] = object
        last = object
    }

    mutating func remove(_ object: OpenObject) {
        objects[object.partition] = nil
        if last === object { last = nil }
    }
}
