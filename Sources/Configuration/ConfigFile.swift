import Posix

/// A configuration file as dotted keys: `retry: {max_attempts: 5}` is `retry.max_attempts` = `5`.
///
/// YAML as libyaml reads it, with `${NAME}` (required), `${NAME:-default}` and `${NAME:?message}`
/// replaced from the environment in every value. A list is its elements with commas between them.
/// Anchors, aliases and `<<` work as in YAML; keys `x-…` at the top are a place for anchors.
struct ConfigFile {
    /// A value and where it is written.
    struct Entry: Equatable {
        let text: String
        let line: Int
        /// True for `key:`, `~` and `null` without quotes: the setting is not set.
        var isNull = false
        /// True for `[]`, which says that there are none and not that nothing is said.
        var isEmptyList = false
    }

    /// Something wrong in the file; what is right can still be read.
    struct Problem: Equatable {
        let line: Int
        let reason: String
    }

    /// A configuration file is a page or two; this keeps a wrong path from being read whole.
    static let maximumLength = 1 << 20

    let path: String
    private(set) var entries: [String: Entry] = [:]
    /// By line.
    private(set) var problems: [Problem] = []

    /// Reads a file.
    init(path: String, variables: Variables) throws(ConfigurationError) {
        let bytes: [UInt8]
        do { bytes = try Files.read(path, limit: Self.maximumLength) } catch {
            throw ConfigurationError("configuration: \(error)")
        }
        self.init(path: path, bytes: bytes, variables: variables)
    }

    init(path: String, bytes: [UInt8], variables: Variables) {
        self.path = path
        do throws(YAMLError) {
            guard let root = try YAMLReader.document(bytes) else { return }
            switch root.content {
            case .mapping(let pairs): read(pairs, below: "", variables)
            case .null: break
            default:
                throw YAMLError(line: root.line, "the file is not a mapping of keys to values")
            }
        } catch {
            problems.append(Problem(line: error.line, reason: error.reason))
        }
        problems.sort { $0.line < $1.line }
    }

    /// Gives a value another key, for one that was renamed; the new key's own value wins.
    mutating func move(_ old: String, to new: String) {
        guard let entry = entries.removeValue(forKey: old), entries[new] == nil else { return }
        entries[new] = entry
    }

    // MARK: - Reading

    private mutating func read(
        _ pairs: [YAMLNode.Pair], below prefix: String, _ variables: Variables
    ) {
        for pair in merged(pairs) {
            // As in compose files: a place for what anchors stand for, and no setting.
            if prefix.isEmpty, pair.key.hasPrefix("x-") { continue }
            let key = prefix.isEmpty ? pair.key : "\(prefix).\(pair.key)"
            switch pair.value.content {
            case .scalar(let text):
                store(key, substituted(text, pair.value.line, variables), pair.value.line)
            case .null:
                store(key, "", pair.value.line, isNull: true)
            case .mapping(let pairs):
                read(pairs, below: key, variables)
            case .list(let elements):
                var texts: [String] = []
                for element in elements {
                    guard case .scalar(let text) = element.content else {
                        problem(element.line, "\(key): a list of plain values is expected")
                        continue
                    }
                    if let text = substituted(text, element.line, variables) { texts.append(text) }
                }
                store(
                    key, texts.joined(separator: ","), pair.value.line,
                    isEmptyList: elements.isEmpty)
            }
        }
    }

    /// The pairs of a mapping with those that it takes over by `<<`: its own win, and the first of
    /// several mappings.
    private mutating func merged(_ pairs: [YAMLNode.Pair]) -> [YAMLNode.Pair] {
        guard pairs.contains(where: \.isMerge) else { return pairs }
        var result = pairs.filter { !$0.isMerge }
        for pair in pairs where pair.isMerge {
            let sources: [YAMLNode]
            if case .list(let elements) = pair.value.content {
                sources = elements
            } else {
                sources = [pair.value]
            }
            for source in sources {
                guard case .mapping(let others) = source.content else {
                    problem(pair.line, "<< takes over a mapping, or a list of them")
                    continue
                }
                for other in merged(others) where !result.contains(where: { $0.key == other.key }) {
                    result.append(other)
                }
            }
        }
        return result
    }

    private mutating func store(
        _ key: String, _ text: String?, _ line: Int, isNull: Bool = false,
        isEmptyList: Bool = false
    ) {
        guard let text else { return }
        if let first = entries[key] {
            problem(line, "\(key) is set a second time (first in line \(first.line))")
            return
        }
        entries[key] = Entry(
            text: text, line: line, isNull: isNull, isEmptyList: isEmptyList)
    }

    private mutating func problem(_ line: Int, _ reason: String) {
        problems.append(Problem(line: line, reason: reason))
    }

    private mutating func substituted(_ text: String, _ line: Int, _ variables: Variables)
        -> String?
    {
        do throws(SettingError) { return try Substitution.apply(text, variables) } catch {
            problem(line, error.description)
            return nil
        }
    }
}

/// `${NAME}` in values.
enum Substitution {
    /// Replaces `${NAME}`, `${NAME:-default}`, `${NAME:default}` and `${NAME:?message}`.
    ///
    /// - Throws: for a variable that is not set and has no default, with its name.
    static func apply(_ text: String, _ variables: Variables) throws(SettingError) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: "}") else {
                throw SettingError("${ without a closing }")
            }
            result += try value(String(rest[..<end]), variables)
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private static func value(_ body: String, _ variables: Variables) throws(SettingError) -> String
    {
        let name = body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let rest = body.dropFirst(name.count)
        guard !name.isEmpty, rest.isEmpty || rest.hasPrefix(":") else {
            throw SettingError("${\(body)} is not ${NAME} or ${NAME:-default}")
        }
        let value = variables[String(name)] ?? ""
        guard !rest.isEmpty else {
            guard variables[String(name)] != nil else {
                throw SettingError("the environment variable \(name) is not set")
            }
            return value
        }
        guard value.isEmpty else { return value }
        let other = rest.dropFirst()
        if other.hasPrefix("?") {
            let words = other.dropFirst()
            throw SettingError(
                "the environment variable \(name) is not set" + (words.isEmpty ? "" : ": \(words)"))
        }
        // The service that this replaces had both forms.
        return String(other.hasPrefix("-") ? other.dropFirst() : other)
    }
}
