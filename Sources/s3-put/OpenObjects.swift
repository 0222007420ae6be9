import Bronze
import Sink

/// The objects that get records still, by partition.
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
    /// In the order in which they were opened; those that are not open any more are dropped at the
    /// front. Their records' places in the spool rise in that order.
    private var order: [OpenObject] = []
    private var front = 0

    var isEmpty: Bool { objects.isEmpty }
    var count: Int { objects.count }
    var all: [OpenObject] { Array(objects.values) }
    var isFull: Bool { objects.count >= Self.most }

    /// Bytes of records in all of them.
    var bytes: Int64 { objects.values.reduce(0) { $0 + $1.bytes } }
    /// Bytes of memory of the places of all records.
    var memory: Int { objects.values.reduce(0) { $0 + $1.memory } }
    /// When the oldest was opened, ns of the monotonic clock.
    var oldest: Int64? { first?.openedAt }
    /// Where the spool has the first of their records.
    var spoolStart: RecordPosition? { first?.spoolStart }

    private var first: OpenObject? { front < order.count ? order[front] : nil }

    mutating func object(of partition: Partition) -> OpenObject? {
        if let last, last.partition == partition { return last }
        guard let object = objects[partition] else { return nil }
        last = object
        return object
    }

    mutating func open(_ object: OpenObject) {
        objects[object.partition] = object
        order.append(object)
        last = object
    }

    mutating func remove(_ object: OpenObject) {
        objects[object.partition] = nil
        object.isOpen = false
        if last === object { last = nil }
        while front < order.count, !order[front].isOpen { front += 1 }
        if front == order.count {
            order.removeAll(keepingCapacity: true)
            front = 0
        } else if front >= 1024, front * 2 >= order.count {
            order.removeFirst(front)
            front = 0
        }
    }
}
