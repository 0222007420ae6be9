import SBE

/// A stream message that is not turned into records: it is kept aside with this reason.
public struct StreamError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Kinds of reason, for figures.
    public enum Reason: String, CaseIterable, Sendable {
        /// It ends before its own lengths say so.
        case truncated
        /// It names another schema than the venue's stream schema.
        case schema
        /// The schema's, but no template that is known here.
        case template
        /// A length or a value that the template does not allow.
        case value
        /// The symbol is empty, longer than a symbol may be, or not UTF-8.
        case symbol
        /// Its ids are so wide or so far ahead that they cannot be true.
        case implausible
        /// Its record would be over the frame limit.
        case length
    }

    /// The kind of reason.
    public let reason: Reason
    /// What is wrong, in words.
    public let description: String

    init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    init(_ error: SBEError) {
        let reason: Reason =
            switch error {
            case .truncated: .truncated
            case .foreignSchema: .schema
            case .foreignTemplate: .template
            case .shortBlock, .tooManyEntries, .tooLong: .value
            case .noRoom: .length
            }
        self.init(reason, "\(error)")
    }
}
