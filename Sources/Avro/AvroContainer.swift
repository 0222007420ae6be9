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
    @usableFromInline var block = Bytes(capacity: blockLength + (16 << 10))
    private var compressed = Bytes(capacity: 64 << 10)
    @usableFromInline var blockCount: Int64 = 0
    @usableFromInline var recordCount: Int64 = 0

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

    /// Adds one record.
    ///
    /// - Parameter encode: appends exactly one record in Avro's encoding; when it throws it has
    ///   appended nothing.
    /// - Returns: true when the block is full and ``closeBlock(_:to:)`` is due.
    @inlinable
    public mutating func append<Failure: Error>(
        _ encode: (inout Bytes) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        try encode(&block)
        blockCount += 1
        recordCount += 1
        return block.count >= Self.blockLength
    }

    /// Records so far.
    public var count: Int64 { recordCount }

    /// Bytes of records that are not in the output yet.
    public var pendingBytes: Int { block.count }

    /// Ends the block, if it has records, and writes it.
    ///
    /// - Parameter compressor: made with the container's compression and `isRaw`; many containers
    ///   may share one, since a block is compressed as a whole.
    public mutating func closeBlock(
        _ compressor: borrowing StreamCompressor, to output: inout Bytes
    ) throws(CompressionError) {
        guard blockCount > 0 else { return }
        let start = output.count
        output.append(avro: blockCount)
        do throws(CompressionError) {
            if compression == .none {
                output.append(avro: block.span)
            } else {
                compressed.removeAll()
                try Self.compress(compressor, block, &compressed)
                output.append(avro: compressed.span)
            }
        } catch {
            output.truncate(to: start)
            throw error
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
