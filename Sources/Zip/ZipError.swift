public import Posix

/// Why a zip file, or a file in it, cannot be read.
public enum ZipError: Error, Sendable, CustomStringConvertible {
    /// It does not end as a zip file does: another format, or cut short.
    case notZip(String)
    /// A part of the format that is not known here, such as encryption.
    case unsupported(String)
    /// Lengths, checksums or compressed bytes that contradict each other.
    case damaged(String)
    /// The system's reason.
    case system(SystemError)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .notZip(let words), .unsupported(let words), .damaged(let words): words
        case .system(let error): "\(error)"
        }
    }
}
