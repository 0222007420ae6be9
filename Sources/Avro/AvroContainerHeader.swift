/// The header of an object container file, and how its blocks are found.
///
/// Source: Apache Avro 1.11 specification, "Object Container Files".
public struct AvroContainerHeader: Sendable, Equatable {
    /// What the records are.
    public let type: AvroType
    /// What its blocks are compressed with: `null`, `deflate` or `zstandard`.
    public let codec: String
    /// Names and values that the writer added.
    public let metadata: [String: [UInt8]]
    /// Parts the blocks.
    public let sync: [UInt8]
    /// Bytes of the header.
    public let length: Int

    /// Longest header that is read.
    public static let maximumLength = 4 << 20
    /// Longest block that is read, compressed or not.
    public static let maximumBlock = 256 << 20

    /// The first bytes of such a file.
    public static let magic: [UInt8] = [0x4F, 0x62, 0x6A, 0x01]

    /// Reads the header that some bytes begin with.
    ///
    /// - Throws: ``AvroError``; also for a header that is cut.
    public init(_ bytes: RawSpan) throws(AvroError) {
        var input = AvroInput(bytes)
        let magic = try input.fixed(4)
        guard Self.bytes(bytes, magic) == Self.magic else {
            throw AvroError("this is not an Avro object container file")
        }
        var metadata: [String: [UInt8]] = [:]
        while case let count = try input.blockCount(), count > 0 {
            for _ in 0..<count {
                let name = Self.bytes(bytes, try input.content())
                metadata[String(decoding: name, as: UTF8.self)] = Self.bytes(
                    bytes, try input.content())
            }
        }
        sync = Self.bytes(bytes, try input.fixed(16))
        length = input.place
        guard let schema = metadata["avro.schema"] else {
            throw AvroError("the header has no schema")
        }
        type = try AvroType(schema: schema)
        codec = metadata["avro.codec"].map { String(decoding: $0, as: UTF8.self) } ?? "null"
        self.metadata = metadata
    }

    /// A block, still compressed.
    public struct Block: Sendable, Equatable {
        /// How many records are in it.
        public let records: Int
        /// Where its bytes are.
        public let content: Range<Int>
        /// Bytes that it takes with its head and the mark behind it.
        public let length: Int
    }

    /// Finds the block that some bytes begin with.
    ///
    /// - Returns: nil when more bytes are needed.
    /// - Throws: for a block that is damaged, or longer than ``maximumBlock``.
    public func block(_ bytes: RawSpan) throws(AvroError) -> Block? {
        var input = AvroInput(bytes)
        // The two numbers may be cut.
        let records: Int64
        let length: Int64
        do throws(AvroError) {
            records = try input.long()
            length = try input.long()
        } catch {
            if bytes.byteCount < 20 { return nil }
            throw error
        }
        guard records >= 0, length >= 0, length <= Int64(Self.maximumBlock) else {
            throw AvroError("a block claims \(records) records in \(length) bytes")
        }
        let start = input.place
        let end = start + Int(length)
        guard bytes.byteCount >= end + 16 else { return nil }
        guard Self.bytes(bytes, end..<(end + 16)) == sync else {
            throw AvroError("the sync marker after a block differs from the one in the header")
        }
        return Block(records: Int(records), content: start..<end, length: end + 16)
    }

    /// What takes this file's blocks apart.
    public func makeDecompressor() throws -> StreamDecompressor {
        switch codec {
        case "null": try StreamDecompressor(.none)
        case "deflate": try StreamDecompressor(.gzip, isRaw: true)
        case "zstandard": try StreamDecompressor(.zstd)
        default:
            throw AvroError(
                "the codec \(codec.prefix(40)) is not supported; null, deflate and zstandard are")
        }
    }

    private static func bytes(_ bytes: RawSpan, _ range: Range<Int>) -> [UInt8] {
        bytes.extracting(range).withUnsafeBytes { Array($0) }
    }
}
