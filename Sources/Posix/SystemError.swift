public import Glibc

/// A system call that failed: what was attempted, on what, and the system's reason.
public struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The attempt in words, such as `open` or `write to`.
    public let action: String
    /// The path, or a name such as `standard output`, that it was attempted on.
    public let subject: String
    /// The value of `errno` right after the call.
    public let code: Int32

    /// Records a failed call.
    ///
    /// - Parameter code: `errno` of the call; read at once when left out.
    public init(_ action: String, _ subject: String, code: Int32 = errno) {
        self.action = action
        self.subject = subject
        self.code = code
    }

    /// For example `cannot open /x: No such file or directory`.
    public var description: String {
        "cannot \(action) \(subject): \(String(cString: strerror(code)))"
    }
}
