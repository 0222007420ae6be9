import Posix

/// The shared files `~/.aws/credentials` and `~/.aws/config`: profiles of names and values.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files". Nested
/// values (`s3 =` with indented lines) are passed over.
struct ProfileFile {
    /// By profile name, then by lower-case setting name.
    private(set) var profiles: [String: [String: String]] = [:]

    /// Reads text.
    ///
    /// - Parameter isConfig: in the config file a section is called `[profile name]`, except
    ///   `[default]`; other sections are no profiles.
    init(_ text: String, isConfig: Bool) {
        var profile: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let isIndented = line.first?.isWhitespace == true
            let content = Text.trimmed(line)
            if content.isEmpty || content.hasPrefix("#") || content.hasPrefix(";") { continue }
            if content.hasPrefix("["), let end = content.firstIndex(of: "]") {
                profile = ProfileFile.name(
                    Text.trimmed(content[content.index(after: content.startIndex)..<end]), isConfig)
                if let profile, profiles[profile] == nil { profiles[profile] = [:] }
            } else if let profile, !isIndented, let equals = content.firstIndex(of: "=") {
                let key = Text.trimmed(content[..<equals]).lowercased()
                profiles[profile]?[key] = ProfileFile.value(
                    content[content.index(after: equals)...])
            }
        }
    }

    /// Reads a file; one that is not there has no profiles.
    ///
    /// - Throws: for a file over 1 MiB or one that cannot be read.
    init(path: String, isConfig: Bool) throws(SystemError) {
        guard try Files.status(path) != nil else {
            self.init("", isConfig: isConfig)
            return
        }
        let bytes = try Files.read(path, limit: 1 << 20)
        self.init(String(decoding: bytes, as: UTF8.self), isConfig: isConfig)
    }

    private static func name(_ section: String, _ isConfig: Bool) -> String? {
        var words = section.split(maxSplits: 1, whereSeparator: \.isWhitespace).map(String.init)
        if isConfig {
            if words == ["default"] { return "default" }
            guard words.count == 2, words[0] == "profile" else { return nil }
            words.removeFirst()
        } else {
            words = [section]
        }
        let name = words[0]
        let isQuoted =
            name.count > 2 && name.first == name.last && (name.first == "\"" || name.first == "'")
        return isQuoted ? String(name.dropFirst().dropLast()) : name
    }

    /// A value ends where white space and `#` or `;` begin a comment.
    private static func value(_ text: Substring) -> String {
        var value = text
        for start in text.indices where text[start] == "#" || text[start] == ";" {
            if start > text.startIndex, text[text.index(before: start)].isWhitespace {
                value = text[..<start]
                break
            }
        }
        return Text.trimmed(value)
    }
}
