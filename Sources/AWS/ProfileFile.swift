import Posix

/// The shared files `~/.aws/credentials` and `~/.aws/config`: sections of names and values.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files". A value in
/// an indented line under `s3 =` has the name `s3.addressing_style`.
struct ProfileFile {
    /// By profile name, then by lower-case setting name.
    private(set) var profiles: [String: [String: String]] = [:]
    /// `[services NAME]` of the config file, likewise.
    private(set) var services: [String: [String: String]] = [:]

    private enum Section {
        case profile(String)
        case services(String)
        case other
    }

    /// Reads text.
    ///
    /// - Parameter isConfig: in the config file a section is called `[profile name]`, except
    ///   `[default]`; other sections are no profiles.
    init(_ text: String, isConfig: Bool) {
        var section = Section.other
        var parent: String?
        for line in text.split(whereSeparator: \.isNewline) {
            let isIndented = line.first?.isWhitespace == true
            let content = Text.trimmed(line)
            if content.isEmpty || content.hasPrefix("#") || content.hasPrefix(";") { continue }
            if !isIndented, content.hasPrefix("["), let end = content.firstIndex(of: "]") {
                section = ProfileFile.section(
                    Text.trimmed(content[content.index(after: content.startIndex)..<end]), isConfig)
                parent = nil
                add(section, nil, "")
            } else if let equals = content.firstIndex(of: "=") {
                let key = Text.trimmed(content[..<equals]).lowercased()
                let value = ProfileFile.value(content[content.index(after: equals)...])
                if !isIndented {
                    parent = value.isEmpty ? key : nil
                    if !value.isEmpty { add(section, key, value) }
                } else if let parent {
                    add(section, "\(parent).\(key)", value)
                }
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

    private mutating func add(_ section: Section, _ key: String?, _ value: String) {
        switch section {
        case .profile(let name):
            profiles[name, default: [:]].merge(key.map { [$0: value] } ?? [:]) { $1 }
        case .services(let name):
            services[name, default: [:]].merge(key.map { [$0: value] } ?? [:]) { $1 }
        case .other: break
        }
    }

    private static func section(_ title: String, _ isConfig: Bool) -> Section {
        guard isConfig else { return .profile(unquoted(title)) }
        let words = title.split(maxSplits: 1, whereSeparator: \.isWhitespace).map(String.init)
        if words == ["default"] { return .profile("default") }
        guard words.count == 2 else { return .other }
        let name = unquoted(Text.trimmed(words[1]))
        switch words[0] {
        case "profile": return .profile(name)
        case "services": return .services(name)
        default: return .other
        }
    }

    private static func unquoted(_ name: String) -> String {
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
