public import Posix

/// Frames of schema 8801, the one before symbols had 32 bytes: everything is the same but that the
/// prefix has 64 bytes, eight fewer for the symbol.
public enum OldFrame {
    /// The id of that schema.
    @inlinable public static var schemaID: UInt16 { 8801 }
    /// Bytes that its root blocks begin with.
    @inlinable static var prefixLength: Int { 64 }
    /// Where a root block has its symbol, and how many bytes that has.
    private static let symbol = (offset: 32, length: 24)
    /// What its frames lack.
    private static let missing = Frame.prefixLength - prefixLength

    /// Appends the whole frames that some bytes begin with: those of the old schema converted,
    /// those of today's as they are.
    ///
    /// - Parameters:
    ///   - bytes: frames one after another; the last one may be cut.
    ///   - offset: of the first one in its stream, for error messages.
    ///   - isEnd: true when nothing follows, so that a cut frame is an error.
    ///   - output: gets the frames.
    /// - Returns: how many bytes were taken and how many frames they were; the rest is the
    ///   beginning of a frame.
    /// - Throws: ``FrameError`` for what is not a frame of either schema; the frames before it have
    ///   been appended.
    public static func upgrade(
        _ bytes: RawSpan, at offset: Int64, isEnd: Bool, to output: inout Bytes
    ) throws(FrameError) -> (taken: Int, frames: Int) {
        var taken = 0
        var frames = 0
        while true {
            let rest = bytes.extracting(droppingFirst: taken)
            let length = try length(rest, at: offset + Int64(taken))
            guard let length, length <= rest.byteCount else {
                if isEnd && !rest.isEmpty {
                    throw .truncated(
                        offset: offset + Int64(taken), have: rest.byteCount,
                        need: length ?? Frame.headerLength)
                }
                return (taken, frames)
            }
            append(rest.extracting(first: length), to: &output)
            taken += length
            frames += 1
        }
    }

    /// The length of the frame of either schema that some bytes begin with; nil when its header is
    /// not whole.
    private static func length(
        _ bytes: RawSpan, at offset: Int64
    ) throws(FrameError) -> Int? {
        do throws(FrameError) {
            // Whether the header is whole decides whether its schema was looked at.
            guard bytes.byteCount >= Frame.blockOffset else { return nil }
            return try FrameView.length(bytes, at: offset)
        } catch .oldSchema {
            let length = UInt32(
                bigEndian: unsafe bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: 0, as: UInt32.self))
            let block = unsafe bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: Frame.headerLength, as: UInt16.self)
            guard block >= prefixLength, Frame.blockOffset + Int(block) <= Int(length),
                Int(block) + missing <= Int(UInt16.max)
            else { throw .badBlock(offset: offset, blockLength: block) }
            guard Int(length) + missing <= Frame.maximumLength else {
                throw .badLength(offset: offset, length: length)
            }
            return Int(length)
        }
    }

    /// Appends a frame whose headers were found good.
    private static func append(_ frame: RawSpan, to output: inout Bytes) {
        let schema = unsafe frame.unsafeLoadUnaligned(
            fromUncheckedByteOffset: Frame.headerLength + 4, as: UInt16.self)
        guard schema == schemaID else { return output.append(frame) }
        let start = output.count
        let end = Frame.blockOffset + symbol.offset + symbol.length
        output.append(frame.extracting(first: end))
        for _ in 0..<missing { output.append(0) }
        output.append(frame.extracting(droppingFirst: end))
        let block = unsafe frame.unsafeLoadUnaligned(
            fromUncheckedByteOffset: Frame.headerLength, as: UInt16.self)
        output.store(bits: UInt32(frame.byteCount + missing).bigEndian, at: start)
        output.store(bits: block + UInt16(missing), at: start + Frame.headerLength)
        output.store(bits: Frame.schemaID, at: start + Frame.headerLength + 4)
    }
}
