import Encoding
import Posix

/// The shared files `~/.aws/credentials` and `~/.aws/config`: sections of names and values.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files", and what
/// AWS's own tools take beside it (botocore 1.43.11): `:` instead of `=`, indented sections and
/// keys, any line end, lines that continue a value. A byte order mark is passed over, which botocore
/// refuses. A value in an indented line under `s3 =` has the name `s3.addressing_style`.
struct ProfileFile {
    /// A value, and where it is.
    struct Setting: Equatable {
        let text: String
        /// `FILE:LINE`.
        let place: String
    }

    /// A line that does not belong in such a file.
    struct Malformed: Error, CustomStringConvertible {
        /// `FILE:LINE: what is wrong`; holds nothing of the line, which may be a secret.
        let description: String
    }

    typealias Section = [String: Setting]

    /// By profile name, then by lower-case setting name.
    private(set) var profiles: [String: Section] = [:]
    /// `[services NAME]` of the config file, likewise.
    private(set) var services: [String: Section] = [:]
    /// `[sso-session NAME]` of the config file, likewise.
    private(set) var ssoSessions: [String: Section] = [:]
    /// What is wrong with a section that was meant to be a profile, by the profile's name.
    private(set) var misnamed: [String: String] = [:]
    /// Where it is; nil when it is not there.
    private(set) var path: String?
    /// Profiles of the config file that `[profile NAME]` names: they win over `[NAME]`.
    private var explicit: Set<String> = []

    private enum Place {
        case profile(String)
        case services(String)
        case ssoSession(String)
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
            let content = line.trimmed
            if content.isEmpty || content.hasPrefix("#") || content.hasPrefix(";") { continue }
            if content.hasPrefix("[") {
                guard let end = content.firstIndex(of: "]") else {
                    throw malformed("a section without its closing bracket")
                }
                let title = content[content.index(after: content.startIndex)..<end].trimmed
                section = self.section(title, isConfig, "\(path):\(index + 1)")
                parent = nil
                add(section)
                continue
            }
            if case .outside = section {
                throw malformed("a setting before the first section, such as [default]")
            }
            let place = "\(path):\(index + 1)"
            let mark = content.firstIndex { $0 == "=" || $0 == ":" }
            let key = mark.map { content[..<$0].trimmed.lowercased() } ?? ""
            // What is indented below a value and does not begin with a setting's name continues it.
            if let above = parent, above.hasValue, indent > above.indent, !Self.isName(key) {
                extend(section, above.key, by: content)
                continue
            }
            guard let mark, !key.isEmpty else {
                throw malformed("neither a section nor NAME = VALUE")
            }
            let text = Self.value(content[content.index(after: mark)...], of: key)
            let setting = Setting(text: text, place: place)
            if let above = parent, !above.hasValue, indent > above.indent {
                add(section, "\(above.key).\(key)", setting)
            } else {
                parent = (key, indent, !text.isEmpty)
                if !text.isEmpty { add(section, key, setting) }
            }
        }
    }

    /// True for what may be a setting's name: letters, digits, `_`, `-` and `.`, a letter first.
    private static func isName(_ key: String) -> Bool {
        guard let first = key.utf8.first, (0x61...0x7A).contains(first) else { return false }
        return key.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0)
                || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains($0)
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
        case .ssoSession(let name): Self.add(key, setting, to: &ssoSessions[name, default: [:]])
        case .other, .outside: break
        }
    }

    private static func add(_ key: String?, _ setting: Setting?, to section: inout Section) {
        if let key { section[key] = setting }
    }

    /// Adds a line to a value.
    private mutating func extend(_ place: Place, _ key: String, by line: String) {
        guard case .profile(let name) = place, let before = profiles[name]?[key] else { return }
        profiles[name]?[key] = Setting(text: before.text + "\n" + line, place: before.place)
    }

    private mutating func section(_ title: String, _ isConfig: Bool, _ place: String) -> Place {
        let words = title.split(maxSplits: 1, whereSeparator: \.isWhitespace).map(String.init)
        let last = words.last.map(Self.unquoted) ?? ""
        guard isConfig else {
            if words.count == 2, words[0] == "profile" {
                misnamed[last] =
                    "[\(title)] (\(place)) is in the credentials file, where it has to be [\(last)]"
            }
            return .profile(Self.unquoted(title))
        }
        if words.count == 1, words[0] == "default" {
            return explicit.contains("default") ? .other : .profile("default")
        }
        guard words.count == 2 else {
            misnamed[last] =
                "[\(title)] (\(place)) is in the config file, where it has to be [profile \(last)]"
            return .other
        }
        switch words[0] {
        case "profile":
            if last == "default", explicit.insert(last).inserted { profiles[last] = nil }
            return .profile(last)
        case "services": return .services(last)
        case "sso-session": return .ssoSession(last)
        default: return .other
        }
    }

    private static func unquoted(_ name: String) -> String {
        let isQuoted =
            name.count > 2 && name.first == name.last && (name.first == "\"" || name.first == "'")
        return isQuoted ? String(name.dropFirst().dropLast()) : name
    }

    /// A value ends where white space and `#` or `;` begin a comment, and is written without quotes;
    /// but a command is left as it is, as the AWS CLI does.
    private static func value(_ text: Substring, of key: String) -> String {
        guard key != "credential_process" else { return text.trimmed }
        var value = text
        for start in text.indices where text[start] == "#" || text[start] == ";" {
            if start > text.startIndex, text[text.index(before: start)].isWhitespace {
                value = text[..<start]
                break
            }
        }
        return CleanText.of(String(value))
    }
}
