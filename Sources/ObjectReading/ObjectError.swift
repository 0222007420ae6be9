public import Posix

/// An object that is not what it should be.
public struct ObjectError: Error, Equatable, Sendable, CustomStringConvertible, ExitStatusProviding
{
    /// What kind of trouble it is.
    public enum Reason: Sendable {
        /// The bytes were changed, or do not follow their format.
        case damaged
        /// The object ends too early.
        case cut
        /// The bytes are not records of this product.
        case foreign
        /// A format, codec or layout that this version does not read.
        case unsupported
        /// The bytes could not be read at all.
        case unreadable
    }

    /// What kind of trouble it is.
    public let reason: Reason
    /// What this means for a program that needs the object.
    public let exitStatus: ExitStatus

    /// The object.
    public let name: String
    /// What is wrong, and where.
    public let words: String

    /// Describes an object.
    public init(_ reason: Reason, _ name: String, _ words: String) {
        self.reason = reason
        self.name = name
        self.words = words
        exitStatus = reason == .unreadable ? .inputOutput : .badInput
    }

    /// An object whose bytes do not come, for what the reader of them says.
    init(_ name: String, unreadable error: any Error) {
        reason = .unreadable
        self.name = name
        words = "\(error)"
        exitStatus = ExitStatus(for: error)
    }

    /// For example `a.avro: is damaged: the mark behind a block is not the one of the header`.
    public var description: String {
        let what =
            switch reason {
            case .damaged: "is damaged: "
            case .cut: "is cut: "
            case .foreign: "does not hold records of this product: "
            case .unsupported: "is not supported: "
            case .unreadable: "cannot be read: "
            }
        return "\(name): \(what)\(words)"
    }
}
