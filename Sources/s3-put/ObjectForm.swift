import Avro
import Posix
import Records
import Stage

/// The form of an object's content.
enum ObjectFormat: String, CaseIterable, Sendable {
    case avro
    case ndjson
    /// Our own frames, as they are.
    case sbe
}

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

/// The bytes of one object while it grows: blocks of 256 KiB, each compressed as a whole, so that
/// one compressor serves every object and an object costs no more memory than its open block.
struct ObjectEncoder: ~Copyable {
    private static let blockLength = AvroContainerWriter.blockLength
    private var container: AvroContainerWriter?
    private var block = Bytes(capacity: 4096)
    private let format: ObjectFormat

    /// - Parameter output: gets the header, if the format has one.
    init(_ form: ObjectForm, _ partition: Partition, firstID: Int64, to output: inout Bytes) {
        format = form.format
        guard format == .avro else { return }
        container = AvroContainerWriter(
            AvroForm.schema(template: partition.sequence.template), compression: form.compression,
            sync: Self.syncMarker("\(partition.path)/\(partition.sequence.series)/\(firstID)"),
            to: &output)
    }

    /// Adds a record.
    ///
    /// - Returns: true when the block is full and ``closeBlock(_:to:)`` is due.
    /// - Throws: `FrameError` for a message that breaks its template; nothing was added then.
    mutating func append(_ frame: borrowing FrameView) throws(FrameError) -> Bool {
        switch format {
        case .avro:
            return try container?.append { (bytes) throws(FrameError) in
                try frame.appendAvro(to: &bytes)
            } ?? false
        case .ndjson: try frame.appendJSON(to: &block)
        case .sbe: block.append(frame.bytes)
        }
        return block.count >= Self.blockLength
    }

    /// Compresses what waits. Frames of zstd and members of gzip may follow each other in a file.
    mutating func closeBlock(
        _ compressor: borrowing StreamCompressor, to output: inout Bytes
    ) throws(CompressionError) {
        if format == .avro {
            try container?.closeBlock(compressor, to: &output)
        } else if !block.isEmpty {
            try compressor.compress(block.span, ends: true, to: &output)
            block.removeAll()
        }
    }

    /// Sixteen bytes that follow from where the object belongs, so that the same records give the
    /// same object: FNV-1a, twice.
    private static func syncMarker(_ text: String) -> [UInt8] {
        var hashes: [UInt64] = [0xcbf2_9ce4_8422_2325, 0x9ae1_6a3b_2f90_404f]
        for byte in text.utf8 {
            for index in 0..<2 { hashes[index] = (hashes[index] ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return hashes.flatMap { hash in (0..<8).map { UInt8(truncatingIfNeeded: hash >> ($0 * 8)) }
        }
    }
}
