import Posix

/// The shared files `~/.aws/credentials` and `~/.aws/config`: sections of names and values.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files", and what
/// AWS's own tools take beside it (botocore 1.43.11): `:` instead of `=`, indented sections and
/// keys, any line end. A byte order mark is passed over, which botocore refuses. A value in an
/// indented line under `s3 =` has the name `s3.addressing_style`.
struct ProfileFile {
    /// A value, and where it is.
    struct Setting: Equatable {
        let text: String
        /// `FILE:LINE`.
        let place: String
    }

    /// A line that is none of such a file.
    struct Malformed: Error, CustomStringConvertible {
        /// `FILE:LINE: what is wrong`; holds nothing of the line, which may be a secret.
        let description: String
    }

    typealias Section = [String: Setting]

    /// By profile name, then by lower-case setting name.
    private(set) var profiles: [String: Section] = [:]
    /// `[services NAME]` of the config file, likewise.
    private(set) var services: [String: Section] = [:]
    /// Where it is; nil when it is not there.
    private(set) var path: String?

    private enum Place {
        case profile(String)
        case services(String)
        /// A section that holds nothing for us, such as `[sso-session x]`.
        case other
        /// Before the first section.
        case outside
    }

    /// Without profiles.
    init() {}

    /// Reads text.
    ///
    /// - Parameters:
    ///   - isConfig: in the config file a section is called `[profile name]`, except `[default]`;
    ///     other sections are not profiles.
    ///   - path: for messages.
    init(_ text: String, isConfig: Bool, path: String) throws(Malformed) {
        self.path = path
        var section = Place.outside
        /// The last key that is not nested, how far it is indented, and whether it has a value.
        var parent: (key: String, indent: Int, hasValue: Bool)?
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            func malformed(_ reason: String) -> Malformed {
                Malformed(description: "\(path):\(index + 1): \(reason)")
            }
            let indent = line.prefix { $0.isWhitespace }.count
            let content = Text.trimmed(line)
            if content.isEmpty || content.hasPrefix("#") || content.hasPrefix(";") { continue }
            if content.hasPrefix("[") {
                guard let end = content.firstIndex(of: "]") else {
                    throw malformed("a section without its closing bracket")
                }
                let title = Text.trimmed(content[content.index(after: content.startIndex)..<end])
                section = Self.section(title, isConfig)
                parent = nil
                add(section)
                continue
            }
            if case .outside = section {
                throw malformed("a setting before the first section, such as [default]")
            }
            guard let mark = content.firstIndex(where: { $0 == "=" || $0 == ":" }),
                mark > content.startIndex
            else {
                // What is indented below a value continues it; no setting of ours has such values.
                if let parent, parent.hasValue, indent > parent.indent { continue }
                throw malformed("neither a section nor NAME = VALUE")
            }
            let key = Text.trimmed(content[..<mark]).lowercased()
            let text = Self.value(content[content.index(after: mark)...])
            let setting = Setting(text: text, place: "\(path):\(index + 1)")
            if let parent, !parent.hasValue, indent > parent.indent {
                add(section, "\(parent.key).\(key)", setting)
            } else {
                parent = (key, indent, !text.isEmpty)
                if !text.isEmpty { add(section, key, setting) }
            }
        }
    }

    /// Reads a file; one that is not there has no profiles.
    ///
    /// - Throws: `SystemError` for a file over 1 MiB or one that cannot be read, ``Malformed``.
    init(path: String, isConfig: Bool) throws {
        guard try Files.status(path) != nil else {
            self.init()
            return
        }
        var bytes = try Files.read(path, limit: 1 << 20)[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
            || bytes.contains(0)
        {
            throw Malformed(description: "\(path):1: the file is not UTF-8; UTF-16 perhaps")
        }
        try self.init(
            String(decoding: bytes, as: UTF8.self), isConfig: isConfig, path: path)
    }

    private mutating func add(_ place: Place, _ key: String? = nil, _ setting: Setting? = nil) {
        switch place {
        case .profile(let name): Self.add(key, setting, to: &profiles[name, default: [:]])
        case .services(let name): Self.add(key, setting, to: &services[name, default: [:]])
        case .other, .outside: break
        }
    }

    private static func add(_ key: String?, _ setting: Setting?, to section: inout Section) {
        if let key { section[key] = setting }
    }

    private static func section(_ title: String, _ isConfig: Bool) -> Place {
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
