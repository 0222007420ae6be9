import Identity
import Sink

/// Finished objects that are on their way, and the order in which the ledger hears of them: of each
/// sequence as its records came, however the deliveries end.
struct DeliveryOrder {
    /// What is looked at of all again and again.
    private struct Waiting {
        let sealedAt: Int64
        let spoolStart: RecordPosition?
    }

    /// By their staged paths.
    private var staged: [String: Waiting] = [:]
    /// Paths of each sequence, in the order in which they were finished.
    private var undelivered: [SequenceID: [String]] = [:]
    /// Delivered objects that wait for one before them in their sequence.
    private var delivered: [String: StagedObject] = [:]

    var isEmpty: Bool { staged.isEmpty }
    var count: Int { staged.count }
    /// When the oldest was finished, ns of the monotonic clock.
    var oldest: Int64? { staged.values.lazy.map(\.sealedAt).min() }
    /// Where the spool has the first of their records.
    var spoolStart: RecordPosition? { staged.values.lazy.compactMap(\.spoolStart).min() }

    /// Notes an object that is finished or will be.
    mutating func add(_ object: StagedObject) {
        staged[object.stagedPath] = Waiting(
            sealedAt: object.sealedAt, spoolStart: object.spoolStart)
        undelivered[object.booking.sequence, default: []].append(object.stagedPath)
    }

    /// Notes that an object was delivered. The key and the length may differ from what was added.
    ///
    /// - Returns: what the ledger may hear of now, in order: it is on its way no longer.
    mutating func complete(_ object: StagedObject) -> [StagedObject] {
        delivered[object.stagedPath] = object
        return takeInOrder(object.booking.sequence)
    }

    /// Notes that an object will not be delivered.
    ///
    /// - Returns: what waited for it, as ``complete(_:)``.
    mutating func drop(_ object: StagedObject) -> [StagedObject] {
        staged[object.stagedPath] = nil
        undelivered[object.booking.sequence]?.removeAll { $0 == object.stagedPath }
        return takeInOrder(object.booking.sequence)
    }

    private mutating func takeInOrder(_ sequence: SequenceID) -> [StagedObject] {
        var ready: [StagedObject] = []
        while let first = undelivered[sequence]?.first {
            guard let object = delivered.removeValue(forKey: first) else { return ready }
            undelivered[sequence]?.removeFirst()
            staged[first] = nil
            ready.append(object)
        }
        undelivered[sequence] = nil
        return ready
    }
}
