public import Posix

/// Why a spool could not be read or written.
public enum SpoolError: Error, Equatable, CustomStringConvertible {
    /// The system refused.
    case system(SystemError)
    /// Another process has it open.
    case locked(String)
    /// It may not grow further.
    case full(directory: String, maximumBytes: Int64)

    /// What, where and why.
    public var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .locked(let directory): "the spool \(directory) is in use by another process"
        case .full(let directory, let bytes):
            "the spool \(directory) is full: at most \(bytes) bytes may wait for delivery"
        }
    }
}
