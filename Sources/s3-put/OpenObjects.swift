import Bronze
import Sink

/// The objects that are being built, by partition.
struct OpenObjects {
    /// Objects that are open at once; one more seals all. With the places of their records this
    /// bounds the memory.
    static let most = 20_000
    /// Bytes of places, see `SpoolPlaces`, that seal all objects.
    static let mostMemory = 12 << 20
    /// Objects that are looked at one by one in each turn.
    static let fewObjects = 256

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
    /// Bytes of memory of the places of all records.
    var memory: Int { objects.values.reduce(0) { $0 + $1.memory } }

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
