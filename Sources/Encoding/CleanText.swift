/// Values that people set: in the environment, or as the only line of a file.
///
/// Editors, shells, secret stores and other systems leave marks around them: a byte order mark, a
/// carriage return, blanks, a pair of quotes that a shell would have taken away. None of these are
/// ever part of a key, a token, a URL or a path that works.
public enum CleanText {
    /// The value without what surrounds it.
    public static func of(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        trim(&scalars)
        if scalars.count >= 2, let first = scalars.first, first == scalars.last,
            first == "\"" || first == "'"
        {
            scalars = scalars.dropFirst().dropLast()
            trim(&scalars)
        }
        return String(scalars)
    }

    /// The value of a file with one line.
    public static func of(_ bytes: [UInt8]) -> String { of(String(decoding: bytes, as: UTF8.self)) }

    /// True when something is inside that no key, token or URL has: white space or a control
    /// character, as in a value that was pasted with a line break.
    public static func isBroken(_ text: String) -> Bool {
        text.unicodeScalars.contains(where: isMark)
    }

    private static func trim(_ scalars: inout Substring.UnicodeScalarView) {
        while let first = scalars.first, isMark(first) { scalars.removeFirst() }
        while let last = scalars.last, isMark(last) { scalars.removeLast() }
    }

    /// White space of any kind, control characters, and characters without width.
    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || scalar.value < 0x20 || scalar.value == 0x7F
            || ["\u{FEFF}", "\u{200B}", "\u{2060}"].contains(scalar)
    }
}
