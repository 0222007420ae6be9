import CZlib
import CZstd
public import Posix

/// Compressed bytes that are damaged, cut, or over a limit.
public struct DecompressionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, in words.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Decompresses a stream that comes in pieces, within a bounded amount of memory.
///
/// Frames of zstd and members of gzip may follow each other, as `cat` of two files makes them.
public struct StreamDecompressor: ~Copyable {
    private enum Engine {
        case none
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    /// Longest window of a frame of zstd that is taken: 128 MiB, the most that `zstd` itself takes
    /// without being asked (zstd(1), `--long`).
    private static let windowLog: Int32 = 27

    private let engine: Engine
    /// True between a frame's first byte and its last.
    public private(set) var isInside = false

    /// Starts with the first byte of a stream.
    ///
    /// - Parameter isRaw: true for deflate without gzip's frame, as in Avro's blocks.
    public init(
        _ compression: Compression, isRaw: Bool = false
    ) throws(DecompressionError) {
        switch compression {
        case .none: engine = .none
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            let code = inflateInit2_(
                stream, isRaw ? -15 : 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            guard code == Z_OK else {
                stream.deallocate()
                throw DecompressionError("zlib could not start (\(code))")
            }
            engine = .gzip(stream)
        case .zstd:
            guard let context = ZSTD_createDCtx() else {
                throw DecompressionError("zstd has no memory")
            }
            ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog)
            engine = .zstd(context)
        }
    }

    deinit {
        switch engine {
        case .none: break
        case .gzip(let stream):
            inflateEnd(stream)
            stream.deallocate()
        case .zstd(let context): ZSTD_freeDCtx(context)
        }
    }

    /// Decompresses from some bytes, at most about `room` bytes more.
    ///
    /// - Returns: how many of the bytes were taken; the rest has to be given again. With nothing taken
    ///   and nothing appended, more bytes are needed.
    public mutating func decompress(
        _ input: RawSpan, room: Int = 256 << 10, to output: inout Bytes
    ) throws(DecompressionError) -> Int {
        switch engine {
        case .none:
            output.append(input)
            return input.byteCount
        case .gzip(let stream): return try inflate(stream, input, room, &output)
        case .zstd(let context): return try zstd(context, input, room, &output)
        }
    }

    private mutating func inflate(
        _ stream: UnsafeMutablePointer<z_stream>, _ input: RawSpan, _ room: Int,
        _ output: inout Bytes
    ) throws(DecompressionError) -> Int {
        guard input.byteCount > 0 else { return 0 }
        if !isInside {
            inflateReset(stream)
            isInside = true
        }
        var taken = 0
        var code = Z_OK
        try input.withUnsafeBytes { (bytes) throws(DecompressionError) in
            let source = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
            stream.pointee.next_in = UnsafeMutablePointer(mutating: source)
            stream.pointee.avail_in = UInt32(clamping: bytes.count)
            let before = stream.pointee.avail_in
            try output.append(room: room) { (space) throws(DecompressionError) in
                let length = UInt32(clamping: min(room, space.count))
                stream.pointee.next_out = space.assumingMemoryBound(to: UInt8.self).baseAddress
                stream.pointee.avail_out = length
                code = CZlib.inflate(stream, Z_NO_FLUSH)
                guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                    let words = stream.pointee.msg.map { String(cString: $0) } ?? "code \(code)"
                    throw DecompressionError("damaged gzip data: \(words)")
                }
                return Int(length - stream.pointee.avail_out)
            }
            taken = Int(before - stream.pointee.avail_in)
        }
        if code == Z_STREAM_END { isInside = false }
        return taken
    }

    private mutating func zstd(
        _ context: OpaquePointer, _ input: RawSpan, _ room: Int, _ output: inout Bytes
    ) throws(DecompressionError) -> Int {
        guard input.byteCount > 0 || isInside else { return 0 }
        var taken = 0
        var left = 0
        try input.withUnsafeBytes { (bytes) throws(DecompressionError) in
            var source = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
            try output.append(room: room) { (space) throws(DecompressionError) in
                var target = ZSTD_outBuffer(
                    dst: space.baseAddress, size: min(room, space.count), pos: 0)
                left = ZSTD_decompressStream(context, &target, &source)
                guard ZSTD_isError(left) == 0 else {
                    let words = String(cString: ZSTD_getErrorName(left))
                    throw DecompressionError("damaged zstd data: \(words)")
                }
                return target.pos
            }
            taken = source.pos
        }
        isInside = left != 0
        return taken
    }

    /// Decompresses a whole block.
    ///
    /// - Parameter limit: most bytes to append.
    /// - Throws: also when the block is cut, is followed by other bytes, or is over the limit.
    public mutating func decompressBlock(
        _ block: RawSpan, limit: Int, to output: inout Bytes
    ) throws(DecompressionError) {
        let start = output.count
        var place = 0
        while true {
            let before = (place, output.count)
            place += try decompress(
                block.extracting(place..<block.byteCount),
                room: min(max(1 << 16, block.byteCount * 4), 4 << 20), to: &output)
            guard output.count - start <= limit else {
                throw DecompressionError("a block of over \(limit) bytes when decompressed")
            }
            if !isInside {
                guard place == block.byteCount else {
                    throw DecompressionError("a block has bytes after its end")
                }
                return
            }
            guard before != (place, output.count) else {
                throw DecompressionError("a block that ends too early")
            }
        }
    }
}
