import Journal
public import Posix

/// Why a spool could not be read or written.
public enum SpoolError: Error, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// The system refused.
    case system(SystemError)
    /// Another process has it open.
    case locked(String)
    /// It may not grow further.
    case full(directory: String, maximumBytes: Int64)

    /// Another process may end, and a full spool is emptied by delivery.
    public var exitStatus: ExitStatus {
        switch self {
        case .system(let error): error.exitStatus
        case .locked, .full: .gaveUp
        }
    }

    /// True when the device is full, or the quota.
    public var isNoRoom: Bool {
        if case .system(let error) = self { return error.isNoRoom }
        return false
    }

    /// True when room comes by delivery: the device is full, or the quota, or what the spool may have.
    public var isFull: Bool {
        if case .full = self { return true }
        return isNoRoom
    }

    /// What, where and why.
    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .locked(let directory):
            "the spool \(directory) is in use by \(LockHolder.words(of: directory + "/lock")); end it, or "
                + "give this run another state directory"
        case .full(let directory, let bytes):
            "the spool \(directory) is full: at most \(bytes) bytes may wait for delivery"
        }
    }
}
