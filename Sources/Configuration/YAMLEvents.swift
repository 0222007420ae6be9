import CYAML

/// libyaml's parser as a stream of events.
struct YAMLEvents {
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
