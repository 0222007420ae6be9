public import Posix

/// Standard output is a terminal; frames are binary.
public struct TerminalRefused: Error, CustomStringConvertible, ExitStatusProviding {
    /// For whoever writes without a ``FrameWriter``.
    public init() {}

    /// Wrong usage.
    public var exitStatus: ExitStatus { .usage }

    /// What to do instead.
    public var description: String {
        "standard output is a terminal and records are binary: "
            + "redirect it to a file, or add `| recq json` to read them"
    }
}
