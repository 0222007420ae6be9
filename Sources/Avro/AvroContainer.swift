public import Posix

/// Writes an object container file: a header with the schema, then blocks of records.
///
/// The same records give the same bytes: the sync marker comes from the caller, not from chance.
/// Source: Apache Avro 1.11 specification, "Object Container Files".
public struct AvroContainerWriter: ~Copyable {
    /// Bytes of records after which a block is closed: large enough for zstd to find repeats,
    /// small enough for a reader to hold.
    public static let blockLength = 256 << 10

    private let sync: [UInt8]
    private let compression: Compression
    private let compressor: StreamCompressor
    private var block = Bytes(capacity: blockLength + (16 << 10))
    private var compressed = Bytes(capacity: 64 << 10)
    private var blockCount: Int64 = 0
    /// Records so far.
    public private(set) var count: Int64 = 0

    /// Starts a container.
    ///
    /// - Parameters:
    ///   - metadata: further names and values of the header; names must not start with `avro.`.
    ///   - sync: 16 bytes that part the blocks.
    ///   - output: gets the header.
    public init(
        _ schema: AvroSchema, compression: Compression, level: Int32? = nil,
        metadata: [(name: String, value: String)] = [], sync: [UInt8], to output: inout Bytes
    ) throws(CompressionError) {
        precondition(sync.count == 16)
        self.sync = sync
        self.compression = compression
        compressor = try StreamCompressor(compression, level: level, isRaw: true)
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

    /// Adds one record.
    ///
    /// - Parameters:
    ///   - output: gets a block when one is full.
    ///   - encode: appends exactly one record in Avro's encoding.
    public mutating func append<Failure: Error>(
        to output: inout Bytes, _ encode: (inout Bytes) throws(Failure) -> Void
    ) throws {
        try encode(&block)
        blockCount += 1
        count += 1
        if block.count >= Self.blockLength { try closeBlock(&output) }
    }

    /// Bytes of records that are not in the output yet.
    public var pendingBytes: Int { block.count }

    /// Writes the last block.
    public mutating func finish(to output: inout Bytes) throws(CompressionError) {
        if blockCount > 0 { try closeBlock(&output) }
    }

    private mutating func closeBlock(_ output: inout Bytes) throws(CompressionError) {
        output.append(avro: blockCount)
        if compression == .none {
            output.append(avro: block.span)
        } else {
            compressed.removeAll()
            try Self.compress(compressor, block, &compressed)
            output.append(avro: compressed.span)
        }
        output.append(sync.span.bytes)
        block.removeAll()
        blockCount = 0
    }

    /// Apart from `self`, whose parts may not be lent and changed at once.
    private static func compress(
        _ compressor: borrowing StreamCompressor, _ block: borrowing Bytes,
        _ compressed: inout Bytes
    ) throws(CompressionError) {
        try compressor.compress(block.span, ends: true, to: &compressed)
    }
}
