import Avro
package import Bronze
import Configuration
import Identity
import Parquet
package import Posix
package import Records
import Stage

/// Makes the content of objects of their records, one object after another.
///
/// Memory: a block of ``blockLength``, or of Parquet the current row group.
package struct ObjectContent: ~Copyable {
    /// Bytes after which a block of records is compressed and written.
    package static let blockLength = AvroContainer.blockLength

    private let form: ObjectForm
    private let compressor: StreamCompressor
    private var block = Bytes(capacity: blockLength + (16 << 10))
    private var blockRecords: Int64 = 0
    private var scratch = Bytes(capacity: 64 << 10)
    private var container: AvroContainer?
    /// Of the kind that was written last: its columns keep their memory.
    private var columns: ColumnWriter?
    private var template: UInt16 = 0

    /// Prepares objects of a form.
    package init(_ form: ObjectForm) throws {
        self.form = form
        compressor = try form.makeCompressor()
    }

    /// Begins an object.
    ///
    /// - Parameters:
    ///   - output: gets the header, if the format has one.
    ///   - partition: where the object belongs.
    ///   - firstID: of its records.
    package mutating func begin(
        _ partition: Partition, firstID: Int64, to output: inout Bytes
    ) throws {
        let own = partition.sequence.template
        switch form.format {
        case .avro:
            container = AvroContainer(
                AvroForm.schema(template: own), compression: form.compression,
                metadata: AvroForm.metadata(of: partition.sequence),
                sync: Self.syncMarker(partition, firstID), to: &output)
        case .parquet:
            if template != own || columns == nil {
                columns = try ColumnWriter(
                    template: own, codec: form.compression == .none ? .none : .zstd,
                    createdBy: Version.createdBy)
                template = own
            }
        case .ndjson, .sbe: break
        }
    }

    /// Adds a record.
    package mutating func append(_ frame: borrowing FrameView, to output: inout Bytes) throws {
        switch form.format {
        case .avro: try frame.appendAvro(to: &block, inFileThatSaysSequence: true)
        case .ndjson: try frame.appendJSON(to: &block, naming: .object)
        case .sbe: block.append(frame.bytes)
        case .parquet: return try columns?.append(frame, to: &output) ?? ()
        }
        blockRecords += 1
        if block.count >= Self.blockLength { try endBlock(to: &output) }
    }

    /// Ends the object.
    ///
    /// - Parameter metadata: keys and values for the footer of a format that has one.
    package mutating func finish(
        metadata: [(key: String, value: String)], to output: inout Bytes
    ) throws {
        if form.format == .parquet {
            try columns?.finish(metadata: metadata, to: &output)
        } else {
            try endBlock(to: &output)
        }
        container = nil
    }

    /// Blocks are compressed as a whole: frames of zstd and members of gzip may follow each other.
    private mutating func endBlock(to output: inout Bytes) throws {
        guard blockRecords > 0 else { return }
        try Self.compress(block, blockRecords, container, compressor, &scratch, to: &output)
        block.removeAll()
        blockRecords = 0
    }

    private static func compress(
        _ block: borrowing Bytes, _ records: Int64, _ container: AvroContainer?,
        _ compressor: borrowing StreamCompressor, _ scratch: inout Bytes, to output: inout Bytes
    ) throws(CompressionError) {
        if let container {
            try container.append(
                block.span, records: records, compressor, scratch: &scratch, to: &output)
        } else {
            try compressor.compress(block.span, ends: true, to: &output)
        }
    }

    /// Sixteen bytes that follow from where the object belongs, so that the same records give the
    /// same object: FNV-1a, twice.
    private static func syncMarker(_ partition: Partition, _ firstID: Int64) -> [UInt8] {
        let epoch = partition.sequence.epoch > 1 ? "/e\(partition.sequence.epoch)" : ""
        let text = "\(partition.path)/\(partition.sequence.series)\(epoch)/\(firstID)"
        var hashes: [UInt64] = [0xcbf2_9ce4_8422_2325, 0x9ae1_6a3b_2f90_404f]
        for byte in text.utf8 {
            for index in 0..<2 { hashes[index] = (hashes[index] ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return hashes.flatMap { hash in (0..<8).map { UInt8(truncatingIfNeeded: hash >> ($0 * 8)) }
        }
    }
}
