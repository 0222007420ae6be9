public import Posix

/// How entries follow each other in a file; docs/journal.md has the bytes.
public enum EntryFormat: Sendable, Equatable {
    /// uint32 length and uint32 CRC-32C of the bytes that follow; nothing guards the length. Only
    /// read, never written.
    case unguarded
    /// An entry's header is guarded by a checksum that also covers where the entry is: the number
    /// of the file and the offset in it. Bytes of another file, or of an earlier life of the same
    /// blocks, are never taken for an entry.
    case guarded(file: UInt64)

    /// Bytes before the content of an entry.
    public var headerLength: Int {
        switch self {
        case .unguarded: 8
        case .guarded: 16
        }
    }

    /// The four bytes that a guarded entry begins with: E5 'B' 'I' '2'.
    static let magic: UInt32 = 0x3249_42E5

    /// Appends the header of a guarded entry.
    ///
    /// - Parameters:
    ///   - content: what will follow.
    ///   - file: the number of the file.
    ///   - offset: where in the file the header will be.
    public static func append(
        headerOf content: RawSpan, file: UInt64, offset: Int64, to bytes: inout Bytes
    ) {
        let length = UInt32(content.byteCount)
        let checksum = CRC32C.of(content)
        bytes.append(bits: magic)
        bytes.append(bits: length)
        bytes.append(bits: checksum)
        bytes.append(
            bits: guardChecksum(length: length, checksum: checksum, file: file, offset: offset))
    }

    /// Covers the header and where it is.
    static func guardChecksum(
        length: UInt32, checksum: UInt32, file: UInt64, offset: Int64
    ) -> UInt32 {
        var words = (
            UInt64(magic) | UInt64(length) << 32, UInt64(checksum), file, UInt64(bitPattern: offset)
        )
        return withUnsafeBytes(of: &words) { CRC32C.of($0.bytes) }
    }
}
