import CZlib
import Glibc
public import Posix

/// The content of a file in a zip file, piece by piece, checked against its length and checksum.
public struct ZipReader: ~Copyable {
    /// Bytes that are read from the disk at once.
    private static let pieceLength = 256 << 10

    /// Which file.
    public let entry: ZipFile.Entry
    /// Bytes of content given so far.
    public private(set) var given: Int64 = 0
    private let zip: ZipFile
    /// The next compressed byte in the zip file, and those that are left.
    private var offset: Int64
    private var left: Int64
    private var checksum: UInt
    private var piece: [UInt8] = []
    private var used = 0
    private let stream: UnsafeMutablePointer<z_stream>?
    private var isOver = false

    /// Opens the only file of a zip file, which is how the venue packs its archive.
    ///
    /// - Parameters:
    ///   - zip: the zip file.
    ///   - limit: content over this many bytes is refused.
    public init(onlyFileOf zip: consuming ZipFile, limit: Int64) throws(ZipError) {
        guard let entry = zip.entries.first, zip.entries.count == 1 else {
            throw .unsupported(
                "\(zip.path): \(zip.entries.count) files in it, where one is expected")
        }
        guard !entry.isEncrypted, entry.method == 0 || entry.method == 8 else {
            throw .unsupported(
                "\(zip.path): \(entry.name) is encrypted, or packed by method \(entry.method)")
        }
        guard entry.length <= limit else {
            throw .unsupported("\(zip.path): \(entry.name) would have \(entry.length) bytes")
        }
        // Deflate makes at most 1032 bytes of one (zlib, technical details): what claims more is made
        // to fill a disk.
        guard entry.length / 1040 <= entry.compressedLength,
            entry.method == 8 || entry.length == entry.compressedLength
        else {
            throw .damaged(
                "\(zip.path): \(entry.compressedLength) bytes cannot be \(entry.length) of content")
        }
        var header = [UInt8](repeating: 0, count: 30)
        try ZipFile.read(zip.file, zip.path, &header, at: entry.headerOffset)
        let start =
            entry.headerOffset + 30 + Int64(header.number16(26)) + Int64(header.number16(28))
        guard header.number32(0) == 0x0403_4b50, start <= zip.length,
            entry.compressedLength <= zip.length - start
        else { throw .damaged("\(zip.path): \(entry.name) is not where the directory says") }
        if entry.method == 8 {
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            let code = inflateInit2_(
                stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            guard code == Z_OK else {
                stream.deallocate()
                throw .damaged("zlib could not start (\(code))")
            }
            self.stream = stream
        } else {
            stream = nil
        }
        self.entry = entry
        self.zip = zip
        offset = start
        left = entry.compressedLength
        checksum = crc32(0, nil, 0)
    }

    deinit {
        guard let stream else { return }
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Appends the next piece of the content.
    ///
    /// - Parameter room: bytes that it may have at most.
    /// - Returns: false at the end, once length and checksum were found right.
    public mutating func read(
        into output: inout Bytes, room: Int = 256 << 10
    ) throws(ZipError) -> Bool {
        guard !isOver else { return false }
        let start = output.count
        while output.count == start {
            if used == piece.count { try refill() }
            if stream == nil {
                let count = min(piece.count - used, room)
                piece.withUnsafeBytes {
                    output.append(UnsafeRawBufferPointer(rebasing: $0[used..<(used + count)]))
                }
                used += count
                if count == 0 { break }
            } else if try inflate(into: &output, room) {
                break
            }
        }
        let count = output.count - start
        given += Int64(count)
        guard given <= entry.length else {
            throw .damaged("\(zip.path): \(entry.name) has more than \(entry.length) bytes")
        }
        checksum = output.span(start..<output.count).withUnsafeBytes { bytes in
            crc32(
                checksum, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                UInt32(bytes.count))
        }
        if count > 0 { return true }
        isOver = true
        guard given == entry.length, UInt32(truncatingIfNeeded: checksum) == entry.checksum else {
            throw .damaged(
                "\(zip.path): \(entry.name) has \(given) of \(entry.length) bytes, or other ones")
        }
        return false
    }

    /// - Returns: true at the end of the compressed stream.
    private mutating func inflate(into output: inout Bytes, _ room: Int) throws(ZipError) -> Bool {
        guard let stream else { return true }
        var code: Int32 = Z_OK
        let available = piece.count - used
        let consumed = used
        var taken = 0
        output.append(room: room) { free in
            piece.withUnsafeMutableBytes { bytes in
                stream.pointee.next_in = (bytes.baseAddress.map { $0 + consumed })?
                    .assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_in = UInt32(available)
                stream.pointee.next_out = free.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.avail_out = UInt32(room)
                code = CZlib.inflate(stream, Z_NO_FLUSH)
                taken = available - Int(stream.pointee.avail_in)
                return room - Int(stream.pointee.avail_out)
            }
        }
        used += taken
        if code == Z_STREAM_END { return true }
        guard code == Z_OK || code == Z_BUF_ERROR && left > 0 else {
            throw .damaged("\(zip.path): \(entry.name) cannot be unpacked after \(given) bytes")
        }
        return false
    }

    private mutating func refill() throws(ZipError) {
        let count = Int(min(Int64(Self.pieceLength), left))
        piece = [UInt8](repeating: 0, count: count)
        used = 0
        guard count > 0 else { return }
        try ZipFile.read(zip.file, zip.path, &piece, at: offset)
        offset += Int64(count)
        left -= Int64(count)
    }
}
