import Synchronization

/// An operation that changed files.
public enum FileOperation: Sendable, Equatable {
    /// Bytes were written at an offset of a file.
    case write(path: String, offset: Int64, bytes: [UInt8])
    /// A file was cut or extended.
    case truncate(path: String, length: Int64)
    /// Room was made for a file; its length grew to at least this.
    case allocate(path: String, length: Int64)
    /// A file was made, or emptied when it was there and `isEmptied`.
    case create(path: String, isEmptied: Bool)
    /// The content of a file was forced to the device.
    case sync(path: String)
    /// The names in a directory were forced to the device.
    case syncDirectory(path: String)
    /// Everything on the file system of a path was forced to the device, files and names.
    case syncFileSystem(path: String)
    /// A directory was made.
    case makeDirectory(path: String)
    /// A name was removed.
    case remove(path: String)
    /// A name took the place of another.
    case rename(from: String, to: String)
    /// A file got a second name.
    case link(from: String, to: String)
    /// What the recording program said: what it had promised by then.
    case note(String)
}

/// Lets tests see every operation that changes files, in order, so that they can stop the world
/// after each and look at what a restart makes of it.
///
/// Off it costs a load and a branch per operation. Every call that changes files is in this module.
public enum FileRecorder {
    private static let isOn = Atomic<Bool>(false)
    private static let recordings = Locked<[Recording]>([])

    /// Operations below a directory.
    private final class Recording: Sendable {
        let prefix: String
        let receive: @Sendable (FileOperation) -> Void

        init(_ prefix: String, _ receive: @escaping @Sendable (FileOperation) -> Void) {
            self.prefix = prefix
            self.receive = receive
        }
    }

    /// Starts to give operations on paths that begin with `prefix` to `receive`, one at a time.
    public static func start(
        below prefix: String, _ receive: @escaping @Sendable (FileOperation) -> Void
    ) {
        recordings.withLock { $0.append(Recording(prefix, receive)) }
        isOn.store(true, ordering: .releasing)
    }

    /// Ends what ``start(below:_:)`` began for a prefix.
    public static func stop(below prefix: String) {
        recordings.withLock { recordings in
            recordings.removeAll { $0.prefix == prefix }
            isOn.store(!recordings.isEmpty, ordering: .releasing)
        }
    }

    /// Adds a remark to the recording of a prefix.
    public static func note(_ text: String, below prefix: String) {
        record(prefix) { .note(text) }
    }

    /// True while someone records.
    @inline(__always)
    static var isRecording: Bool { isOn.load(ordering: .acquiring) }

    /// Records an operation on a path.
    @inline(__always)
    static func note(_ path: String, _ operation: () -> FileOperation) {
        if isRecording { record(path, operation) }
    }

    @inline(never)
    private static func record(_ path: String, _ operation: () -> FileOperation) {
        recordings.withLock { recordings in
            for recording in recordings where path.hasPrefix(recording.prefix) {
                recording.receive(operation())
            }
        }
    }
}
