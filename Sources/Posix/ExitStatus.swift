import Glibc

/// What a program's exit status means: the numbers of sysexits.h, on which unit files and scripts
/// rely.
public enum ExitStatus: Int32, Sendable {
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

    /// The status of a program that ends because of an error; ``bug`` for an error that does not say.
    public init(for error: any Error) {
        self = (error as? any ExitStatusProviding)?.exitStatus ?? .bug
    }
}

/// An error that knows with which status a program ends that cannot go on because of it.
///
/// Every error that a library throws for a reason outside of this program conforms, so that a tool
/// lets it pass: what a failure means for whoever started the program is decided once, where the
/// failure is understood.
public protocol ExitStatusProviding: Error {
    /// The status of a program that ends because of this.
    var exitStatus: ExitStatus { get }
}

extension SystemError: ExitStatusProviding {
    /// A permission is something else than a device that fails.
    public var exitStatus: ExitStatus {
        [EACCES, EPERM].contains(code) ? .notPermitted : .inputOutput
    }
}
