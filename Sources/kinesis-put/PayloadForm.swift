import Avro
import Configuration
import Posix
import Records

/// Turns records into data.
struct PayloadForm: ~Copyable {
    private let format: PayloadFormat
    private let compressor: StreamCompressor?
    private var plain = Bytes(capacity: 4096)
    /// The ten bytes in front of a template's records, by template.
    private var headers: [UInt16: [UInt8]] = [:]
    private var lastTemplate: UInt16 = .max
    private var lastHeader: [UInt8] = []

    init(_ format: PayloadFormat, isCompressed: Bool) throws {
        self.format = format
        compressor = isCompressed ? try StreamCompressor(.zstd) : nil
    }

    /// True when a record's data are its frame, as it is.
    var isFrame: Bool { format == .sbe && compressor == nil }

    /// Appends a record's data.
    ///
    /// - Throws: `FrameError` for a message that breaks its template; nothing was appended then.
    mutating func append(_ frame: borrowing FrameView, to bytes: inout Bytes) throws {
        guard compressor != nil else { return try encode(frame, to: &bytes) }
        var plain = Bytes(capacity: 1)
        swap(&plain, &self.plain)
        defer { swap(&plain, &self.plain) }
        plain.removeAll()
        try encode(frame, to: &plain)
        try compressor?.compress(plain.span, ends: true, to: &bytes)
    }

    private mutating func encode(
        _ frame: borrowing FrameView, to bytes: inout Bytes
    ) throws(FrameError) {
        switch format {
        case .sbe: bytes.append(frame.bytes)
        case .json:
            try frame.appendJSON(to: &bytes)
            // The line's end says nothing here: each record is apart.
            bytes.truncate(to: bytes.count - 1)
        case .avro:
            let start = bytes.count
            if frame.template != lastTemplate { choose(frame.template) }
            bytes.append(lastHeader.span.bytes)
            do throws(FrameError) { try frame.appendAvro(to: &bytes) } catch {
                bytes.truncate(to: start)
                throw error
            }
        }
    }

    private mutating func choose(_ template: UInt16) {
        let header =
            headers[template] ?? AvroForm.schema(template: template).singleObjectHeader
        headers[template] = header
        lastTemplate = template
        lastHeader = header
    }
}
