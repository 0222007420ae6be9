import Foundation
public import Posix

/// A disk in memory on which recorded operations are done again, and that knows which of them a
/// power failure may undo.
public struct CrashDisk {
    /// What a crash leaves.
    public enum Outcome: CaseIterable, Sendable {
        /// The process died: everything is there.
        case processDied
        /// The power failed: what was not synced is not there, neither bytes nor names.
        case nothingUnsynced
        /// The power failed: names and lengths are there, unsynced bytes are zero.
        case zeros
        /// The power failed: some of the unsynced bytes are there, in sectors of 512.
        case some
    }

    private final class File {
        var bytes: [UInt8] = []
        var synced: [UInt8] = []
        var unsynced: [Change] = []

    }

    private enum Change {
        case write(offset: Int, bytes: [UInt8])
        case length(Int)
    }

    private static let sector = 512

    private let root: String
    private var files: [String: File] = [:]
    private var syncedFiles: [String: File] = [:]
    private var directories: Set<String> = []
    private var syncedDirectories: Set<String> = []
    /// What the recording program said so far.
    public private(set) var notes: [String] = []

    /// An empty disk.
    ///
    /// - Parameter root: the directory below which operations were recorded; it is there.
    public init(root: String) {
        self.root = root
        directories = [root]
        syncedDirectories = [root]
    }

    // MARK: - Doing

    /// Does an operation.
    public mutating func apply(_ operation: FileOperation) {
        switch operation {
        case .note(let text): notes.append(text)
        case .makeDirectory(let path): directories.insert(path)
        case .create(let path, let isEmptied):
            if files[path] == nil { files[path] = File() }
            if isEmptied, let file = files[path] { Self.resize(file, to: 0) }
        case .write(let path, let offset, let bytes):
            guard let file = files[path] else { return }
            let end = Int(offset) + bytes.count
            if file.bytes.count < end {
                file.bytes.append(
                    contentsOf: [UInt8](repeating: 0, count: end - file.bytes.count))
            }
            file.bytes.replaceSubrange(Int(offset)..<end, with: bytes)
            file.unsynced.append(.write(offset: Int(offset), bytes: bytes))
        case .truncate(let path, let length):
            if let file = files[path] { Self.resize(file, to: Int(length)) }
        case .allocate(let path, let length):
            if let file = files[path] {
                Self.resize(file, to: max(file.bytes.count, Int(length)))
            }
        case .sync(let path):
            guard let file = files[path] else { return }
            file.synced = file.bytes
            file.unsynced = []
        case .syncDirectory(let path): syncNames(in: path)
        case .syncFileSystem:
            // The disk is one file system.
            syncedFiles = files
            syncedDirectories = directories
            for file in files.values {
                file.synced = file.bytes
                file.unsynced = []
            }
        case .remove(let path): files[path] = nil
        case .rename(let from, let to):
            files[to] = files[from]
            files[from] = nil
        case .link(let from, let to): files[to] = files[from]
        }
    }

    private static func resize(_ file: File, to length: Int) {
        if length < file.bytes.count {
            file.bytes.removeLast(file.bytes.count - length)
        } else {
            file.bytes.append(contentsOf: [UInt8](repeating: 0, count: length - file.bytes.count))
        }
        file.unsynced.append(.length(length))
    }

    private mutating func syncNames(in directory: String) {
        for path in Set(files.keys).union(syncedFiles.keys) where Self.parent(path) == directory {
            syncedFiles[path] = files[path]
        }
        for path in directories where Self.parent(path) == directory {
            syncedDirectories.insert(path)
        }
    }

    private static func parent(_ path: String) -> String { Files.directory(of: path) }

    // MARK: - Crashing

    /// Writes what a crash would leave below another directory.
    public func write(
        _ outcome: Outcome, to target: String, using random: inout SeededRandom
    ) throws {
        let hasUnsyncedNames =
            switch outcome {
            case .processDied, .zeros: true
            case .nothingUnsynced: false
            case .some: Bool.random(using: &random)
            }
        let names = hasUnsyncedNames ? files : syncedFiles
        let present = hasUnsyncedNames ? directories : syncedDirectories
        for directory in present.sorted() where isReachable(directory, in: present) {
            try FileManager.default.createDirectory(
                atPath: target + directory.dropFirst(root.count), withIntermediateDirectories: true)
        }
        for (path, file) in names.sorted(by: { $0.key < $1.key })
        where isReachable(Self.parent(path), in: present) {
            let bytes = Self.content(of: file, outcome, using: &random)
            try Data(bytes).write(to: URL(fileURLWithPath: target + path.dropFirst(root.count)))
        }
    }

    private func isReachable(_ directory: String, in present: Set<String>) -> Bool {
        var path = directory
        while path.count > root.count {
            guard present.contains(path) else { return false }
            path = Self.parent(path)
        }
        return true
    }

    private static func content(
        of file: File, _ outcome: Outcome, using random: inout SeededRandom
    ) -> [UInt8] {
        switch outcome {
        case .processDied: return file.bytes
        case .nothingUnsynced: return file.synced
        case .zeros, .some: break
        }
        var bytes = file.synced
        for change in file.unsynced {
            switch change {
            case .length(let length):
                guard outcome == .zeros || Bool.random(using: &random) else { continue }
                if length < bytes.count {
                    bytes.removeLast(bytes.count - length)
                } else {
                    bytes.append(contentsOf: [UInt8](repeating: 0, count: length - bytes.count))
                }
            case .write(let offset, let new):
                let kept =
                    outcome == .zeros ? new.count : Int.random(in: 0...new.count, using: &random)
                guard kept > 0 else { continue }
                let end = offset + kept
                if bytes.count < end {
                    bytes.append(contentsOf: [UInt8](repeating: 0, count: end - bytes.count))
                }
                var place = offset
                while place < end {
                    // A sector is written whole or not at all.
                    let next = min(end, (place / sector + 1) * sector)
                    let isWritten = outcome == .some && Bool.random(using: &random)
                    for index in place..<next {
                        if isWritten {
                            bytes[index] = new[index - offset]
                        } else if outcome == .zeros {
                            bytes[index] = 0
                        }
                    }
                    place = next
                }
            }
        }
        return bytes
    }
}
