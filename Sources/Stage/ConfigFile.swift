import CYAML
import Glibc
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
    init(path: String, environment: [String: String]) throws(StageFailure) {
        let bytes: [UInt8]
        do { bytes = try Files.read(path, limit: Self.maximumLength) } catch {
            throw StageFailure(.configuration, "configuration: \(error)")
        }
        try self.init(path: path, bytes: bytes, environment: environment)
    }

    init(path: String, bytes: [UInt8], environment: [String: String]) throws(StageFailure) {
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
            throw StageFailure(.configuration, "\(path):\(error.line): \(error.reason)")
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

/// libyaml's parser as a stream of events.
private struct YAMLEvents {
    struct Event {
        enum Kind {
            case scalar(String)
            /// A plain scalar of YAML's core schema for nothing (YAML 1.2.2, section 10.3.2).
            case null
            case mapping
            case sequence
            case end
        }

        let kind: Kind
        let line: Int
    }

    // Both live as long as this value: the parser keeps pointers into itself and into the text.
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let text: UnsafeMutableBufferPointer<UInt8>
    private var depth = 0

    init(_ bytes: [UInt8]) {
        text = .allocate(capacity: bytes.count)
        _ = text.initialize(from: bytes)
        yaml_parser_initialize(parser)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    func close() {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    /// Steps over the start of the stream and of the first document.
    mutating func expectStart() throws(ConfigError) {
        var event = try parse()
        yaml_event_delete(&event)
    }

    /// Steps over the end: there is one document in a file.
    mutating func expectEnd() throws(ConfigError) {
        while true {
            var event = try parse()
            defer { yaml_event_delete(&event) }
            switch event.type {
            case YAML_STREAM_END_EVENT: return
            case YAML_DOCUMENT_START_EVENT:
                throw ConfigError(
                    line: Int(event.start_mark.line) + 1,
                    "a second document begins here (---), of which nothing would be read")
            default: continue
            }
        }
    }

    /// The next event; nil at the end of the first document.
    mutating func next() throws(ConfigError) -> Event? {
        while true {
            var event = try parse()
            defer { yaml_event_delete(&event) }
            let line = Int(event.start_mark.line) + 1
            switch event.type {
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
                let text = String(decoding: bytes, as: UTF8.self)
                let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
                let isNull = isPlain && ["", "~", "null", "Null", "NULL"].contains(text)
                return Event(kind: isNull ? .null : .scalar(text), line: line)
            case YAML_MAPPING_START_EVENT, YAML_SEQUENCE_START_EVENT:
                depth += 1
                guard depth <= 16 else { throw ConfigError(line: line, "nested too deep") }
                let isMapping = event.type == YAML_MAPPING_START_EVENT
                return Event(kind: isMapping ? .mapping : .sequence, line: line)
            case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT:
                depth -= 1
                return Event(kind: .end, line: line)
            case YAML_ALIAS_EVENT:
                throw ConfigError(line: line, "aliases are not supported")
            case YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT:
                return nil
            default:
                continue
            }
        }
    }

    private func parse() throws(ConfigError) -> yaml_event_t {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
            let line =
                Int(max(parser.pointee.problem_mark.line, parser.pointee.context_mark.line)) + 1
            throw ConfigError(line: line, problem)
        }
        return event
    }
}
