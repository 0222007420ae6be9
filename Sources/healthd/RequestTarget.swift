/// What a request asks for, in any of the forms that a request line may have.
///
/// Source: RFC 9112, section 3.2.
struct RequestTarget: Equatable {
    /// Without the query: `*` for the whole server, else beginning with a slash. Slashes in a row are
    /// one, and letters, digits, `-`, `.`, `_` and `~` are written as themselves.
    let path: String
    /// The host of a target in the absolute form, which counts instead of the field `Host`; nil for
    /// the other forms.
    let host: String?

    /// Reads a target; nil for one that is in none of the forms, or names a user.
    init?(_ text: String, isOptions: Bool) {
        if text == "*" {
            (path, host) = ("*", nil)
            return
        }
        if text.hasPrefix("/") {
            path = Self.normalized(text[...])
            host = nil
            return
        }
        let lower = text.lowercased()
        let scheme = ["http://", "https://"].first { lower.hasPrefix($0) }
        guard let scheme else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { !"/?#".contains($0) }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        host = String(authority)
        let target = rest.dropFirst(authority.count)
        // A proxy that is asked about the server itself has no other way to say so.
        path = target.isEmpty && isOptions ? "*" : Self.normalized(target)
    }

    private static func normalized(_ target: Substring) -> String {
        var path: [UInt8] = [UInt8(ascii: "/")]
        var rest = target.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let plain = unreserved(rest.prefix(2)) {
                path.append(plain)
                rest = rest.dropFirst(2)
            } else if byte != UInt8(ascii: "/") || path.last != byte {
                path.append(byte)
            }
        }
        return String(decoding: path, as: UTF8.self)
    }

    /// The character of two hexadecimal digits where the escape means nothing (RFC 3986, section
    /// 6.2.2.2); nil for others.
    private static func unreserved(_ digits: some Collection<UInt8>) -> UInt8? {
        let text = String(decoding: Array(digits), as: UTF8.self)
        guard text.utf8.count == 2, !text.hasPrefix("+"), let byte = UInt8(text, radix: 16) else {
            return nil
        }
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            return byte
        default: return nil
        }
    }
}
