import Posix

/// A configuration file as dotted keys: `retry: {max_attempts: 5}` is `retry.max_attempts` = `5`.
///
/// YAML as libyaml reads it, with `${NAME}` (required) and `${NAME:-default}` replaced from the
/// environment in every value. A list is its elements with commas between them.
struct ConfigFile {
    /// A value and where it stands.
    struct Entry: Equatable {
        var text: String
        let line: Int
        /// True for `key:`, `~` and `null` without quotes: the setting is not set.
        var isNull = false
    }

    /// A configuration file is a page or two; this keeps a wrong path from being read whole.
    static let maximumLength = 1 << 20

    let path: String
    private(set) var entries: [String: Entry] = [:]

    /// Reads a file.
    init(path: String, environment: [String: String]) throws(ConfigurationError) {
        let bytes: [UInt8]
        do { bytes = try Files.read(path, limit: Self.maximumLength) } catch {
            throw ConfigurationError("configuration: \(error)")
        }
        try self.init(path: path, bytes: bytes, environment: environment)
    }

    init(path: String, bytes: [UInt8], environment: [String: String]) throws(ConfigurationError) {
        self.path = path
        var events = YAMLEvents(bytes)
        defer { events.close() }
        do throws(ConfigError) {
            try events.expectStart()
            guard let root = try events.next() else { return }
            switch root.kind {
            case .mapping: try readMapping("", &events, environment)
            case .null: break
            default:
                throw ConfigError(line: root.line, "the file is not a mapping of keys to values")
            }
            try events.expectEnd()
        } catch {
            throw ConfigurationError("\(path):\(error.line): \(error.reason)")
        }
    }

    private mutating func readMapping(
        _ prefix: String, _ events: inout YAMLEvents, _ environment: [String: String]
    ) throws(ConfigError) {
        while let event = try events.next() {
            if case .end = event.kind { return }
            guard case .scalar(let name) = event.kind else {
                throw ConfigError(line: event.line, "expected a key")
            }
            let key = prefix.isEmpty ? name : "\(prefix).\(name)"
            guard let value = try events.next() else {
                throw ConfigError(line: event.line, "\(key) has no value")
            }
            switch value.kind {
            case .scalar(let text):
                try store(key, substitute(text, environment, value.line), value.line)
            case .null:
                try store(key, "", value.line, isNull: true)
            case .mapping:
                try readMapping(key, &events, environment)
            case .sequence:
                var elements: [String] = []
                while let element = try events.next() {
                    if case .end = element.kind { break }
                    guard case .scalar(let text) = element.kind else {
                        throw ConfigError(
                            line: element.line, "\(key): a list of plain values is expected")
                    }
                    elements.append(try substitute(text, environment, element.line))
                }
                try store(key, elements.joined(separator: ","), value.line)
            case .end:
                throw ConfigError(line: value.line, "\(key) has no value")
            }
        }
    }

    private mutating func store(
        _ key: String, _ text: String, _ line: Int, isNull: Bool = false
    ) throws(ConfigError) {
        if let first = entries[key] {
            throw ConfigError(
                line: line, "\(key) is set a second time (first in line \(first.line))")
        }
        entries[key] = Entry(text: text, line: line, isNull: isNull)
    }

    /// Replaces `${NAME}` and `${NAME:-default}`.
    private func substitute(
        _ text: String, _ environment: [String: String], _ line: Int
    ) throws(ConfigError) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: "}") else {
                throw ConfigError(line: line, "${ without }")
            }
            let body = rest[..<end]
            rest = rest[rest.index(after: end)...]
            let separator = body.firstRange(of: ":-")
            let name = String(separator.map { body[..<$0.lowerBound] } ?? body)
            if let value = environment[name], !(value.isEmpty && separator != nil) {
                result += value
            } else if let separator {
                result += body[separator.upperBound...]
            } else {
                throw ConfigError(line: line, "the environment variable \(name) is not set")
            }
        }
        return result + rest
    }
}

struct ConfigError: Error {
    let line: Int
    let reason: String

    init(line: Int, _ reason: String) {
        self.line = line
        self.reason = reason
    }
}
