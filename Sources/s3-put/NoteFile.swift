import Encoding
import Glibc
import Journal
import Posix

/// A file with the notes of objects that were finished together: one file to make and to remove for
/// as many objects as a batch has, since with small objects a file for each was a third of the work.
///
/// Its first line has length and checksum of the notes: until it is synced a power failure may leave
/// anything in it. Objects that are booked before the others are crossed out at its end.
final class NoteFile: Sendable {
    static let suffix = ".manifest"
    /// Longest file that is read, bytes.
    private static let limit = 1 << 30
    private static let firstWord = "batch"
    private static let nameWord = "file"
    private static let doneWord = "done"

    let path: String
    /// Names of the objects' files that are not booked yet.
    private let left: Locked<Set<String>>

    private init(_ path: String, left: Set<String>) {
        self.path = path
        self.left = Locked(left)
    }

    /// Writes the notes of objects beside their files; a later call of
    /// ``Posix/Files/syncFileSystem(_:)`` makes both durable.
    ///
    /// - Parameter objects: of one directory; the file is named after the first.
    static func write(_ objects: [StagedObject]) throws(SystemError) -> NoteFile? {
        guard let first = objects.first else { return nil }
        // Notes of long objects are megabytes: they are not put together as text.
        var notes: [UInt8] = []
        for object in objects {
            notes += "\(nameWord) \(name(of: object))\n".utf8
            notes += StagingNote.text(of: object).utf8
        }
        let path = first.stagedPath + suffix
        let line = "\(firstWord) \(notes.count) \(checksum(notes[...]))\n"
        do throws(SystemError) {
            try Files.replace(path, with: Array(line.utf8) + notes, isSynced: false)
        } catch {
            try? Files.remove(path + ".new")
            throw error
        }
        return NoteFile(path, left: Set(objects.map(name)))
    }

    /// Says that objects are booked, or are kept elsewhere: with the last of a file it goes.
    ///
    /// - Parameter isSynced: true when it has to be durable before the objects' files go: a note without
    ///   a file says that the object was delivered.
    static func finish(
        _ objects: some Sequence<StagedObject>, isSynced: Bool = false
    ) throws(SystemError) {
        var done: [ObjectIdentifier: (file: NoteFile, names: [String])] = [:]
        for object in objects {
            guard let file = object.noteFile else { continue }
            done[ObjectIdentifier(file), default: (file, [])].names.append(name(of: object))
        }
        for (file, names) in done.values { try file.finish(names, isSynced: isSynced) }
    }

    private func finish(_ names: [String], isSynced: Bool) throws(SystemError) {
        let isEmpty = left.withLock { left in
            left.subtract(names)
            return left.isEmpty
        }
        guard !isEmpty else { return try Files.remove(path) }
        let lines = names.map { "\(Self.doneWord) \($0)\n" }.joined()
        do throws(SystemError) {
            let file = try Descriptor.open(path, O_WRONLY | O_APPEND)
            try file.writeAll(Array(lines.utf8).span.bytes)
            if isSynced { try file.sync() }
            try file.close()
        } catch {
            // A crash then shows a booked object as delivered once more, which changes nothing.
            guard error.isNoRoom, !isSynced else { throw error }
        }
    }

    // MARK: - Reading

    /// The objects of a file that are not booked yet; nil when it is not whole. A file of before
    /// decision 0116 has the note of one object, whose name it has.
    static func read(_ path: String) throws(SystemError) -> [StagedObject]? {
        let bytes = try Files.read(path, limit: limit)
        guard let line = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let words = String(decoding: bytes[..<line], as: UTF8.self).split(separator: " ")
        guard words.first == firstWord[...] else {
            let own = StagingNote.object(
                bytes[...], stagedPath: String(path.dropLast(suffix.count)))
            return own.map { attach([$0], to: path) }
        }
        let start = line + 1
        guard words.count == 3, let length = Int(words[1]), length >= 0,
            length <= bytes.count - start,
            checksum(bytes[start..<(start + length)]) == words[2]
        else { return nil }
        let done = finished(bytes[(start + length)...])
        guard let all = objects(bytes[start..<(start + length)], Files.directory(of: path))
        else { return nil }
        return attach(all.filter { !done.contains(name(of: $0)) }, to: path)
    }

    private static func attach(_ objects: [StagedObject], to path: String) -> [StagedObject] {
        let file = NoteFile(path, left: Set(objects.map(name)))
        return objects.map { object in
            var object = object
            object.noteFile = file
            return object
        }
    }

    private static func objects(_ bytes: ArraySlice<UInt8>, _ directory: String) -> [StagedObject]?
    {
        var objects: [StagedObject] = []
        var place = bytes.startIndex
        while place < bytes.endIndex {
            guard let end = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            let words = String(decoding: bytes[place..<end], as: UTF8.self).split(separator: " ")
            guard words.count == 2, words[0] == nameWord[...], !words[1].contains("/"),
                let next = StagingNote.end(of: bytes[(end + 1)...]),
                let object = StagingNote.object(
                    bytes[(end + 1)..<next], stagedPath: "\(directory)/\(words[1])")
            else { return nil }
            objects.append(object)
            place = next
        }
        return objects
    }

    /// Names that were crossed out. A line that a crash cut says nothing.
    private static func finished(_ bytes: ArraySlice<UInt8>) -> Set<String> {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var names: Set<String> = []
        for line in lines.dropLast() {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            if words.count == 2, words[0] == doneWord[...] { names.insert(String(words[1])) }
        }
        return names
    }

    /// The objects of all files of a staging directory that are not booked yet.
    static func left(in staging: String) throws(SystemError) -> [StagedObject] {
        var left: [StagedObject] = []
        for name in try Files.list(staging) where name.hasSuffix(suffix) {
            left += try read("\(staging)/\(name)") ?? []
        }
        return left
    }

    private static func name(of object: StagedObject) -> String {
        object.stagedPath.split(separator: "/").last.map(String.init) ?? ""
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> String {
        var checksum = CRC32C()
        bytes.withUnsafeBytes { checksum.update($0.bytes) }
        return String(checksum.value, radix: 16)
    }
}
