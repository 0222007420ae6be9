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
    public let name: String
    private let content: [UInt8]

    /// Some bytes.
    public init(_ content: [UInt8], name: String) {
        self.content = content
        self.name = name
    }

    public var length: Int64? { Int64(content.count) }

    public func read(at offset: Int64, count: Int, appendingTo bytes: inout Bytes) -> Int {
        guard offset < Int64(content.count), count > 0 else { return 0 }
        let range = Int(offset)..<min(content.count, Int(offset) + count)
        content.withUnsafeBytes { bytes.append(UnsafeRawBufferPointer(rebasing: $0[range])) }
        return range.count
    }
}

/// An object that is read through a closure, as from a bucket or a pipe.
public final class ClosureInput: ObjectInput {
    public let name: String
    public let length: Int64?
    private let body: (_ offset: Int64, _ count: Int, _ bytes: inout Bytes) throws -> Int

    /// - Parameter body: see ``ObjectInput/read(at:count:appendingTo:)``.
    public init(
        name: String, length: Int64?,
        read body: @escaping (_ offset: Int64, _ count: Int, _ bytes: inout Bytes) throws -> Int
    ) {
        self.name = name
        self.length = length
        self.body = body
    }

    public func read(
        at offset: Int64, count: Int, appendingTo bytes: inout Bytes
    ) throws -> Int {
        try body(offset, count, &bytes)
    }
}
