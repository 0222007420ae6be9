import Encoding
import Glibc
import Posix
import Stage

/// Objects whose keys have other content: kept aside, with what is known of both, so that one of
/// them never stops the others.
struct Conflicts {
    /// Where they are kept.
    let directory: String
    /// Of this run.
    private(set) var count = 0
    /// Of this run and those before.
    private(set) var kept = 0

    /// Counts what earlier runs kept.
    init(directory: String) throws(SystemError) {
        self.directory = directory
        guard Files.exists(directory) else { return }
        kept = try Files.list(directory).count { $0.hasSuffix(Self.suffix) }
    }

    private static let suffix = ".json"

    /// Keeps an object; one whose same bytes are kept already is only counted. Until all of it is kept it
    /// stays staged, too: a note without its file would mean that it was delivered.
    ///
    /// - Returns: where it is.
    mutating func keep(
        _ object: StagedObject, theirs: String, ours: String
    ) throws(SystemError) -> String {
        try Files.makeDurableDirectories(directory)
        // Two of one key may come, with different content.
        let mark = ours.utf8.reduce(0xcbf2_9ce4 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        let name = object.key.replacing("/", with: "_") + "." + String(mark, radix: 16)
        let path = "\(directory)/\(name)"
        let isNew = !Files.exists(path + Self.suffix)
        if let memory = object.memory {
            try Files.replace(path, with: try Files.read(memory.path, limit: .max))
        } else {
            // An earlier run came as far as this, or kept the same bytes.
            try Files.remove(path)
            try Self.link(object, to: path)
        }
        var text = "{\"key\":"
        text.append(jsonQuoted: object.key)
        text += ",\"records\":\(object.records),\"ours\":"
        text.append(jsonQuoted: ours)
        text += ",\"theirs\":"
        text.append(jsonQuoted: theirs)
        text += ",\"time\":\"\(Timestamp.text(nanoseconds: Clock.realtimeNanoseconds()))\"}\n"
        try Files.replace(path + Self.suffix, with: Array(text.utf8))
        try Files.syncDirectory(directory)
        try NoteFile.finish([object], isSynced: true)
        try object.removeFile()
        count += 1
        if isNew { kept += 1 }
        return path
    }

    private static func link(_ object: StagedObject, to path: String) throws(SystemError) {
        do throws(SystemError) { _ = try Files.link(object.stagedPath, to: path) } catch {
            // A file system without links: then the spool has its records.
            guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(error.code) else { throw error }
            try NoteFile.finish([object], isSynced: true)
            try Files.rename(object.stagedPath, to: path)
        }
    }

    /// How the run ends because of them; nil without any.
    var failure: StageFailure? {
        guard count > 0 else { return nil }
        return StageFailure(
            .inputOutput,
            "\(Spoken.count(count, "object was", plural: "objects were")) not stored, because the keys hold "
                + "other content; the refused objects are in "
                + "\(directory), with the length and checksum of both. Compare them, then remove theirs "
                + "or ours. If the state directory was lost, `ledgerctl rebuild URL --state-dir DIR` restores "
                + "it, which avoids such conflicts")
    }
}
