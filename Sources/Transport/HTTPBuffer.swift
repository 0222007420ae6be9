import Glibc
public import Posix

/// Memory for request bodies that is kept from one request to the next.
///
/// Whoever submits a request with it leaves it alone until that request ends.
public final class HTTPBuffer: @unchecked Sendable {
    private var bytes: Bytes

    /// Takes bytes over.
    public init(_ bytes: consuming Bytes) { self.bytes = bytes }

    /// Bytes in it.
    public var count: Int { bytes.count }

    /// Gives its bytes to `body`.
    public func withBytes<Result, Failure: Error>(
        _ body: (borrowing Bytes) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(bytes)
    }

    /// Gives its bytes to `body` for changing.
    public func change<Result, Failure: Error>(
        _ body: (inout Bytes) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(&bytes)
    }

    func copy(_ range: Range<Int>, to room: UnsafeMutableRawPointer) {
        Self.copy(bytes, range, room)
    }

    /// Apart from `self`: what a class holds cannot be lent beyond one access.
    private static func copy(
        _ bytes: borrowing Bytes, _ range: Range<Int>, _ room: UnsafeMutableRawPointer
    ) {
        bytes.span(range).withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            memcpy(room, base, source.count)
        }
    }
}
