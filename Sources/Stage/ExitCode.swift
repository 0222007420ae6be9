import Posix
import Glibc
import Records

/// What a tool's exit status means: the numbers of sysexits.h, on which unit files and scripts rely.
public enum ExitCode: Int32, Sendable {
    /// Input ended, or SIGTERM came, and all that was accepted is delivered.
    case done = 0
    /// A question was answered with no: `ledgerctl verify` found holes, `recq check` bad frames.
    case no = 1
    /// Wrong usage.
    case usage = 64
    /// Bytes on standard input are not frames, or a line is not a record.
    case badInput = 65
    /// The service is not there, or no longer has what was asked for.
    case unavailable = 69
    /// A bug of ours.
    case bug = 70
    /// A read or write failed, or the reader of standard output is gone.
    case inputOutput = 74
    /// Gave up retrying; starting again may help.
    case gaveUp = 75
    /// The other side broke its protocol.
    case protocolBroken = 76
    /// Not allowed: a permission, HTTP 401 or 403.
    case notPermitted = 77
    /// Wrong configuration.
    case configuration = 78
}

/// An end of the program that its user can understand: a message and an exit code.
public struct StageFailure: Error, Equatable, CustomStringConvertible {
    /// The exit code.
    public let code: ExitCode
    /// What was attempted, on what, and why it failed.
    public let description: String

    /// Ends the program.
    public init(_ code: ExitCode, _ description: String) {
        self.code = code
        self.description = description
    }
}

extension ExitCode {
    /// The code for an error that reached the end of a tool.
    public init(for error: any Error) {
        switch error {
        case let failure as StageFailure: self = failure.code
        case is FrameError: self = .badInput
        case is TerminalRefused: self = .usage
        case let error as SystemError:
            self = [EACCES, EPERM].contains(error.code) ? .notPermitted : .inputOutput
        default: self = .bug
        }
    }
}
