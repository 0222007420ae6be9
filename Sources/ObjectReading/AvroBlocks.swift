import Avro
import Posix
import Records

/// The blocks of an Avro container, one after another.
struct AvroBlocks: ~Copyable {
    private let header: AvroContainerHeader
    private var records: AvroRecords
    private var decompressor: StreamDecompressor
    /// A block, decompressed.
    private var block = Bytes(capacity: 64 << 10)

    /// Reads the header.
    init(_ stream: inout ByteStream, _ name: String) throws(ObjectError) {
        let header = try Self.header(&stream, name)
        self.init(
            header, try Self.records(header, name), try Self.decompressor(header, name))
        stream.take(header.length)
    }

    private init(
        _ header: AvroContainerHeader, _ records: consuming AvroRecords,
        _ decompressor: consuming StreamDecompressor
    ) {
        self.header = header
        self.records = records
        self.decompressor = decompressor
    }

    private static func records(
        _ header: AvroContainerHeader, _ name: String
    ) throws(ObjectError) -> AvroRecords {
        do throws(AvroError) {
            return try AvroRecords(header.type, metadata: header.metadata)
        } catch {
            throw ObjectError(.foreign, name, "\(error)")
        }
    }

    private static func decompressor(
        _ header: AvroContainerHeader, _ name: String
    ) throws(ObjectError) -> StreamDecompressor {
        do { return try header.makeDecompressor() } catch {
            throw ObjectError(.unsupported, name, "\(error)")
        }
    }

    private static func header(
        _ stream: inout ByteStream, _ name: String
    ) throws(ObjectError) -> AvroContainerHeader {
        var count = 64 << 10
        while true {
            let isWhole = try stream.fill(count)
            do throws(AvroError) { return try AvroContainerHeader(stream.bytes.span) } catch {
                guard isWhole, count < AvroContainerHeader.maximumLength else {
                    throw ObjectError(.damaged, name, "its header: \(error)")
                }
            }
            count *= 4
        }
    }

    /// Appends the frames of the next block.
    mutating func read(
        _ stream: inout ByteStream, _ name: String, into frames: inout Bytes
    ) throws(ObjectError) -> Bool {
        while true {
            let place = stream.place
            do throws(AvroError) {
                if let next = try header.block(stream.bytes.span) {
                    try append(next, stream.bytes.span, to: &frames)
                    stream.take(next.length)
                    if next.records > 0 { return true }
                    continue
                }
            } catch { throw ObjectError(.damaged, name, "the block at byte \(place): \(error)") }
            if try !stream.more() {
                guard stream.bytes.isEmpty else {
                    throw ObjectError(.cut, name, "it ends inside the block at byte \(place)")
                }
                return false
            }
        }
    }

    private mutating func append(
        _ next: AvroContainerHeader.Block, _ bytes: RawSpan, to frames: inout Bytes
    ) throws(AvroError) {
        let content = bytes.extracting(next.content)
        guard header.codec != "null" else {
            return try records.appendFrames(of: content, records: next.records, to: &frames)
        }
        block.removeAll()
        do throws(DecompressionError) {
            try decompressor.decompressBlock(
                content, limit: AvroContainerHeader.maximumBlock, to: &block)
        } catch { throw AvroError(error.description) }
        try Self.append(next.records, of: block, &records, to: &frames)
    }

    private static func append(
        _ count: Int, of block: borrowing Bytes, _ records: inout AvroRecords,
        to frames: inout Bytes
    ) throws(AvroError) {
        try records.appendFrames(of: block.span, records: count, to: &frames)
    }
}
