import CYAML

/// Reads the one document of a file by libyaml.
///
/// Anchors and aliases are resolved here, with a limit to what they expand to: nine lines of aliases
/// of aliases would be gigabytes otherwise.
struct YAMLReader {
    /// Nesting of a document; a configuration needs three levels.
    private static let maximumDepth = 16
    /// Nodes of a document, with what its aliases stand for.
    private static let maximumNodes = 20_000

    /// A step of a document.
    private enum Event {
        case scalar(String, isPlain: Bool, isNull: Bool)
        case mapping
        case list
        case end
        case alias(String)
    }

    // Both live as long as this value: the parser keeps pointers into itself and into the text.
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let text: UnsafeMutableBufferPointer<UInt8>
    private var anchors: [String: YAMLNode] = [:]
    private var nodes = 0
    /// Of the last event.
    private var line = 1
    private var anchor: String?

    private init(_ bytes: [UInt8]) {
        text = .allocate(capacity: bytes.count)
        _ = text.initialize(from: bytes)
        yaml_parser_initialize(parser)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    private func close() {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    /// The document of a file; nil when it has none.
    static func document(_ bytes: [UInt8]) throws(YAMLError) -> YAMLNode? {
        var reader = Self(bytes)
        defer { reader.close() }
        do throws(YAMLError) {
            guard let first = try reader.next() else { return nil }
            let root = try reader.node(first, depth: 0)
            while try reader.next() != nil {}
            return root
        } catch {
            throw reader.explained(error, bytes)
        }
    }

    // MARK: - The tree

    private mutating func node(_ event: Event, depth: Int) throws(YAMLError) -> YAMLNode {
        let (line, anchor) = (line, anchor)
        guard depth <= Self.maximumDepth else { throw YAMLError(line: line, "nested too deep") }
        let node: YAMLNode
        switch event {
        case .scalar(let text, _, let isNull):
            node = YAMLNode(isNull ? .null : .scalar(text), line: line)
        case .list:
            var elements: [YAMLNode] = []
            while let event = try element() {
                elements.append(try self.node(event, depth: depth + 1))
            }
            node = YAMLNode(.list(elements), line: line)
        case .mapping:
            node = YAMLNode(.mapping(try pairs(depth)), line: line)
        case .alias(let name):
            guard let found = anchors[name] else {
                throw YAMLError(
                    line: line,
                    "*\(name) refers to an anchor &\(name) that is not defined before it")
            }
            try count(found.count)
            return found
        case .end:
            throw YAMLError(line: line, "expected a value")
        }
        try count(1)
        if let anchor { anchors[anchor] = node }
        return node
    }

    private mutating func pairs(_ depth: Int) throws(YAMLError) -> [YAMLNode.Pair] {
        var pairs: [YAMLNode.Pair] = []
        while let event = try element() {
            let line = line
            var event = event
            if case .alias(let name) = event, case .scalar(let text)? = anchors[name]?.content {
                event = .scalar(text, isPlain: false, isNull: false)
            }
            guard case .scalar(let key, let isPlain, _) = event else {
                throw YAMLError(line: line, "expected a key")
            }
            guard let value = try next() else {
                throw YAMLError(line: line, "\(key) has no value")
            }
            pairs.append(
                YAMLNode.Pair(
                    key: key, isMerge: isPlain && key == "<<", line: line,
                    value: try node(value, depth: depth + 1)))
        }
        return pairs
    }

    private mutating func count(_ more: Int) throws(YAMLError) {
        nodes += more
        guard nodes <= Self.maximumNodes else {
            throw YAMLError(
                line: line, "over \(Self.maximumNodes) values, with what aliases stand for")
        }
    }

    /// The next event of a list or mapping; nil at its end.
    private mutating func element() throws(YAMLError) -> Event? {
        guard let event = try next() else {
            throw YAMLError(line: line, "unexpected end of the document")
        }
        if case .end = event { return nil }
        return event
    }

    // MARK: - Events

    /// The next event; nil at the end of the file. A second document is an error: nothing of it
    /// would be read.
    private mutating func next() throws(YAMLError) -> Event? {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
            defer { yaml_event_delete(&event) }
            line = Int(event.start_mark.line) + 1
            switch event.type {
            case YAML_SCALAR_EVENT:
                anchor = Self.text(event.data.scalar.anchor)
                return try scalar(event)
            case YAML_MAPPING_START_EVENT:
                anchor = Self.text(event.data.mapping_start.anchor)
                try check(tag: Self.text(event.data.mapping_start.tag))
                return .mapping
            case YAML_SEQUENCE_START_EVENT:
                anchor = Self.text(event.data.sequence_start.anchor)
                try check(tag: Self.text(event.data.sequence_start.tag))
                return .list
            case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT:
                return .end
            case YAML_ALIAS_EVENT:
                return .alias(Self.text(event.data.alias.anchor) ?? "")
            case YAML_DOCUMENT_START_EVENT where documents > 0:
                throw YAMLError(
                    line: line,
                    "a second document begins here (---), of which nothing would be read")
            case YAML_DOCUMENT_START_EVENT:
                documents += 1
            case YAML_STREAM_END_EVENT:
                return nil
            default:
                continue
            }
        }
    }

    private var documents = 0

    private func scalar(_ event: yaml_event_t) throws(YAMLError) -> Event {
        let scalar = event.data.scalar
        let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
        let text = String(decoding: bytes, as: UTF8.self)
        let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
        let tag = Self.text(scalar.tag)
        try check(tag: tag)
        let isNull =
            tag == Self.core + "null"
            || tag == nil && isPlain && ["", "~", "null", "Null", "NULL"].contains(text)
        guard !text.unicodeScalars.contains("\0") else {
            throw YAMLError(line: line, "a value has a NUL character")
        }
        return .scalar(text, isPlain: isPlain, isNull: isNull)
    }

    private static let core = "tag:yaml.org,2002:"

    /// Tags of YAML's own types say what the setting knows anyway; others mean a program's objects.
    private func check(tag: String?) throws(YAMLError) {
        guard let tag, tag != "!" else { return }
        let types = ["str", "null", "bool", "int", "float", "seq", "map", "timestamp"]
        guard tag.hasPrefix(Self.core), types.contains(String(tag.dropFirst(Self.core.count)))
        else {
            throw YAMLError(line: line, "the tag \(tag) has no meaning here")
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    // MARK: - Errors

    private func syntaxError() -> YAMLError {
        let state = parser.pointee
        let problem = state.problem.map { String(cString: $0) } ?? "not YAML"
        let line = Int(max(state.problem_mark.line, state.context_mark.line)) + 1
        return YAMLError(line: line, problem)
    }

    /// Names the usual causes, for which libyaml has the words of a scanner.
    private func explained(_ error: YAMLError, _ bytes: [UInt8]) -> YAMLError {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let near = [error.line, error.line - 1].filter { lines.indices.contains($0 - 1) }
        // In a flow collection { begins a mapping, also that of ${NAME}.
        if error.reason.contains("did not find expected ','") {
            for number in near where Self.hasVariable(lines[number - 1]) {
                return YAMLError(
                    line: number,
                    "${...} between [ ] or { } has to be in quotes (\(error.reason))")
            }
        }
        guard
            error.reason.contains("cannot start any token") || error.reason.contains("mapping")
                || error.reason.contains("block") || error.reason.contains("simple key")
        else { return error }
        for number in near {
            let indentation = lines[number - 1].prefix { $0 == 0x20 || $0 == 0x09 }
            if indentation.contains(0x09) {
                return YAMLError(
                    line: number, "a tab cannot indent in YAML: use spaces (\(error.reason))")
            }
        }
        return error
    }

    private static func hasVariable(_ line: ArraySlice<UInt8>) -> Bool {
        zip(line, line.dropFirst()).contains { $0 == UInt8(ascii: "$") && $1 == UInt8(ascii: "{") }
    }
}
