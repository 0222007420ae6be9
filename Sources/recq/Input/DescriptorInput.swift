import Glibc
import ObjectReading
import Posix
import Records
import Stage

/// The rest of what a reader of frames began with, when it turned out not to be frames.
final class DescriptorInput: ObjectInput {
    let name: String
    let length: Int64?
    private var reader: FrameReader
    private let stop: Int32
    /// True where any place may be read: of a file.
    private let isFile: Bool
    /// Bytes that the reader had already.
    private var begun: [UInt8]

    init(_ reader: consuming FrameReader, name: String, stop: Int32) {
        self.name = name
        self.stop = stop
        var status = stat()
        isFile =
            fstat(reader.descriptorNumber, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        length = isFile ? Int64(status.st_size) : nil
        var bytes = Bytes()
        reader.takeRest(appendingTo: &bytes)
        begun = bytes.array
        self.reader = reader
    }

    func read(
        at offset: Int64, count: Int, appendingTo bytes: inout Bytes
    ) throws -> Int {
        if offset < Int64(begun.count) {
            let range = Int(offset)..<min(begun.count, Int(offset) + count)
            begun.withUnsafeBytes { bytes.append(UnsafeRawBufferPointer(rebasing: $0[range])) }
            return range.count
        }
        let raw = reader.descriptorNumber
        if !isFile, !Poller.waitUntilReadable(raw, unless: stop) { return 0 }
        return try bytes.append(room: count) { (room) throws(SystemError) in
            while true {
                let limit = min(room.count, count)
                let read =
                    isFile
                    ? pread(raw, room.baseAddress, limit, off_t(offset))
                    : Glibc.read(raw, room.baseAddress, limit)
                if read >= 0 { return read }
                if errno == EAGAIN { return 0 }
                if errno != EINTR { throw SystemError("read", name) }
            }
        }
    }
}
