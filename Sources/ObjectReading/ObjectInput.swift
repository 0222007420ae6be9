public import Posix

/// The bytes of an object: as many as there are, from any place.
public protocol ObjectInput: AnyObject {
    /// What it is called in messages.
    var name: String { get }
    /// Bytes; nil where that is not known before the end, as of a pipe.
    var length: Int64? { get }
    /// Reads from a place on.
    ///
    /// A pipe is only ever asked for what follows the bytes that were read.
    ///
    /// - Parameter count: most bytes to read.
    /// - Returns: how many were appended; 0 only at the end.
    func read(at offset: Int64, count: Int, appendingTo bytes: inout Bytes) throws -> Int
}

/// An object in memory.
public final class MemoryInput: ObjectInput {
    /// What it is called in messages.
    public let name: String
    private let content: [UInt8]

    /// Some bytes.
    public init(_ content: [UInt8], name: String) {
        self.content = content
        self.name = name
    }

    /// Bytes.
    public var length: Int64? { Int64(content.count) }

    /// See ``ObjectInput/read(at:count:appendingTo:)``.
    public func read(at offset: Int64, count: Int, appendingTo bytes: inout Bytes) -> Int {
        guard offset < Int64(content.count), count > 0 else { return 0 }
        let range = Int(offset)..<min(content.count, Int(offset) + count)
        content.withUnsafeBytes { bytes.append(UnsafeRawBufferPointer(rebasing: $0[range])) }
        return range.count
    }
}

/// An object of known length whose bytes are far away, as in a bucket: asked for in larger parts than
/// they are read in, the last of which is kept.
public final class RemoteInput: ObjectInput {
    /// Gives the bytes from an offset on, so many, or fewer at the object's end only.
    public typealias Fetch = (_ offset: Int64, _ count: Int, _ bytes: inout Bytes) throws -> Void

    /// Bytes of a part: at 50 ms a call and one call at a time this is some 80 MB a second.
    private static let part = 4 << 20

    /// What it is called in messages.
    public let name: String
    /// Bytes.
    public let length: Int64?
    private let size: Int64
    private let fetch: Fetch
    private var part = Bytes(capacity: 1)
    private var start: Int64 = 0

    /// An object; nothing is fetched yet.
    public init(name: String, length: Int64, _ fetch: @escaping Fetch) {
        self.name = name
        self.length = length
        size = length
        self.fetch = fetch
    }

    /// See ``ObjectInput/read(at:count:appendingTo:)``.
    ///
    /// - Throws: ``ObjectError`` with ``ObjectError/Reason/cut`` when the object is shorter than it
    ///   was said to be.
    public func read(
        at offset: Int64, count: Int, appendingTo bytes: inout Bytes
    ) throws -> Int {
        guard offset < size, count > 0 else { return 0 }
        if offset < start || offset >= start + Int64(part.count) {
            part.removeAll()
            start = offset
            try fetch(offset, Int(min(size - offset, Int64(max(count, Self.part)))), &part)
            guard !part.isEmpty else {
                throw ObjectError(
                    .cut, name, "it has \(size) bytes in the listing and ends after \(offset)")
            }
        }
        let first = Int(offset - start)
        let range = first..<min(part.count, first + count)
        bytes.append(part, range)
        return range.count
    }
}

extension Bytes {
    fileprivate mutating func append(_ other: borrowing Bytes, _ range: Range<Int>) {
        append(other.span(range))
    }
}
