import Avro
import Bronze
import Configuration
import Identity
import Posix
import Records
import Stage

/// Format and compression together.
struct ObjectForm: Sendable {
    let format: ObjectFormat
    let compression: Compression

    /// The end of an object's name.
    var suffix: String {
        if format == .avro { return ".avro" }
        let packed =
            switch compression {
            case .none: ""
            case .gzip: ".gz"
            case .zstd: ".zst"
            }
        return ".\(format.rawValue)\(packed)"
    }

    /// The media type that S3 is told.
    var contentType: String {
        switch (format, compression) {
        case (.avro, _): "application/avro"
        case (.ndjson, .none): "application/x-ndjson"
        case (.sbe, .none): "application/octet-stream"
        case (_, .gzip): "application/gzip"
        case (_, .zstd): "application/zstd"
        }
    }

    /// What compresses the blocks of all objects of this form.
    func makeCompressor() throws -> StreamCompressor {
        try StreamCompressor(compression, isRaw: format == .avro)
    }
}

extension ObjectForm {
    /// Adds a record to a block.
    ///
    /// - Throws: `FrameError` for a message that breaks its template; nothing was added then.
    func append(_ frame: borrowing FrameView, to block: Block) throws(FrameError) {
        switch format {
        case .avro: try frame.appendAvro(to: &block.bytes)
        case .ndjson: try frame.appendJSON(to: &block.bytes, naming: .object)
        case .sbe:
            try frame.validate()
            block.bytes.append(frame.bytes)
        }
        block.records += 1
    }
}

/// Makes the bytes of one object of its blocks, each compressed as a whole, so that one compressor
/// serves every object and an object costs no more memory than its open block.
struct ObjectEncoder {
    /// Nil where blocks just follow each other.
    private let container: AvroContainer?

    /// - Parameter output: gets the header, if the format has one.
    init(_ form: ObjectForm, _ partition: Partition, firstID: Int64, to output: inout Bytes) {
        guard form.format == .avro else {
            container = nil
            return
        }
        container = AvroContainer(
            AvroForm.schema(template: partition.sequence.template), compression: form.compression,
            sync: Self.syncMarker(partition, firstID),
            to: &output)
    }

    /// Adds a block. Frames of zstd and members of gzip may follow each other in a file.
    ///
    /// - Parameter scratch: its content is lost.
    func append(
        _ block: borrowing Bytes, records: Int64, _ compressor: borrowing StreamCompressor,
        scratch: inout Bytes, to output: inout Bytes
    ) throws(CompressionError) {
        if let container {
            try container.append(
                block.span, records: records, compressor, scratch: &scratch,
                to: &output)
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
