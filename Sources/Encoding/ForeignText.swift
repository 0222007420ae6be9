extension String {
    /// The text in one line that a terminal only shows: control characters, line ends and what
    /// turns the direction of writing are escaped as in JSON (`\u001b`).
    public var escapingControls: String {
        guard unicodeScalars.contains(where: Self.isControl) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            guard Self.isControl(scalar) else {
                result.unicodeScalars.append(scalar)
                continue
            }
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                result += "\\u" + Hex.text(scalar.value, width: 4)
            }
        }
        return result
    }

    /// C0, DEL, C1, the line and paragraph separators, and the marks that reorder text.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
