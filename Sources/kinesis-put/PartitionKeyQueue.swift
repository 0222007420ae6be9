import AWS
import Posix

/// The records of one partition key that wait for delivery, oldest first, in memory of their own.
///
/// An entry is a header of 16 bytes (uint32 length of the frame, uint32 number of the batch that
/// it came in, uint16 ``Fate``, uint16 epoch of its sequence, uint32 place of the frame in the
/// spool's entry) and the frame. Entries leave from the front only,
/// so that whoever books what left never books a record before one that precedes it.
///
/// Memory comes in chunks that are given back as their entries leave: a queue takes up what waits
/// in it, and growing copies nothing. A place is the chunk's number and the offset in it, so that
/// places only grow.
final class PartitionKeyQueue {
    static let headerLength = 16

    /// What became of a record.
    enum Fate: UInt16 {
        case waiting = 0
        case delivered = 1
        /// It was put elsewhere: it can never be sent.
        case discarded = 2
    }

    /// A record's way to its queue, and out of it again.
    struct Passage {
        /// Of the read that it came in.
        let batch: UInt32
        /// Where its frame begins in the spool's entry, bytes.
        var offset: UInt32 = 0
        /// Of its sequence.
        var epoch: UInt16 = 1
        /// On the way out: it was stored by the service, and not put elsewhere.
        var isDelivered = false
    }

    /// The partition key.
    let name: String
    /// Where the key falls by itself.
    let hash: UInt128
    /// What follows each record in a call.
    var suffix: RecordSuffix
    /// Where its records go.
    var queue: ShardQueue
    /// Records that are part of a call under way.
    var inFlight = 0
    /// True while its queue has it among those to serve, or to serve later.
    var isListed = false
    /// It is not sent before; ns of the monotonic clock.
    var notBefore: Int64 = 0
    /// Failures in a row.
    var attempts = 0
    /// Records that wait, and bytes of their entries.
    private(set) var records = 0
    private(set) var waitingBytes = 0
    /// Bytes of entries in memory.
    private(set) var bytesHeld = 0

    /// Chunks of busy keys have this many bytes, more where a frame needs more: few enough that the
    /// allocator keeps them available instead of returning each to the system.
    private static let chunkBytes = 64 << 10

    private struct Chunk {
        let base: UnsafeMutableRawPointer
        let capacity: Int
        var used = 0

        init(capacity: Int) {
            self.capacity = capacity
            base = .allocate(byteCount: capacity, alignment: 16)
        }
    }

    private var chunks: [Chunk] = []
    /// The number of the first chunk.
    private var number = 0
    /// Of the first entry in the first chunk.
    private var head = 0

    init(name: String, hash: UInt128, suffix: RecordSuffix, queue: ShardQueue) {
        self.name = name
        self.hash = hash
        self.suffix = suffix
        self.queue = queue
    }

    deinit { for chunk in chunks { chunk.base.deallocate() } }

    /// Adds a record.
    func append(_ frame: RawSpan, _ passage: Passage) {
        let need = frame.byteCount + Self.headerLength
        if chunks.isEmpty
            || chunks[chunks.count - 1].capacity - chunks[chunks.count - 1].used < need
        {
            addChunk(need)
        }
        let last = chunks.count - 1
        let entry = chunks[last].base + chunks[last].used
        entry.storeBytes(of: UInt32(frame.byteCount), as: UInt32.self)
        entry.storeBytes(of: passage.batch, toByteOffset: 4, as: UInt32.self)
        entry.storeBytes(of: Fate.waiting.rawValue, toByteOffset: 8, as: UInt16.self)
        entry.storeBytes(of: passage.epoch, toByteOffset: 10, as: UInt16.self)
        entry.storeBytes(of: passage.offset, toByteOffset: 12, as: UInt32.self)
        frame.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            (entry + Self.headerLength).copyMemory(from: base, byteCount: bytes.count)
        }
        chunks[last].used += need
        records += 1
        waitingBytes += need
        bytesHeld += need
    }

    private func addChunk(_ need: Int) {
        let before = chunks.last?.capacity ?? 512
        if chunks.count == 1, chunks[0].used == 0 {
            chunks.removeLast().base.deallocate()
            number += 1
        }
        chunks.append(Chunk(capacity: max(need, min(before * 2, Self.chunkBytes))))
    }

    private func entry(_ place: Int) -> UnsafeMutableRawPointer {
        chunks[place >> 32 - number].base + (place & 0xFFFF_FFFF)
    }

    /// Gives the place and the frame of each record that waits to `body`, oldest first, until it
    /// returns false. Meanwhile records may be marked, and none added or removed.
    func forEachWaiting(_ body: (Int, RawSpan) throws -> Bool) rethrows {
        var offset = head
        let (chunks, number) = (chunks, number)
        for (index, chunk) in chunks.enumerated() {
            while offset < chunk.used {
                let entry = chunk.base + offset
                let place = (number + index) << 32 | offset
                let fate = entry.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
                offset += Int(entry.loadUnaligned(as: UInt32.self)) + Self.headerLength
                guard fate == Fate.waiting.rawValue else { continue }
                guard try Self.lend(entry, { try body(place, $0) }) else { return }
            }
            offset = 0
        }
    }

    /// Lends the frame at a place.
    func withFrame<Result>(at place: Int, _ body: (RawSpan) throws -> Result) rethrows -> Result {
        try Self.lend(entry(place), body)
    }

    /// Notes what became of the record at a place; ``remove(records:bytes:)`` is to follow.
    ///
    /// - Returns: bytes of its entry.
    func mark(_ fate: Fate, at place: Int) -> Int {
        let entry = entry(place)
        entry.storeBytes(of: fate.rawValue, toByteOffset: 8, as: UInt16.self)
        return Int(entry.loadUnaligned(as: UInt32.self)) + Self.headerLength
    }

    /// Notes that records that were marked no longer wait.
    func remove(records count: Int, bytes: Int) {
        records -= count
        waitingBytes -= bytes
    }

    /// Removes what no longer waits, from the front up to the first record that does, and gives
    /// each frame, and how it passed, to `body`.
    func removeDone(_ body: (RawSpan, Passage) throws -> Void) rethrows {
        while let chunk = chunks.first {
            while head < chunk.used {
                let entry = chunk.base + head
                let fate = entry.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
                guard fate != Fate.waiting.rawValue else { return }
                let passage = Passage(
                    batch: entry.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
                    offset: entry.loadUnaligned(fromByteOffset: 12, as: UInt32.self),
                    epoch: entry.loadUnaligned(fromByteOffset: 10, as: UInt16.self),
                    isDelivered: fate == Fate.delivered.rawValue)
                let length = Int(entry.loadUnaligned(as: UInt32.self)) + Self.headerLength
                try Self.lend(entry) { try body($0, passage) }
                head += length
                bytesHeld -= length
            }
            number += 1
            head = 0
            // The last one stays, for what comes next.
            guard chunks.count > 1 else {
                chunks[0].used = 0
                return
            }
            chunks.removeFirst().base.deallocate()
        }
    }

    private static func lend<Result>(
        _ entry: UnsafeMutableRawPointer, _ body: (RawSpan) throws -> Result
    ) rethrows -> Result {
        let bytes = UnsafeRawPointer(entry + headerLength)
        let length = Int(entry.loadUnaligned(as: UInt32.self))
        return try body(RawSpan(_unsafeStart: bytes, byteCount: length))
    }
}
