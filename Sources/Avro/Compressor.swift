import CZlib
import CZstd
public import Posix

/// How bytes are made smaller.
public enum Compression: String, CaseIterable, Sendable {
    case none
    /// RFC 1952; in Avro containers its core, RFC 1951.
    case gzip
    /// RFC 8878.
    case zstd
}

/// The library refused; with the parameters used here that means no memory.
public struct CompressionError: Error, Equatable, CustomStringConvertible {
    /// The library's words.
    public let description: String
}

/// Compresses a stream: bytes in, bytes out, the same bytes out for the same bytes in.
public struct StreamCompressor: ~Copyable {
    private enum Engine {
        case none
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    private let engine: Engine

    /// Starts a stream.
    ///
    /// - Parameters:
    ///   - level: the library's own number; nil for its usual one (gzip 6, zstd 3).
    ///   - isRaw: true leaves gzip's frame off, as Avro's `deflate` wants it.
    public init(
        _ compression: Compression, level: Int32? = nil, isRaw: Bool = false
    ) throws(CompressionError) {
        switch compression {
        case .none: engine = .none
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            // 15 bits of window; 16 more for a gzip frame, whose header zlib writes without name
            // and time; negative for none.
            let code = deflateInit2_(
                stream, level ?? 6, Z_DEFLATED, isRaw ? -15 : 15 + 16, 8, Z_DEFAULT_STRATEGY,
                ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            guard code == Z_OK else {
                stream.deallocate()
                throw CompressionError(description: "zlib could not start (\(code))")
            }
            engine = .gzip(stream)
        case .zstd:
            guard let context = ZSTD_createCCtx() else {
                throw CompressionError(description: "zstd has no memory")
            }
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level ?? 3)
            ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
            engine = .zstd(context)
        }
    }

    deinit {
        switch engine {
        case .none: break
        case .gzip(let stream):
            deflateEnd(stream)
            stream.deallocate()
        case .zstd(let context): ZSTD_freeCCtx(context)
        }
    }

    /// Compresses some bytes; what comes out is appended to `output`, perhaps later.
    ///
    /// - Parameter ends: true ends the stream; the compressor then starts a new one.
    public func compress(
        _ input: RawSpan, ends: Bool = false, to output: inout Bytes
    ) throws(CompressionError) {
        switch engine {
        case .none: output.append(input)
        case .gzip(let stream): try deflate(stream, input, ends, &output)
        case .zstd(let context): try zstd(context, input, ends, &output)
        }
    }

    private func deflate(
        _ stream: UnsafeMutablePointer<z_stream>, _ input: RawSpan, _ ends: Bool,
        _ output: inout Bytes
    ) throws(CompressionError) {
        try input.withUnsafeBytes { (bytes) throws(CompressionError) in
            let source = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
            stream.pointee.next_in = UnsafeMutablePointer(mutating: source)
            stream.pointee.avail_in = UInt32(bytes.count)
            var code = Z_OK
            repeat {
                try output.append(room: 64 << 10) { (room) throws(CompressionError) in
                    stream.pointee.next_out = room.assumingMemoryBound(to: UInt8.self).baseAddress
                    stream.pointee.avail_out = UInt32(clamping: room.count)
                    let before = stream.pointee.avail_out
                    code = CZlib.deflate(stream, ends ? Z_FINISH : Z_NO_FLUSH)
                    guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                        throw CompressionError(description: "zlib failed (\(code))")
                    }
                    return Int(before - stream.pointee.avail_out)
                }
            } while ends ? code != Z_STREAM_END : stream.pointee.avail_in > 0
        }
        if ends { deflateReset(stream) }
    }

    private func zstd(
        _ context: OpaquePointer, _ input: RawSpan, _ ends: Bool, _ output: inout Bytes
    ) throws(CompressionError) {
        try input.withUnsafeBytes { (bytes) throws(CompressionError) in
            var source = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
            var left = 0
            repeat {
                try output.append(room: ZSTD_CStreamOutSize()) { (room) throws(CompressionError) in
                    var target = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
                    left = ZSTD_compressStream2(
                        context, &target, &source, ends ? ZSTD_e_end : ZSTD_e_continue)
                    guard ZSTD_isError(left) == 0 else {
                        throw CompressionError(
                            description: "zstd failed: \(String(cString: ZSTD_getErrorName(left)))")
                    }
                    return target.pos
                }
            } while ends ? left != 0 : source.pos < source.size
        }
    }
}
