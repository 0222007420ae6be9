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
        if format == .avro || format == .parquet { return ".\(format.rawValue)" }
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
        case (.parquet, _): "application/vnd.apache.parquet"
        case (.avro, _): "application/avro"
        case (.ndjson, .none): "application/x-ndjson"
        case (.sbe, .none): "application/octet-stream"
        case (_, .gzip): "application/gzip"
        case (_, .zstd): "application/zstd"
        }
    }

    /// What compresses the blocks of all objects of this form.
    func makeCompressor() throws -> StreamCompressor {
        try StreamCompressor(format == .parquet ? .none : compression, isRaw: format == .avro)
    }
}

extension ObjectForm {
    /// Finds out whether a record can be written in this form.
    ///
    /// - Throws: `FrameError` for a message that breaks its template, or has a number that the form
    ///   does not hold exactly.
    func check(_ frame: borrowing FrameView) throws(FrameError) {
        switch format {
        case .avro: try frame.checkAvro()
        case .parquet: try frame.checkColumns()
        case .ndjson, .sbe: try frame.validate()
        }
    }
}
