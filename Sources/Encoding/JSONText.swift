public import Posix

/// How texts are written in JSON (RFC 8259, section 7). The one rule for all that this package
/// writes: quotation marks and backslashes get a backslash, line ends and tabs their short form,
/// other control characters and DEL `\u00XX`; the rest stays as it is.
enum JSONText {
    /// What stands for a character; nil for itself.
    static func escape(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\u{0}"..<"\u{20}", "\u{7F}": "\\u" + Hex.text(scalar.value, width: 4)
        default: nil
        }
    }
}

extension String {
    /// A text as a JSON string with its quotes.
    public init(jsonQuoted text: String) {
        self = ""
        append(jsonQuoted: text)
    }

    /// Appends a text as a JSON string with its quotes.
    public mutating func append(jsonQuoted text: String) {
        self += "\""
        for scalar in text.unicodeScalars {
            if let escape = JSONText.escape(scalar) {
                self += escape
            } else {
                unicodeScalars.append(scalar)
            }
        }
        self += "\""
    }
}

extension Bytes {
    /// Appends text as it is between the quotes of a JSON string.
    public mutating func append(jsonEscaping text: String) {
        for scalar in text.unicodeScalars {
            append(utf8: JSONText.escape(scalar) ?? String(scalar))
        }
    }
}
