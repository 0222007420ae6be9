public import AWS
public import Posix

/// Objects that could not be listed or read.
public struct AccessError: Error, Equatable, Sendable, CustomStringConvertible, ExitStatusProviding
{
    /// What the caller can do about it.
    public enum Reason: Sendable {
        /// The text is not a URL of objects.
        case badURL
        /// There is no such bucket, directory or object.
        case notFound
        /// Credentials or permissions do not suffice.
        case notPermitted
        /// The service cannot be reached or fails; later may work.
        case unavailable
        /// The object was replaced while it was read.
        case changed
        /// The other side answered what it never should.
        case protocolBroken
        /// A region, endpoint or credential is wrong or missing.
        case configuration
        /// Reading from a disk failed.
        case inputOutput
    }

    /// What the caller can do about it.
    public let reason: Reason
    /// What was attempted, on what, and why it failed.
    public let description: String

    /// The status of a program that cannot go on without the objects.
    public var exitStatus: ExitStatus {
        switch reason {
        case .badURL: .usage
        case .notFound: .unavailable
        case .notPermitted: .notPermitted
        case .unavailable, .changed: .gaveUp
        case .protocolBroken: .protocolBroken
        case .configuration: .configuration
        case .inputOutput: .inputOutput
        }
    }

    /// For whoever finds out more.
    public init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    /// What a failed call of S3 means.
    public init(_ error: AWSError) {
        reason =
            switch (error.status, error.category) {
            case (404, _): .notFound
            case (412, _): .changed
            case (_, .notPermitted): .notPermitted
            case (_, .unavailable), (_, .stopped): .unavailable
            case (_, .configuration): .configuration
            case (_, .protocolBroken): .protocolBroken
            case (_, .inputOutput): .inputOutput
            }
        description =
            reason == .changed
            ? "\(error.subject): the object was replaced while it was read" : error.description
    }

    /// What a failed system call means.
    public init(_ error: SystemError) {
        reason =
            switch error.code {
            case 2, 20: .notFound  // ENOENT, ENOTDIR
            case 1, 13: .notPermitted  // EPERM, EACCES
            default: .inputOutput
            }
        description = error.description
    }
}
