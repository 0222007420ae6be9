import Bronze
import Glibc
package import Posix

/// A directory as a place for objects.
package struct DirectoryStore {
    package let root: String
    /// Directories whose names are durable; bounded, since hours go by.
    private var durable: Set<String> = []
    private var copies = 0
    /// Directories of files that were placed and whose names may not be durable yet.
    private var unsettled: Set<String> = []

    private static let mostDurable = 4096

    /// A directory; it is made when something is put.
    package init(root: String) { self.root = root }

    /// Gives a file its name in the directory; what is there stays. The name is not durable before
    /// ``settle()``.
    package mutating func place(_ object: FinishedFile) throws -> Placement {
        let target = "\(root)/\(object.key)"
        let directory = Files.directory(of: target)
        let isNewDirectory = try Files.makeDirectories(directory)
        if object.isFirstOfUnknown, !isNewDirectory,
            let other = try overlapping(object, in: directory)
        {
            return .conflicts(
                theirs: "\(directory)/\(other) has some of its ids, which are not in the ledger: "
                    + "was the state directory lost?", ours: try describe(object.path))
        }
        let isNew: Bool
        do throws(SystemError) {
            isNew = try name(object, target)
        } catch {
            guard [EXDEV, EPERM, EMLINK, ENOTSUP, ENOENT].contains(error.code) else { throw error }
            isNew = try copy(object.path, to: target)
        }
        if !isNew, !(try haveSameBytes(object.path, target)) {
            return .conflicts(
                theirs: try describe(target), ours: try describe(object.path))
        }
        unsettled.insert(directory)
        return isNew ? .created : .existed
    }

    /// Gives a file the target's name, and takes the one that it had where that may go: half the work
    /// of the file system.
    ///
    /// - Returns: false when `target` exists.
    private func name(_ object: FinishedFile, _ target: String) throws(SystemError) -> Bool {
        if object.mayMove, let isNew = try Files.renameIfAbsent(object.path, to: target) {
            return isNew
        }
        return try Files.link(object.path, to: target)
    }

    /// Makes the names of all files durable that were placed.
    ///
    /// A name must survive a crash before the ledger says so, and so must each directory above
    /// it, whoever made it: a run that was killed may have made both and synced neither.
    package mutating func settle() throws(SystemError) {
        guard let leaf = unsettled.first else { return }
        var unknown: Set<String> = []
        for path in unsettled {
            var directory = path
            while directory.count > root.count, !durable.contains(directory),
                unknown.insert(directory).inserted
            {
                directory = Files.directory(of: directory)
            }
        }
        if durable.count + unknown.count > Self.mostDurable { durable.removeAll() }
        if unknown.isEmpty, unsettled.count == 1 {
            try Files.syncDirectory(leaf)
        } else {
            // One wait instead of one for each directory.
            try Files.syncFileSystem(leaf)
            if unknown.count <= Self.mostDurable { durable.formUnion(unknown) }
        }
        unsettled.removeAll()
        guard !durable.contains(root) else { return }
        durable.insert(root)
        // The root's own name. Whoever may pass through a directory need not be allowed to open it.
        do throws(SystemError) { try Files.syncDirectory(Files.directory(of: root)) } catch {
            guard error.code == EACCES || error.code == EPERM else { throw error }
        }
    }

    /// Removes an object; one that is gone already is fine. Directories stay.
    package func remove(_ key: String) throws(SystemError) {
        try Files.remove("\(root)/\(key)")
    }

    // MARK: - Copying

    /// For a state directory on another file system: written beside the target under a hidden
    /// name of its own, synced, then given the target's name, so that it never shows half.
    ///
    /// - Returns: false when the target exists.
    private mutating func copy(_ source: String, to target: String) throws -> Bool {
        if Files.exists(target) { return false }
        copies += 1
        let name = target.split(separator: "/").last.map(String.init) ?? ""
        let neighbour = "\(Files.directory(of: target))/.\(name).\(getpid())-\(copies).new"
        defer { try? Files.remove(neighbour) }
        let input = try Descriptor.open(source, O_RDONLY)
        let output = try Descriptor.open(neighbour, O_WRONLY | O_CREAT | O_EXCL)
        var buffer = Bytes(capacity: 1 << 20)
        while try input.read(appendingTo: &buffer, room: 1 << 20) > 0 {
            try output.writeAll(buffer.span)
            buffer.removeAll()
        }
        try output.sync()
        try output.close()
        do throws(SystemError) { return try Files.link(neighbour, to: target) } catch {
            // Some file systems have no links at all.
            guard [EPERM, ENOTSUP, EMLINK, ENOSYS].contains(error.code) else { throw error }
        }
        if let isRenamed = try Files.renameIfAbsent(neighbour, to: target) { return isRenamed }
        // Neither links nor such a rename: the name is claimed by creating it, which only one
        // writer can, and then replaced by the whole file.
        do throws(SystemError) {
            try Descriptor.open(target, O_WRONLY | O_CREAT | O_EXCL).close()
        } catch {
            if error.code == EEXIST { return false }
            throw error
        }
        try Files.rename(neighbour, to: target)
        return true
    }

    // MARK: - Comparing

    private func haveSameBytes(_ one: String, _ other: String) throws -> Bool {
        guard let ours = try Files.status(one), let theirs = try Files.status(other),
            theirs.st_mode & S_IFMT == S_IFREG, ours.st_size == theirs.st_size
        else { return false }
        let first = try Descriptor.open(one, O_RDONLY)
        let second = try Descriptor.open(other, O_RDONLY)
        return try checksum(first) == checksum(second)
    }

    private func checksum(_ file: borrowing Descriptor) throws -> UInt32 {
        var checksum = CRC32C()
        var buffer = Bytes(capacity: 1 << 20)
        while try file.read(appendingTo: &buffer, room: 1 << 20) > 0 {
            checksum.update(buffer.span)
            buffer.removeAll()
        }
        return checksum.value
    }

    private func describe(_ path: String) throws -> String {
        guard let status = try Files.status(path), status.st_mode & S_IFMT == S_IFREG else {
            return "not a file"
        }
        let checksum = try checksum(try Descriptor.open(path, O_RDONLY))
        return "\(status.st_size) bytes, CRC-32C \(String(checksum, radix: 16))"
    }

    /// An object of the directory that has some of another's ids, by its name.
    ///
    /// Asked for the first object of a partition when the ledger knew nothing of the sequence: then
    /// all that is there was stored by someone whose ledger this is not.
    private func overlapping(
        _ object: FinishedFile, in directory: String
    ) throws(SystemError) -> String? {
        let key = object.key.split(separator: "/").last.map(String.init) ?? ""
        guard let own = ObjectName(parsing: key) else { return nil }
        for name in try Files.list(directory) where name != key {
            if let other = ObjectName(parsing: name), other.series == own.series,
                !other.isNamedByContent, other.ids.overlaps(own.ids)
            {
                return name
            }
        }
        return nil
    }

    // MARK: - The start

    /// Makes the directory, and a file in it that goes at once.
    package func check() throws(SystemError) {
        try Files.makeDirectories(root)
        let path = "\(root)/.s3-put-\(getpid()).check"
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL)
        try Files.remove(path)
        try file.close()
    }
}
