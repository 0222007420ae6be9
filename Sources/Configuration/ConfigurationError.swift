public import Posix

/// A configuration that does not hold: what is wrong, where it is written, and what to write instead.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible, ExitStatusProviding {
    /// ``ExitStatus/configuration``; ``ExitStatus/usage`` where a setting has no value at all.
    public let exitStatus: ExitStatus
    /// What is wrong.
    public let description: String

    /// Refuses a configuration.
    public init(_ description: String, exitStatus: ExitStatus = .configuration) {
        self.exitStatus = exitStatus
        self.description = description
    }
}
