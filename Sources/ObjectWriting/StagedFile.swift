import Digests
import Encoding
import Glibc
import Journal
package import Posix

/// The file that an object grows in: in the staging directory, or in memory once the disk is full.
package final class StagedFile {
    /// Bytes that were appended.
    package private(set) var length: Int64 = 0
    /// CRC-32C of its bytes.
    package private(set) var checksum = CRC32C()
    private var hash = Hash.sha256()
    /// Where its bytes are once the disk had no room.
    package private(set) var memory: MemoryFile?
    private let path: String
    private var descriptor: Descriptor?

    /// Makes the file, or empties it.
    package init(_ path: String) throws(SystemError) {
        self.path = path
        do throws(SystemError) {
            descriptor = try Descriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
        } catch {
            guard error.isNoRoom else { throw error }
            memory = try MemoryFile()
        }
    }

    /// Adds bytes at its end.
    package func append(_ bytes: RawSpan) throws(SystemError) {
        if memory == nil {
            do throws(SystemError) { try write(bytes) } catch {
                guard error.isNoRoom else { throw error }
                try moveToMemory()
            }
        }
        if let memory { try memory.append(bytes) }
        length += Int64(bytes.byteCount)
        checksum.update(bytes)
        hash.update(bytes)
    }

    /// SHA-256 of its bytes, in hexadecimal; nothing more is appended after it.
    package var sha256: String {
        var all = Hash.sha256()
        swap(&all, &hash)
        return Hex.text(all.finish())
    }

    private func write(_ bytes: RawSpan) throws(SystemError) {
        switch descriptor {
        case .some(let file): try file.writeAll(bytes)
        case nil: break
        }
    }

    /// Copies what was written whole, and removes the file: that frees its part of the disk.
    package func moveToMemory() throws(SystemError) {
        guard memory == nil else { return }
        let memory = try MemoryFile()
        switch descriptor {
        case .some(let file):
            try file.seek(to: 0)
            var buffer = Bytes(capacity: 1 << 20)
            var left = length
            while left > 0, try file.read(appendingTo: &buffer, room: 1 << 20) > 0 {
                if Int64(buffer.count) > left { buffer.truncate(to: Int(left)) }
                try memory.append(buffer.span)
                left -= Int64(buffer.count)
                buffer.removeAll()
            }
        case nil: break
        }
        descriptor = nil
        try Files.remove(path)
        self.memory = memory
    }
}
