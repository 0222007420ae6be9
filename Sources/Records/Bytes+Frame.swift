public import Posix

extension Bytes {
    /// Appends a frame around the message that `encode` writes. Inlined, so that the prefix goes from
    /// registers to where it belongs.
    ///
    /// - Parameters:
    ///   - limit: the most bytes that the message can have.
    ///   - prefix: stored over the start of the root block once the message is encoded; nil leaves
    ///     that to `encode`.
    ///   - encode: writes from the message header on and returns the length.
    @inlinable
    @inline(__always)
    public mutating func appendFrame<Failure: Error>(
        upTo limit: Int, prefix: RecordPrefix? = nil,
        _ encode: (consuming MutableRawSpan) throws(Failure) -> Int
    ) throws(Failure) {
        unsafe try append(room: Frame.headerLength + limit) { room throws(Failure) in
            let message = unsafe UnsafeMutableRawBufferPointer(
                rebasing: room[Frame.headerLength...])
            let length = try encode(unsafe message.mutableBytes) + Frame.headerLength
            precondition(length <= Frame.maximumLength, "a frame over the limit was encoded")
            if let prefix {
                var bytes = unsafe message.mutableBytes
                bytes.store(prefix)
            }
            unsafe room.storeBytes(of: UInt32(length).bigEndian, as: UInt32.self)
            unsafe room.storeBytes(
                of: Frame.encodingType.bigEndian, toByteOffset: 4, as: UInt16.self)
            return length
        }
    }
}
