import AWS
import Posix

/// The records of one partition key that wait for delivery, oldest first, in memory of their own.
///
/// An entry is a header of 16 bytes (uint32 length of the frame, uint32 number of the batch that
/// it came in, uint32 ``Fate``, uint32 unused) and the frame. Entries leave from the front only,
/// so that whoever books what left never books a record before one that precedes it.
final class KeyQueue {
    static let headerLength = 16

    /// What became of a record.
    enum Fate: UInt32 {
        case waiting = 0
        case delivered = 1
        /// It was put elsewhere: it can never be sent.
        case discarded = 2
    }

    /// The partition key.
    let name: String
    /// Where the key falls by itself.
    let hash: UInt128
    /// What follows each record in a call.
    var suffix: RecordSuffix
    /// Where its records go.
    var lane: Lane
    /// Records that are part of a call under way.
    var inFlight = 0
    /// True while its lane has it among those to serve, or to serve later.
    var isListed = false
    /// It is not sent before; ns of the monotonic clock.
    var notBefore: Int64 = 0
    /// Failures in a row.
    var attempts = 0
    /// Records that wait, and bytes of their entries.
    private(set) var records = 0
    private(set) var waitingBytes = 0
    /// Bytes of entries in memory.
    var bytesHeld: Int { bytes.count - head }

    private var bytes = Bytes(capacity: 1024)
    /// Of the first entry in `bytes`.
    private var head = 0
    /// The place of the first byte of `bytes` among all bytes that ever were here.
    private var base = 0

    init(name: String, hash: UInt128, suffix: RecordSuffix, lane: Lane) {
        self.name = name
        self.hash = hash
        self.suffix = suffix
        self.lane = lane
    }

    /// Where the first entry is.
    var start: Int { base + head }
    /// Where the next entry will be.
    var end: Int { base + bytes.count }

    /// Adds a record.
    func append(_ frame: RawSpan, batch: UInt32) {
        bytes.append(bits: UInt32(frame.byteCount))
        bytes.append(bits: batch)
        bytes.append(bits: UInt64(0))
        bytes.append(frame)
        records += 1
        waitingBytes += frame.byteCount + Self.headerLength
    }

    /// Bytes from a place to the entry after it.
    func length(at place: Int) -> Int { Int(Self.word(bytes, place - base)) + Self.headerLength }

    /// True once the record at a place waits no more.
    func isDone(at place: Int) -> Bool { Self.word(bytes, place - base + 8) != 0 }

    /// Lends the frame at a place.
    func withFrame<Result>(at place: Int, _ body: (RawSpan) throws -> Result) rethrows -> Result {
        try Self.lend(bytes, place - base, body)
    }

    /// Notes what became of the record at a place.
    func finish(_ fate: Fate, at place: Int) {
        bytes.store(bits: fate.rawValue, at: place - base + 8)
        records -= 1
        waitingBytes -= length(at: place)
    }

    /// Takes off what waits no more, from the front up to the first record that does, and gives
    /// each frame, its batch and whether it was delivered to `body`.
    func settle(_ body: (RawSpan, UInt32, Bool) throws -> Void) rethrows {
        while head < bytes.count, isDone(at: base + head) {
            let batch = Self.word(bytes, head + 4)
            let isDelivered = Self.word(bytes, head + 8) == Fate.delivered.rawValue
            let length = length(at: base + head)
            try Self.lend(bytes, head) { try body($0, batch, isDelivered) }
            head += length
        }
        if head == bytes.count {
            base += head
            head = 0
            bytes.removeAll()
        } else if head > 64 << 10, head > bytes.count / 2 {
            bytes.removeFirst(head)
            base += head
            head = 0
        }
    }

    private static func word(_ bytes: borrowing Bytes, _ offset: Int) -> UInt32 {
        bytes.span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }

    /// Apart from `self`: what a class holds cannot be lent beyond one access.
    private static func lend<Result>(
        _ bytes: borrowing Bytes, _ offset: Int, _ body: (RawSpan) throws -> Result
    ) rethrows -> Result {
        let start = offset + headerLength
        return try body(bytes.span(start..<start + Int(word(bytes, offset))))
    }
}
