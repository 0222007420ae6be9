import Bronze
import Glibc
import Identity
import Posix
import Sink
import Spool

/// The objects that get records still, by partition, and those that get no more and are not made yet.
struct OpenObjects {
    /// Objects that are open at once; one more seals all. With the places of their records this
    /// bounds the memory.
    static let most = 20_000
    /// Bytes of places, see `SpoolPlaces`, that seal all objects.
    static let mostMemory = 12 << 20
    /// Objects that are looked at one by one in each turn.
    static let fewObjects = 256

    /// How often all of many open objects are looked at, ns.
    static let lookInterval: Int64 = 50_000_000
    /// Partitions that are looked at for objects of a state that was lost.
    private static let mostBegunPartitions = 100_000

    private let staging: String
    /// Sequences of which the ledger knew before this run read anything.
    private var known: Set<SequenceID>
    /// Partitions of other sequences that this run has begun.
    private var begun: Set<Partition> = []
    private var nextName = 1
    /// Objects that get no more records and are not handed to the writer yet.
    private(set) var sealed: [OpenObject] = []
    /// When all open objects were looked at last, ns of the monotonic clock.
    private var lookedAt: Int64 = .min / 2
    private var objects: [Partition: OpenObject] = [:]
    /// The object of the record before: most records follow it there.
    private var last: OpenObject?
    /// In the order in which they were opened; those that are not open any more are dropped at the
    /// front. Their records' places in the spool rise in that order.
    private var order: [OpenObject] = []
    private var front = 0

    /// - Parameters:
    ///   - staging: the directory of objects that are made.
    ///   - known: sequences that the ledger knows.
    init(staging: String, known: Set<SequenceID>) {
        self.staging = staging
        self.known = known
    }

    /// Notes that the ledger knows sequences: objects of theirs that are at the destination are our own.
    mutating func note(known sequences: [SequenceID]) { known.formUnion(sequences) }

    var isEmpty: Bool { objects.isEmpty }
    var count: Int { objects.count }
    var all: [OpenObject] { Array(objects.values) }
    private var isFull: Bool { objects.count >= Self.most }

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

    /// Opens an object for a partition that has none; when there are too many they are all sealed
    /// first.
    ///
    /// - Parameters:
    ///   - bucket: see ``ObjectPlace/bucket``.
    ///   - spoolStart: where the spool has the first of its records.
    ///   - now: ns of the monotonic clock.
    mutating func open(
        _ partition: Partition, firstID: Int64, bucket: Int64, spoolStart: RecordPosition,
        now: Int64
    ) -> OpenObject {
        if isFull { sealAll() }
        let path = "\(staging)/\(getpid())-\(nextName)"
        nextName += 1
        let object = OpenObject(
            ObjectPlace(stagedPath: path, partition: partition, firstID: firstID, bucket: bucket),
            spoolStart: spoolStart, group: nextName, now: now)
        // Its neighbours are looked at once a partition: later objects are beside our own.
        object.isFirstOfUnknown =
            !known.contains(partition.sequence) && begun.count < Self.mostBegunPartitions
            && begun.insert(partition).inserted
        objects[partition] = object
        order.append(object)
        last = object
        return object
    }

    // MARK: - Sealing

    /// Says that an object gets no more records.
    mutating func seal(_ object: OpenObject) {
        remove(object)
        sealed.append(object)
    }

    mutating func sealAll() {
        for object in all { seal(object) }
    }

    /// Seals objects that are old, were idle, or take much memory together.
    ///
    /// - Parameters:
    ///   - age: seconds since an object was opened.
    ///   - idle: seconds since its last record.
    mutating func sealDue(age: Double, idle: Double, now: Int64) {
        guard count <= Self.fewObjects || now - lookedAt >= Self.lookInterval else { return }
        lookedAt = now
        let isTooMuch = memory >= Self.mostMemory
        for object in all
        where isTooMuch || Double(now - object.openedAt) / 1e9 >= age
            || Double(now - object.lastRecordAt) / 1e9 >= idle
        {
            seal(object)
        }
    }

    /// Seals what has records in the front segment of the spool.
    mutating func sealFront(segment: UInt64) {
        for object in all where object.spoolStart.entry.segment <= segment { seal(object) }
    }

    /// What was sealed since the last call; those of one kind behind each other, since they are
    /// encoded with the same tables.
    mutating func takeSealed() -> [OpenObject] {
        defer { sealed.removeAll() }
        return sealed.sorted {
            let (one, other) = ($0.partition.sequence, $1.partition.sequence)
            return (one.template, one) < (other.template, other)
        }
    }

    private mutating func remove(_ object: OpenObject) {
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
