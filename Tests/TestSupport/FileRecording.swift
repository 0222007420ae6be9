import Foundation
public import Posix

/// Operations on files below a directory, as they were done.
public final class FileRecording: @unchecked Sendable {
    private let lock = NSLock()
    private var recorded: [FileOperation] = []
    private let prefix: String

    /// Records from now on.
    public init(below prefix: String) {
        self.prefix = prefix
        FileRecorder.start(below: prefix) { [weak self] operation in self?.add(operation) }
    }

    /// Adds a remark: what was promised by now.
    public func note(_ text: String) { FileRecorder.note(text, below: prefix) }

    /// Ends it, and gives what was recorded.
    public func stop() -> [FileOperation] {
        FileRecorder.stop(below: prefix)
        return lock.withLock { recorded }
    }

    private func add(_ operation: FileOperation) { lock.withLock { recorded.append(operation) } }
}
