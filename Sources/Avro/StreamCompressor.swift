import CDeflate
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

/// Compresses bytes in, bytes out, the same bytes out for the same bytes in.
///
/// Deflate comes from libdeflate, which takes a block as a whole and is twice as fast as zlib;
/// zstd takes a stream in pieces too.
public struct StreamCompressor: ~Copyable {
    private enum Engine {
        case none
        case deflate(OpaquePointer, isRaw: Bool)
        case zstd(OpaquePointer)
    }

    /// Levels when the caller names none. Raw deflate is what Avro's blocks have: level 1 takes
    /// 3.4 ns a byte for 6 % more bytes than zstd's level 3 (docs/decisions/0087).
    private static let usualRawDeflate: Int32 = 1
    private static let usualGzip: Int32 = 6
    private static let usualZstd: Int32 = 3

    private let engine: Engine

    /// Starts a compressor.
    ///
    /// - Parameters:
    ///   - level: the library's own number; nil for its usual one (raw deflate 1, gzip 6, zstd 3).
    ///   - isRaw: true leaves gzip's frame off, as Avro's `deflate` wants it.
    public init(
        _ compression: Compression, level: Int32? = nil, isRaw: Bool = false
    ) throws(CompressionError) {
        switch compression {
        case .none: engine = .none
        case .gzip:
            let level = level ?? (isRaw ? Self.usualRawDeflate : Self.usualGzip)
            guard let compressor = libdeflate_alloc_compressor(level) else {
                throw CompressionError(
                    description: "libdeflate has no memory, or no level \(level)")
            }
            engine = .deflate(compressor, isRaw: isRaw)
        case .zstd:
            guard let context = ZSTD_createCCtx() else {
                throw CompressionError(description: "zstd has no memory")
            }
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level ?? Self.usualZstd)
            ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
            engine = .zstd(context)
        }
    }

    deinit {
        switch engine {
        case .none: break
        case .deflate(let compressor, _): libdeflate_free_compressor(compressor)
        case .zstd(let context): ZSTD_freeCCtx(context)
        }
    }

    /// Compresses some bytes; what comes out is appended to `output`, with zstd perhaps later.
    ///
    /// - Parameter ends: true ends the stream; the compressor then starts a new one. Deflate
    ///   knows whole streams only: there it has to be true.
    public func compress(
        _ input: RawSpan, ends: Bool = false, to output: inout Bytes
    ) throws(CompressionError) {
        switch engine {
        case .none: output.append(input)
        case .deflate(let compressor, let isRaw):
            precondition(ends, "libdeflate compresses a stream as a whole")
            try deflate(compressor, isRaw, input, &output)
        case .zstd(let context): try zstd(context, input, ends, &output)
        }
    }

    private func deflate(
        _ compressor: OpaquePointer, _ isRaw: Bool, _ input: RawSpan, _ output: inout Bytes
    ) throws(CompressionError) {
        try input.withUnsafeBytes { (bytes) throws(CompressionError) in
            let bound =
                isRaw
                ? libdeflate_deflate_compress_bound(compressor, bytes.count)
                : libdeflate_gzip_compress_bound(compressor, bytes.count)
            try output.append(room: bound) { (room) throws(CompressionError) in
                let length =
                    isRaw
                    ? libdeflate_deflate_compress(
                        compressor, bytes.baseAddress, bytes.count, room.baseAddress, room.count)
                    : libdeflate_gzip_compress(
                        compressor, bytes.baseAddress, bytes.count, room.baseAddress, room.count)
                guard length > 0 else {
                    throw CompressionError(
                        description: "libdeflate found no room for \(bytes.count) bytes")
                }
                return length
            }
        }
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
