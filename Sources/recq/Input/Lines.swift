import Posix
import Stage

/// A line without its end.
struct Line: ~Escapable {
    let bytes: RawSpan
    /// From 1.
    let number: Int

    @_lifetime(copy bytes)
    init(bytes: RawSpan, number: Int) {
        self.bytes = bytes
        self.number = number
    }
}

/// Lines of a descriptor, lent one after another without their end; empty ones, and a byte order mark
/// before the first, are left out.
struct Lines: ~Copyable {
    private let descriptor: Descriptor
    private let longest: Int
    private var buffer = Bytes(capacity: 256 << 10)
    private var start = 0
    /// Where the search for the next line's end goes on.
    private var searched = 0
    private var hasEnded = false
    private var number = 0

    /// What editors of Windows write at the beginning of a file (UTF-8's byte order mark).
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    init(_ descriptor: consuming Descriptor, longest: Int) {
        self.descriptor = descriptor
        self.longest = longest
    }

    /// Waits for input and reads once.
    ///
    /// - Parameter stop: a descriptor that ends the wait when it becomes readable.
    /// - Returns: false at the end of the input, when the last line was lent, or when it was stopped.
    mutating func fill(unless stop: Int32) throws -> Bool {
        if hasEnded || !Poller.waitUntilReadable(descriptor.raw, unless: stop) { return false }
        buffer.removeFirst(start)
        searched -= start
        start = 0
        guard buffer.count <= longest else {
            throw StageFailure(.badInput, "line \(number + 1): longer than \(longest) bytes")
        }
        let count = try descriptor.read(appendingTo: &buffer, room: 256 << 10)
        if count == 0 {
            hasEnded = true
            // A last line without its end still counts.
            buffer.append(UInt8(ascii: "\n"))
        }
        return true
    }

    /// The next whole line; nil when more must be read.
    @_lifetime(&self)
    mutating func next() -> Line? {
        while let end = buffer.firstIndex(of: UInt8(ascii: "\n"), from: searched) {
            var first = start
            start = end + 1
            searched = start
            number += 1
            if number == 1, buffer.span(first..<end).hasPrefix(Self.mark) {
                first += 3
            }
            if end > first { return Line(bytes: buffer.span(first..<end), number: number) }
        }
        searched = buffer.count
        return nil
    }
}

extension RawSpan {
    fileprivate func hasPrefix(_ bytes: [UInt8]) -> Bool {
        byteCount >= bytes.count
            && bytes.indices.allSatisfy {
                unsafeLoad(fromUncheckedByteOffset: $0, as: UInt8.self) == bytes[$0]
            }
    }
}
