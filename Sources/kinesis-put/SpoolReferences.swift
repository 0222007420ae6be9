import Spool

/// Which spool entries still hold records that are not delivered: entries in the order of the
/// spool, each with the number of its records in memory.
struct SpoolReferences {
    private struct Batch {
        var position: Spool.Position
        var waiting: Int
        /// When its first record arrived here, ns since the epoch.
        let ingestTime: Int64
    }

    private var batches: [Batch] = []
    private var first = 0
    /// The number of the batch at `first`; numbers wrap around.
    private var number: UInt32 = 0

    var isEmpty: Bool { first == batches.count }
    /// Where the oldest entry begins that is still needed; nil when none is.
    var oldest: Spool.Position? { isEmpty ? nil : batches[first].position }
    /// When the oldest record that waits arrived here; nil when none waits.
    var oldestIngestTime: Int64? { isEmpty ? nil : batches[first].ingestTime }

    /// Opens a batch.
    ///
    /// - Parameter position: where its entry begins, or will.
    /// - Returns: its number.
    mutating func open(at position: Spool.Position, ingestTime: Int64) -> UInt32 {
        // One more than its records, so that it stays until it is closed.
        batches.append(Batch(position: position, waiting: 1, ingestTime: ingestTime))
        return number &+ UInt32(batches.count - first - 1)
    }

    /// Where a batch's entry begins.
    func position(of batch: UInt32) -> Spool.Position {
        batches[first + Int(batch &- number)].position
    }

    /// Notes records of a batch.
    mutating func retain(_ batch: UInt32, count: Int) {
        batches[first + Int(batch &- number)].waiting += count
    }

    /// Notes that records of a batch no longer wait.
    mutating func release(_ batch: UInt32, count: Int = 1) {
        let index = first + Int(batch &- number)
        batches[index].waiting -= count
        guard index == first, batches[index].waiting == 0 else { return }
        while first < batches.count, batches[first].waiting == 0 {
            first += 1
            number &+= 1
        }
        if first == batches.count {
            batches.removeAll(keepingCapacity: true)
            first = 0
        } else if first > 1024, first > batches.count / 2 {
            batches.removeFirst(first)
            first = 0
        }
    }

    /// Notes that all records of a batch were noted, and where its entry is.
    mutating func close(_ batch: UInt32, at position: Spool.Position) {
        batches[first + Int(batch &- number)].position = position
        release(batch)
    }
}
