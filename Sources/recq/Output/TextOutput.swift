import Posix

/// Text on its way to standard output, in large writes.
struct TextOutput: ~Copyable {
    private let output = Descriptor.standardOutput()
    var bytes = Bytes(capacity: 256 << 10)

    init() { output.enlargePipe() }

    /// Writes once enough is there.
    mutating func flushIfFull() throws(SystemError) {
        if bytes.count >= 128 << 10 { try flush() }
    }

    /// Writes what is there.
    mutating func flush() throws(SystemError) {
        try output.writeAll(bytes.span)
        bytes.removeAll()
    }
}
