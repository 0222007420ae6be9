package import Avro
package import Configuration
import Posix
package import Records
package import Stage

/// Format and compression together.
package struct ObjectForm: Sendable {
    /// Of the objects.
    package let format: ObjectFormat
    /// Of their blocks.
    package let compression: Compression

    /// Puts both together.
    ///
    /// - Parameter setting: nil for what every reader of the format knows; docs/s3-put.md has the
    ///   readers.
    /// - Throws: `.usage` for a codec that the format does not have.
    package init(_ format: ObjectFormat, _ setting: ObjectCompression?) throws(StageFailure) {
        guard format != .parquet || setting != .gzip else {
            throw StageFailure(
                .usage,
                "Parquet is compressed with zstd, or --compression none; gzip is not available")
        }
        self.format = format
        compression =
            switch setting {
            case .zstd: .zstd
            case .gzip: .gzip
            case Optional.none: format == .avro ? .gzip : .zstd
            case .some(.none): .none
            }
    }

    /// True where an object is its records' frames, as they are.
    package var isFrames: Bool { format == .sbe && compression == .none }

    /// The end of an object's name.
    package var suffix: String {
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
    package var contentType: String {
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
    package func makeCompressor() throws -> StreamCompressor {
        try StreamCompressor(format == .parquet ? .none : compression, isRaw: format == .avro)
    }
}

extension ObjectForm {
    /// Finds out whether a record can be written in this form.
    ///
    /// - Throws: `FrameError` for a message that breaks its template, or has a number that the form
    ///   does not hold exactly.
    package func check(_ frame: borrowing FrameView) throws(FrameError) {
        switch format {
        case .avro: try frame.checkAvro()
        case .parquet: try frame.checkColumns()
        case .ndjson, .sbe: try frame.validate()
        }
    }

    /// True for a record that can be written in this form: as ``check(_:)``, for those that are not
    /// told why.
    package func takes(_ frame: borrowing FrameView) -> Bool {
        if format == .sbe || format == .ndjson { return frame.isSound }
        do throws(FrameError) { try check(frame) } catch { return false }
        return true
    }
}
