/// Why bytes are not the message that a decoder or encoder was made for.
///
/// Offsets count bytes from the message header. `message` is the schema's message name, `part`
/// what was being looked at: the root block, or a group or variable data field by name.
public enum SBEError: Error, Equatable, Sendable {
    /// The bytes end before what their own lengths announce.
    case truncated(message: String, part: String, offset: Int, need: Int, have: Int)
    /// The message header names another schema.
    case foreignSchema(message: String, expected: UInt16, found: UInt16)
    /// The message header names another template.
    case foreignTemplate(message: String, expected: UInt16, found: UInt16)
    /// A block is too short for the fields that its schema version has.
    case shortBlock(message: String, part: String, offset: Int, need: Int, have: Int)
    /// A group announces, or was asked for, more entries than its schema allows.
    case tooManyEntries(message: String, part: String, offset: Int, count: Int, limit: Int)
    /// A variable data field or char array announces, or was given, more bytes than allowed.
    case tooLong(message: String, part: String, offset: Int, length: Int, limit: Int)
    /// The caller's buffer cannot take what was to be encoded.
    case noRoom(message: String, part: String, offset: Int, need: Int, have: Int)
}

extension SBEError: CustomStringConvertible {
    /// One line: message, part, offset and the numbers that do not fit.
    public var description: String {
        switch self {
        case .truncated(let message, let part, let offset, let need, let have):
            "\(message): \(part) at offset \(offset) needs \(need) bytes, \(have) are there"
        case .foreignSchema(let message, let expected, let found):
            "\(message): schema id is \(found), expected \(expected)"
        case .foreignTemplate(let message, let expected, let found):
            "\(message): template id is \(found), expected \(expected)"
        case .shortBlock(let message, let part, let offset, let need, let have):
            "\(message): \(part) at offset \(offset) has a block of \(have) bytes,"
                + " its fields need \(need)"
        case .tooManyEntries(let message, let part, let offset, let count, let limit):
            "\(message): \(part) at offset \(offset) has \(count) entries, at most \(limit) allowed"
        case .tooLong(let message, let part, let offset, let length, let limit):
            "\(message): \(part) at offset \(offset) has \(length) bytes, at most \(limit) allowed"
        case .noRoom(let message, let part, let offset, let need, let have):
            "\(message): no room for \(part) at offset \(offset):"
                + " \(need) bytes needed, \(have) left"
        }
    }
}
