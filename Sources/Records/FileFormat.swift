/// Files that people take for records, told by their first bytes.
public enum FileFormat: Sendable, Equatable {
    case avro
    case json
    case parquet
    case gzip
    case zstd
    case zip

    /// The format of a text or file that begins with these bytes; nil when it is none of these.
    init?(_ bytes: RawSpan) {
        func begins(_ magic: [UInt8]) -> Bool {
            guard bytes.byteCount >= magic.count else { return false }
            return magic.indices.allSatisfy { byte($0) == magic[$0] }
        }
        func byte(_ index: Int) -> UInt8 {
            unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        }
        if begins([0x4F, 0x62, 0x6A, 0x01]) {
            self = .avro
        } else if begins(Array("PAR1".utf8)) {
            self = .parquet
        } else if begins([0x1F, 0x8B]) {
            self = .gzip
        } else if begins([0x28, 0xB5, 0x2F, 0xFD]) {
            self = .zstd
        } else if begins([0x50, 0x4B, 0x03, 0x04]) {
            self = .zip
        } else if begins(Array("{\"".utf8)) || begins(Array("{ \"".utf8)) {
            self = .json
        } else {
            return nil
        }
    }

    /// What it is, and what to do with it.
    var words: String {
        switch self {
        case .avro: "an Avro object container file: `recq cat` reads it"
        case .json: "JSON: `recq cat` or `recq pack` makes records of lines of JSON"
        case .parquet: "a Parquet file: `recq cat` reads it"
        case .gzip: "compressed with gzip: `recq cat` reads it"
        case .zstd: "compressed with zstd: `recq cat` reads it"
        case .zip: "a ZIP archive"
        }
    }
}

extension FrameError {
    /// The error for bytes that do not begin a frame.
    @usableFromInline
    static func noFrame(
        in bytes: RawSpan, at offset: Int64, encodingType: UInt16
    ) -> FrameError {
        if offset == 0, let format = FileFormat(bytes) { return .otherFormat(format) }
        return .notAFrame(offset: offset, encodingType: encodingType)
    }
}
