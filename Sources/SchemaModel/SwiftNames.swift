/// Turns names of a schema into names of Swift.
enum SwiftNames {
    /// `priceExponent`, `OCO` → `oco`; keywords in backticks.
    static func property(_ name: String) -> String {
        let plain = lowerCamel(name)
        if forbidden.contains(plain) || plain.hasPrefix("sbe") && plain != "sbe" {
            return plain + "_"
        }
        return keywords.contains(plain) ? "`\(plain)`" : plain
    }

    /// `venueCode` → `VenueCode`, `outer.inner` → `OuterInner`; names of Swift and SBE get `Type`.
    static func type(_ name: String) -> String {
        let plain = upperCamel(name)
        return taken.contains(plain) ? plain + "Type" : plain
    }

    /// Words joined, each with a capital.
    static func upperCamel(_ name: String) -> String {
        words(name).map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    static func lowerCamel(_ name: String) -> String {
        let name = upperCamel(name)
        let capitals = name.prefix { $0.isUppercase }.count
        switch capitals {
        case 0: return name
        case 1: return name.prefix(1).lowercased() + name.dropFirst()
        case name.count: return name.lowercased()
        default:
            // The last capital begins the next word, unless a digit or underscore follows.
            let next = name[name.index(name.startIndex, offsetBy: capitals)]
            let head = next.isLowercase ? capitals - 1 : capitals
            return name.prefix(head).lowercased() + name.dropFirst(head)
        }
    }

    private static func words(_ name: String) -> [Substring] {
        name.split { !($0.isLetter || $0.isNumber) }
    }

    private static let forbidden: Set = ["init", "self", "Self", "Type", "Protocol"]

    private static let keywords: Set = [
        "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer",
        "deinit", "do", "else", "enum", "extension", "fallthrough", "false", "fileprivate", "for",
        "func", "guard", "if", "import", "in", "inout", "internal", "is", "let", "nil",
        "operator", "precedencegroup", "private", "protocol", "public", "repeat", "rethrows",
        "return", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true",
        "try", "typealias", "var", "where", "while", "Any",
    ]

    private static let taken: Set = [
        "Any", "Array", "Bool", "Character", "Double", "Float", "Hashable", "InlineArray", "Int",
        "Int128", "Int16", "Int32", "Int64", "Int8", "GroupDimension", "MessageHeader",
        "MutableRawSpan", "Never", "OptionSet", "Optional", "RawRepresentable", "RawSpan",
        "SBEError", "Self", "Sendable", "StaticString", "String", "Type", "UInt", "UInt128",
        "UInt16", "UInt32", "UInt64", "UInt8",
    ]
}
