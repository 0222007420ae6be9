public import Posix

/// An end of the program that its user can understand: a message and an exit status.
///
/// For what a tool finds out itself; errors of libraries say their status themselves
/// (``ExitStatusProviding``).
public struct StageFailure: Error, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// The exit status.
    public let exitStatus: ExitStatus
    /// What was attempted, on what, and why it failed.
    public let description: String

    /// Ends the program.
    public init(_ exitStatus: ExitStatus, _ description: String) {
        self.exitStatus = exitStatus
        self.description = description
    }

    /// The same end as a value of this type: for what waits in a mailbox, or gets more words.
    public init(_ error: any Error) {
        self.init(ExitStatus(for: error), "\(error)")
    }
}
