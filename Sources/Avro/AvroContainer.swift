public import Posix

/// The form of an object container file: a header with the schema, then blocks of records.
///
/// The same records in the same blocks give the same bytes: the sync marker comes from the caller,
/// not from chance. Source: Apache Avro 1.11 specification, "Object Container Files".
public struct AvroContainer: Sendable {
    /// Bytes of records after which a block should end: large enough for zstd to find repeats,
    /// small enough for a reader to hold.
    public static let blockLength = 256 << 10

    private let sync: [UInt8]
    private let compression: Compression

    /// Starts a container.
    ///
    /// - Parameters:
    ///   - metadata: further names and values of the header; names must not start with `avro.`.
    ///   - sync: 16 bytes that part the blocks.
    ///   - output: gets the header.
    public init(
        _ schema: AvroSchema, compression: Compression,
        metadata: [(name: String, value: String)] = [], sync: [UInt8], to output: inout Bytes
    ) {
        precondition(sync.count == 16)
        self.sync = sync
        self.compression = compression
        let codec =
            switch compression {
            case .none: "null"
            case .gzip: "deflate"
            case .zstd: "zstandard"
            }
        let entries = [("avro.schema", schema.json), ("avro.codec", codec)] + metadata
        output.append("Obj\u{1}")
        output.append(avro: Int64(entries.count))
        for (name, value) in entries {
            output.append(avro: Array(name.utf8).span.bytes)
            output.append(avro: Array(value.utf8).span.bytes)
        }
        output.append(avro: Int64(0))
        output.append(sync.span.bytes)
    }

    /// Appends a block; one of no records is left out.
    ///
    /// - Parameters:
    ///   - block: so many records in Avro's encoding.
    ///   - compressor: made with the container's compression and `isRaw`; many containers may
    ///     share one, since a block is compressed as a whole.
    ///   - scratch: room for the compressed block, whose length comes first; its content is lost.
    ///   - output: as it was when this throws.
    public func append(
        _ block: RawSpan, records: Int64, _ compressor: borrowing StreamCompressor,
        scratch: inout Bytes, to output: inout Bytes
    ) throws(CompressionError) {
        guard records > 0 else { return }
        if compression == .none {
            output.append(avro: records)
            output.append(avro: block)
        } else {
            scratch.removeAll()
            try compressor.compress(block, ends: true, to: &scratch)
            output.append(avro: records)
            output.append(avro: scratch.span)
        }
        output.append(sync.span.bytes)
    }
}
