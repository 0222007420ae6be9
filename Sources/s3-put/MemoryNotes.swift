import Encoding
import Glibc
import Journal
import Posix

/// Notes of objects whose bytes are in memory since the disk has no room: written down before they are
/// stored, in a file that has its room already.
///
/// Such an object may be stored when the run ends without any note of it on disk. The next run would then
/// make other objects of the same records, and nothing would ever list this one.
final class MemoryNotes: Sendable {
    /// The most and the least room that is kept, bytes; a note takes some hundred.
    private static let sizes: ClosedRange<Int64> = (16 << 10)...(256 << 10)
    /// Length and CRC-32C of a note, before it.
    private static let headerLength = 8

    private let path: String
    private let staging: String
    /// Where the next one goes, and the staged paths of objects that are not booked.
    private let state: Locked<(end: Int64, open: Set<String>)>

    /// Takes the room, or goes without when there is none.
    ///
    /// - Parameter directory: of the state.
    init(directory: String) throws(SystemError) {
        path = directory + "/memory-notes"
        staging = directory + "/staging"
        state = Locked((0, []))
        do throws(SystemError) {
            try Descriptor.open(path, O_RDWR | O_CREAT).allocate(Self.size(on: directory))
        } catch {
            guard error.isNoRoom else { throw error }
        }
    }

    /// A sixty-fourth of the disk, within limits.
    private static func size(on directory: String) -> Int64 {
        var room = statvfs()
        guard statvfs(directory, &room) == 0 else { return sizes.lowerBound }
        let size = Int64(clamping: room.f_blocks).multipliedReportingOverflow(
            by: Int64(clamping: room.f_frsize))
        guard !size.overflow else { return sizes.upperBound }
        return min(max(size.partialValue / 64, sizes.lowerBound), sizes.upperBound)
    }

    /// Writes down objects that are about to be stored. What finds no room in the file is not noted.
    func add(_ objects: [StagedObject]) throws(SystemError) {
        guard !objects.isEmpty else { return }
        let notes = objects.map { Array(StagingNote.text(of: $0).utf8) }
        try state.withLock { state throws(SystemError) in
            let file = try Descriptor.open(path, O_RDWR | O_CREAT)
            let room = Int64(try file.status().st_size)
            var bytes = Bytes()
            var open = state.open
            for (object, note) in zip(objects, notes) {
                let length = Int64(bytes.count + Self.headerLength + note.count)
                // Behind it a length of 0 has to fit.
                guard state.end + length + 4 <= room else { continue }
                var checksum = CRC32C()
                checksum.update(note.span.bytes)
                bytes.append(bits: UInt32(note.count).littleEndian)
                bytes.append(bits: checksum.value.littleEndian)
                bytes.append(note.span.bytes)
                open.insert(object.stagedPath)
            }
            guard bytes.count > 0 else { return }
            let end = state.end + Int64(bytes.count)
            bytes.append(bits: UInt32(0))
            try file.write(bytes.span, at: state.end)
            try file.syncData()
            state = (end, open)
        }
    }

    /// Notes that an object is booked, or is not one of the bucket; when none is left the file is empty.
    func done(_ object: StagedObject) throws(SystemError) {
        guard object.isInMemoryNotes else { return }
        try state.withLock { state throws(SystemError) in
            guard state.open.remove(object.stagedPath) != nil, state.open.isEmpty else { return }
            state.end = 0
            let file = try Descriptor.open(path, O_RDWR)
            try file.write([0, 0, 0, 0].span.bytes, at: 0)
        }
    }

    /// What an earlier run wrote down: to be called before anything is added.
    func left() throws(SystemError) -> [StagedObject] {
        let bytes = try Files.read(path, limit: Int(Self.sizes.upperBound) + 1)
        var objects: [StagedObject] = []
        var place = 0
        while place + Self.headerLength <= bytes.count {
            let length = Int(Self.number(bytes, place))
            let start = place + Self.headerLength
            guard length > 0, length <= bytes.count - start else { break }
            let note = bytes[start..<(start + length)]
            var checksum = CRC32C()
            note.withUnsafeBytes { checksum.update($0.bytes) }
            guard checksum.value == Self.number(bytes, place + 4),
                var object = StagingNote.object(
                    note, stagedPath: "\(staging)/memory-\(objects.count + 1)")
            else { break }
            object.isDoubtful = true
            objects.append(object)
            place = start + length
        }
        state.withLock { $0 = (Int64(place), Set(objects.map(\.stagedPath))) }
        return objects
    }

    private static func number(_ bytes: [UInt8], _ place: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) }
    }
}
