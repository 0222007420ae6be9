import Glibc

/// What one of a stage's inputs or outputs is: the writer of a pipe and its reader know it by the
/// same device and inode.
public struct Neighbour: Hashable, Sendable {
    /// The sort of file.
    public enum Kind: UInt32, Sendable {
        /// A device that is no terminal, or something else.
        case other = 0
        /// A pipe or FIFO.
        case pipe = 1
        /// A file on disk.
        case file = 2
        case socket = 3
        case terminal = 4
        /// The null device.
        case null = 5
    }

    /// True when the stage reads it.
    public let isInput: Bool
    /// The sort of file.
    public let kind: Kind
    /// Device that it is on; with the inode it names the file on this host.
    public let device: UInt64
    /// Its inode.
    public let inode: UInt64

    init(isInput: Bool, kind: Kind, device: UInt64, inode: UInt64) {
        self.isInput = isInput
        self.kind = kind
        self.device = device
        self.inode = inode
    }

    /// Looks at an open descriptor; nil when it is not open.
    init?(descriptor: Int32, isInput: Bool) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        let kind: Kind =
            switch status.st_mode & S_IFMT {
            case S_IFIFO: .pipe
            case S_IFREG: .file
            case S_IFSOCK: .socket
            case S_IFCHR:
                isatty(descriptor) == 1
                    ? .terminal : status.st_rdev == Self.nullDevice ? .null : .other
            default: .other
            }
        self.init(
            isInput: isInput, kind: kind, device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino))
    }

    /// Major 1, minor 3 (null(4)).
    private static let nullDevice: dev_t = 0x103
}
