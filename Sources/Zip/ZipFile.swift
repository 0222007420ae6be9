import Glibc
import Posix

/// The directory of a zip file, with 64-bit sizes; the files in it are read by ``ZipReader``.
///
/// Nothing that the file says is believed before it fits: offsets and lengths are inside the file,
/// names and their number are bounded, and no size leads to an allocation.
///
/// Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
public struct ZipFile: ~Copyable {
    /// A file in it.
    public struct Entry: Sendable, Equatable {
        /// As stored; never used as a path.
        public let name: String
        /// 0 stored, 8 deflated.
        public let method: UInt16
        /// Of the content.
        public let checksum: UInt32
        /// Bytes in the zip file.
        public let compressedLength: Int64
        /// Bytes of the content.
        public let length: Int64
        let isEncrypted: Bool
        let headerOffset: Int64
    }

    /// More files than this are refused.
    public static let maximumEntries = 10_000
    /// A directory over this many bytes is refused.
    private static let maximumDirectory = 16 << 20

    /// Where it is.
    public let path: String
    /// The files in it, in the order of the directory.
    public let entries: [Entry]
    /// Bytes of the zip file.
    public let length: Int64
    let file: Descriptor

    /// Opens a file and reads its directory.
    public init(path: String) throws(ZipError) {
        self.path = path
        let file = try Self.open(path)
        let length: Int64
        do throws(SystemError) { length = Int64(try file.status().st_size) } catch {
            throw .system(error)
        }
        let directory = try Self.findDirectory(file, path, length)
        var bytes = [UInt8](repeating: 0, count: Int(directory.length))
        try Self.read(file, path, &bytes, at: directory.offset)
        entries = try Self.entries(bytes, directory, path)
        self.file = file
        self.length = length
    }

    private static func open(_ path: String) throws(ZipError) -> Descriptor {
        do throws(SystemError) { return try Descriptor.open(path, O_RDONLY) } catch {
            throw .system(error)
        }
    }

    // MARK: - The directory

    private struct Directory {
        let offset: Int64
        let length: Int64
        let count: UInt64
    }

