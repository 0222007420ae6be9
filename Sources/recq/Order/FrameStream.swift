import ObjectReading
import Posix
import Records
import Stage

/// Frames of one input, one at a time: what a merge takes its next record from.
///
/// A class, since a heap moves its elements.
final class FrameStream {
    private var reader: ObjectReader
    private let name: String
    private var batch = FrameBatch()
    private var hasEnded = false
    private var failure: ObjectError?

    init(_ input: any ObjectInput) {
        reader = ObjectReader(input)
        name = input.name
    }

    /// Goes to the next frame.
    ///
    /// - Returns: false at the end.
    func advance() throws -> Bool {
        while try !batch.advance() {
            // What came before the damage was given.
            if let failure { throw failure }
            if hasEnded { return false }
            batch.removeAll()
            do throws(ObjectError) { hasEnded = try !reader.read(into: &batch.frames) } catch {
                failure = error
            }
        }
        return true
    }

    /// The frame that ``advance()`` went to.
    func withFrame<Value>(_ body: (borrowing FrameView) throws -> Value) throws -> Value {
        try batch.withFrame(body)
    }
}

/// Some frames one after another, and which of them is meant.
private struct FrameBatch: ~Copyable {
    var frames = Bytes(capacity: 1 << 12)
    private var place = 0
    private var length = 0

    /// Goes to the next frame; false when there is none.
    mutating func advance() throws(FrameError) -> Bool {
        place += length
        length = 0
        guard place < frames.count else { return false }
        length = try FrameView(firstIn: frames.span(place..<frames.count)).bytes.byteCount
        return true
    }

    mutating func removeAll() {
        frames.removeAll()
        (place, length) = (0, 0)
    }

    func withFrame<Value>(_ body: (borrowing FrameView) throws -> Value) throws -> Value {
        try body(try FrameView(firstIn: frames.span(place..<(place + length))))
    }
}
