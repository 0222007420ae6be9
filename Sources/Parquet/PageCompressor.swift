import CZlib
import CZstd
import Posix

/// Compresses page bodies, each as one frame with its length in it, with one context for all.
struct PageCompressor: ~Copyable {
    private let context: OpaquePointer?

    /// - Parameter level: zstd's own number.
    init(_ codec: ParquetCodec, level: Int32) throws(ParquetError) {
        guard codec == .zstd else {
            context = nil
            return
        }
        guard let context = ZSTD_createCCtx() else { throw .failed("zstd has no memory") }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        self.context = context
    }

    deinit { if let context { ZSTD_freeCCtx(context) } }

    /// Appends a body as it is stored.
    func append(
        _ body: UnsafeRawBufferPointer, to output: inout Bytes
    ) throws(ParquetError) {
        guard let context else { return output.append(body) }
        try output.append(room: ZSTD_compressBound(body.count)) { (room) throws(ParquetError) in
            let length = ZSTD_compress2(
                context, room.baseAddress, room.count, body.baseAddress, body.count)
            guard ZSTD_isError(length) == 0 else {
                throw .failed("zstd failed: \(String(cString: ZSTD_getErrorName(length)))")
            }
            return length
        }
    }
}

/// CRC-32 as in gzip, over a page's body as it is stored.
enum PageChecksum {
    static func of(_ body: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = crc32(0, nil, 0)
        checksum = crc32(checksum, body.bindMemory(to: UInt8.self).baseAddress, UInt32(body.count))
        return UInt32(truncatingIfNeeded: checksum)
    }
}
