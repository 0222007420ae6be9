import Digests
import Encoding
import Glibc
import Posix

/// Checksums of a file and of the parts in which it will be sent, taken in one reading.
struct FileDigest {
    /// A run of the file.
    struct Part {
        let offset: Int64
        let length: Int64
        /// Base64 CRC-32C.
        let crc32c: String
        /// Hexadecimal SHA-256; empty when not asked for.
        let sha256: String
        /// Base64 MD5; empty when not asked for.
        let md5: String
    }

    let length: Int64
    /// Base64 CRC-32C of the whole.
    let crc32c: String
    /// At least one, also for an empty file.
    let parts: [Part]

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - partLength: bytes of each part but the last.
    ///   - hashing: compute SHA-256, too, for signatures that cover the body.
    ///   - summing: compute MD5, too.
    init(
        path: String, partLength: Int64, hashing: Bool, summing: Bool = false
    ) throws(SystemError) {
        let file = try Descriptor.open(path, O_RDONLY)
        var buffer = Bytes(capacity: 1 << 20)
        var whole = CRC32C()
        var parts: [Part] = []
        var offset: Int64 = 0
        var isAtEnd = false
        while !isAtEnd {
            var crc = CRC32C()
            var hash = Hash.sha256()
            // Only on demand: a library in FIPS mode has none.
            var sum = summing ? Hash.md5() : nil
            var length: Int64 = 0
            while length < partLength {
                buffer.removeAll()
                let wanted = Int(min(partLength - length, 1 << 20))
                let count = try buffer.append(room: wanted) { (room) throws(SystemError) in
                    try file.read(into: UnsafeMutableRawBufferPointer(rebasing: room[..<wanted]))
                        ?? 0
                }
                if count == 0 {
                    isAtEnd = true
                    break
                }
                crc.update(buffer.span)
                whole.update(buffer.span)
                if hashing { hash.update(buffer.span) }
                sum?.update(buffer.span)
                length += Int64(count)
            }
            if length > 0 || parts.isEmpty {
                var md5 = ""
                if let sum = sum.take() { md5 = Base64.text(sum.finish()) }
                parts.append(
                    Part(
                        offset: offset, length: length, crc32c: Base64.text(bigEndian: crc.value),
                        sha256: hashing ? Hex.text(hash.finish()) : "",
                        md5: md5))
            }
            offset += length
        }
        length = offset
        crc32c = Base64.text(bigEndian: whole.value)
        self.parts = parts
    }
}
