import Posix
import Records

/// The streams of several sequences as one, by time or one after another.
enum SequenceMerge {
    /// Gives every record to `body`, in order, until it returns false.
    static func run(
        _ streams: [SequenceStream], _ order: RecordOrder,
        _ body: (borrowing FrameView) throws -> Bool
    ) throws {
        guard order == .time, streams.count > 1 else {
            for stream in streams {
                while let goesOn = try stream.take(body) { if !goesOn { return } }
            }
            return
        }
        var heads: [QueuedRecord] = []
        for (index, stream) in streams.enumerated() {
            let record = QueuedRecord(stream, index)
            if try record.advance() { heads.append(record) }
        }
        // The latest is first, so that the next is at the end.
        heads.sort { $1.isBefore($0) }
        while let next = heads.popLast() {
            guard try next.withFrame(body) else { return }
            guard try next.advance() else { continue }
            // Most often the same sequence goes on, or one near it.
            var place = heads.count
            while place > 0, heads[place - 1].isBefore(next) { place -= 1 }
            heads.insert(next, at: place)
        }
    }
}

/// The next record of a sequence, copied, since its stream has read on.
private final class QueuedRecord {
    private let stream: SequenceStream
    private let index: Int
    private var time: Int64 = 0
    private var copy = FrameCopy()

    init(_ stream: SequenceStream, _ index: Int) {
        self.stream = stream
        self.index = index
    }

    func advance() throws -> Bool {
        let time = try stream.take { frame in
            copy.set(frame)
            return frame.eventTime
        }
        self.time = time ?? 0
        return time != nil
    }

    func withFrame<Value>(_ body: (borrowing FrameView) throws -> Value) throws -> Value {
        try copy.withFrame(body)
    }

    func isBefore(_ other: QueuedRecord) -> Bool { (time, index) < (other.time, other.index) }
}

/// A frame that was copied.
private struct FrameCopy: ~Copyable {
    private var bytes = Bytes(capacity: 256)

    mutating func set(_ frame: borrowing FrameView) {
        bytes.removeAll()
        bytes.append(frame.bytes)
    }

    func withFrame<Value>(_ body: (borrowing FrameView) throws -> Value) throws -> Value {
        try body(try FrameView(bytes.span))
    }
}
