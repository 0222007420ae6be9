/// Texts of elements in the small XML answers of S3.
enum XMLText {
    /// The text of the first element of a name, entities decoded; nil when there is none.
    ///
    /// Looks at names only, not at nesting: enough for answers whose elements have one meaning.
    static func first(_ name: String, in bytes: [UInt8]) -> String? {
        var rest = bytes[...]
        return next(name, in: &rest)
    }

    /// The contents of all elements of a name, as they are there.
    static func elements(_ name: String, in bytes: [UInt8]) -> [[UInt8]] {
        var rest = bytes[...]
        var elements: [[UInt8]] = []
        while let content = nextContent(name, in: &rest) { elements.append(Array(content)) }
        return elements
    }

    private static func next(_ name: String, in bytes: inout ArraySlice<UInt8>) -> String? {
        nextContent(name, in: &bytes).map { decoded(String(decoding: $0, as: UTF8.self)) }
    }

    private static func nextContent(
        _ name: String, in bytes: inout ArraySlice<UInt8>
    ) -> ArraySlice<UInt8>? {
        guard let start = position(of: Array("<\(name)>".utf8), in: bytes) else { return nil }
        let content = bytes[(start + name.utf8.count + 2)...]
        guard let end = position(of: Array("</\(name)>".utf8), in: content) else { return nil }
        bytes = content[(end + name.utf8.count + 3)...]
        return content[..<end]
    }

    private static func position(of pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = pattern.first, bytes.count >= pattern.count else { return nil }
        for start in bytes.startIndex...(bytes.endIndex - pattern.count)
        where bytes[start] == first && bytes[start..<start + pattern.count].elementsEqual(pattern) {
            return start
        }
        return nil
    }

    private static func decoded(_ text: String) -> String {
        guard text.contains("&") else { return text }
        var result = ""
        var rest = text[...]
        while let ampersand = rest.firstIndex(of: "&") {
            result += rest[..<ampersand]
            rest = rest[ampersand...]
            guard let end = rest.prefix(12).firstIndex(of: ";"),
                let character = entity(rest[rest.index(after: ampersand)..<end])
            else {
                result.append("&")
                rest = rest.dropFirst()
                continue
            }
            result.append(character)
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private static func entity(_ name: Substring) -> Character? {
        switch name {
        case "lt": return "<"
        case "gt": return ">"
        case "amp": return "&"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard name.hasPrefix("#") else { return nil }
            let isHex = name.hasPrefix("#x")
            return UInt32(name.dropFirst(isHex ? 2 : 1), radix: isHex ? 16 : 10)
                .flatMap(Unicode.Scalar.init).map(Character.init)
        }
    }

    /// A text as element content.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }
}