    private static func findDirectory(
        _ file: borrowing Descriptor, _ path: String, _ length: Int64
    ) throws(ZipError) -> Directory {
        // The record at the end has 22 bytes and a comment of at most 65535.
        let count = Int(min(length, 22 + 65_535))
        guard count >= 22 else {
            throw .notZip("\(path): \(length) bytes are too few for a zip file")
        }
        var tail = [UInt8](repeating: 0, count: count)
        try read(file, path, &tail, at: length - Int64(count))
        let found = stride(from: count - 22, through: 0, by: -1).first { place in
            tail.number32(place) == 0x0605_4b50
                && place + 22 + Int(tail.number16(place + 20)) <= count
        }
        guard let place = found else {
            throw .notZip(
                "\(path) does not end as a zip file does: it was cut short, or is another")
        }
        var entries = UInt64(tail.number16(place + 10))
        var size = UInt64(tail.number32(place + 12))
        var offset = UInt64(tail.number32(place + 16))
        let end = length - Int64(count) + Int64(place)
        if entries == 0xFFFF || size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
            (entries, size, offset) = try large(file, path, before: end)
        }
        guard let start = Int64(exactly: offset), let bytes = Int64(exactly: size),
            start <= end, bytes <= end - start
        else { throw .damaged("\(path): its directory is not inside the file") }
        guard entries <= maximumEntries, bytes <= maximumDirectory else {
            throw .unsupported("\(path): a directory of \(entries) files and \(bytes) bytes")
        }
        return Directory(offset: start, length: bytes, count: entries)
    }

    /// The record of zip64, whose place the locator before the end record tells.
    private static func large(
        _ file: borrowing Descriptor, _ path: String, before end: Int64
    ) throws(ZipError) -> (UInt64, UInt64, UInt64) {
        var locator = [UInt8](repeating: 0, count: 20)
        guard end >= 20 + 56 else { throw .damaged("\(path): too short for its zip64 record") }
        try read(file, path, &locator, at: end - 20)
        guard locator.number32(0) == 0x0706_4b50,
            let place = Int64(exactly: locator.number64(8)), place <= end - 20 - 56
        else { throw .damaged("\(path): its zip64 record is not where it should be") }
        var record = [UInt8](repeating: 0, count: 56)
        try read(file, path, &record, at: place)
        guard record.number32(0) == 0x0606_4b50 else {
            throw .damaged("\(path): its zip64 record is not one")
        }
        return (record.number64(32), record.number64(40), record.number64(48))
    }

    private static func entries(
        _ bytes: [UInt8], _ directory: Directory, _ path: String
    ) throws(ZipError) -> [Entry] {
        var entries: [Entry] = []
        var place = 0
        for _ in 0..<directory.count {
            guard place + 46 <= bytes.count, bytes.number32(place) == 0x0201_4b50 else {
                throw .damaged("\(path): its directory ends too early")
            }
            let nameLength = Int(bytes.number16(place + 28))
            let extraLength = Int(bytes.number16(place + 30))
            let commentLength = Int(bytes.number16(place + 32))
            let end = place + 46 + nameLength + extraLength
            guard end + commentLength <= bytes.count else {
                throw .damaged("\(path): its directory ends inside an entry")
            }
            var sizes = [
                UInt64(bytes.number32(place + 24)), UInt64(bytes.number32(place + 20)),
                UInt64(bytes.number32(place + 42)),
            ]
            try Self.widen(&sizes, bytes[(place + 46 + nameLength)..<end], path)
            guard let length = Int64(exactly: sizes[0]), let packed = Int64(exactly: sizes[1]),
                let header = Int64(exactly: sizes[2]), header <= directory.offset,
                packed <= directory.offset - header
            else { throw .damaged("\(path): a file in it is not inside it") }
            entries.append(
                Entry(
                    name: String(
                        decoding: bytes[(place + 46)..<(place + 46 + nameLength)], as: UTF8.self),
                    method: bytes.number16(place + 10), checksum: bytes.number32(place + 16),
                    compressedLength: packed, length: length,
                    isEncrypted: bytes.number16(place + 8) & 1 != 0, headerOffset: header))
            place = end + commentLength
        }
        return entries
    }

    /// Takes sizes that did not fit 32 bits from the extra field 1, in its order.
    private static func widen(
        _ sizes: inout [UInt64], _ extra: ArraySlice<UInt8>, _ path: String
    ) throws(ZipError) {
        guard sizes.contains(0xFFFF_FFFF) else { return }
        let bytes = Array(extra)
        var place = 0
        while place + 4 <= bytes.count {
            let (tag, length) = (bytes.number16(place), Int(bytes.number16(place + 2)))
            place += 4
            guard place + length <= bytes.count else { break }
            if tag == 1 {
                var next = place
                for index in sizes.indices where sizes[index] == 0xFFFF_FFFF {
                    guard next + 8 <= place + length else {
                        throw .damaged("\(path): a zip64 size is missing")
                    }
                    sizes[index] = bytes.number64(next)
                    next += 8
                }
                return
            }
            place += length
        }
        throw .damaged("\(path): a zip64 size is missing")
    }

    // MARK: - Bytes

    static func read(
        _ file: borrowing Descriptor, _ path: String, _ bytes: inout [UInt8], at offset: Int64
    ) throws(ZipError) {
        var done = 0
        let count = bytes.count
        while done < count {
            let result = bytes.withUnsafeMutableBytes { room in
                let rest = UnsafeMutableRawBufferPointer(rebasing: room[done...])
                return pread(file.raw, rest.baseAddress, rest.count, off_t(offset) + done)
            }
            if result < 0 && errno == EINTR { continue }
            guard result >= 0 else { throw .system(SystemError("read", path)) }
            guard result > 0 else { throw .damaged("\(path) is shorter than it was") }
            done += result
        }
    }
}

extension [UInt8] {
    /// Little-endian numbers at an offset that is known to be inside.
    func number16(_ offset: Int) -> UInt16 { UInt16(self[offset]) | UInt16(self[offset + 1]) << 8 }

    func number32(_ offset: Int) -> UInt32 {
        UInt32(number16(offset)) | UInt32(number16(offset + 2)) << 16
    }

    func number64(_ offset: Int) -> UInt64 {
        UInt64(number32(offset)) | UInt64(number32(offset + 4)) << 32
    }
}
