import CLinux
import Glibc

/// A file that is in memory only (memfd_create(2)), for what a full disk has no room for.
public final class MemoryFile: Sendable {
    private let raw: Int32

    /// An empty file.
    ///
    /// - Throws: when the process may open no more files, or has no memory.
    public init() throws(SystemError) {
        raw = clinux_memory_file("bitcoin-ingestor")
        guard raw >= 0 else { throw SystemError("make", "a file in memory") }
    }

    deinit { close(raw) }

    /// A path under which this process can open it for reading.
    public var path: String { "/proc/self/fd/\(raw)" }

    /// Adds bytes at its end.
    public func append(_ bytes: RawSpan) throws(SystemError) {
        try Descriptor(adopting: raw, name: "a file in memory", isOwned: false).writeAll(bytes)
    }
}
