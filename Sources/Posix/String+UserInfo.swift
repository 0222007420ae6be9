extension String {
    /// The text without the user names and passwords of URLs in it, for logs and errors:
    /// `http://user:secret@host/` becomes `http://***@host/`.
    public var withoutUserInfo: String {
        guard contains("@"), contains("://") else { return self }
        var result = ""
        var rest = self[...]
        while let scheme = rest.firstRange(of: "://") {
            result += rest[..<scheme.upperBound]
            rest = rest[scheme.upperBound...]
            // An authority ends with a slash, a question mark, a hash or what quotes a URL in text;
            // a password may hold an @, so that the last one counts.
            let authority = rest.prefix {
                !"/?#\"'<>".contains($0) && !$0.isWhitespace && !$0.isNewline
            }
            if let at = authority.lastIndex(of: "@") {
                result += "***"
                rest = rest[at...]
            }
        }
        return result + rest
    }
}
