/// Reads the `<types>` of a schema, in whatever order they have.
struct TypeReader {
    private let elements: [String: SchemaElement]
    private(set) var types: [String: SchemaType] = [:]
    private var beingRead: Set<String> = []

    init(_ root: SchemaElement) throws(SchemaError) {
        var elements: [String: SchemaElement] = [:]
        for section in root.children where section.name == "types" {
            for element in section.children {
                let name = try element.attribute("name")
                if let first = elements[name] {
                    throw SchemaError(
                        line: element.line,
                        "type \(name) is already defined in line \(first.line)")
                }
                elements[name] = element
            }
        }
        self.elements = elements
        for name in elements.keys.sorted() { _ = try type(name, line: 0) }
    }

    /// The type of a name: one of the schema or a primitive.
    mutating func type(_ name: String, line: Int) throws(SchemaError) -> SchemaType {
        if let known = types[name] { return known }
        guard let element = elements[name] else {
            guard let primitive = Primitive(rawValue: name) else {
                throw SchemaError(line: line, "unknown type \(name)")
            }
            return .encoded(
                EncodedType(
                    name: name, primitive: primitive, count: 1, presence: .required,
                    null: primitive.null, maximum: nil, constant: nil, description: ""))
        }
        guard beingRead.insert(name).inserted else {
            throw SchemaError(line: element.line, "type \(name) contains itself")
        }
        let type = try read(element, name: name)
        beingRead.remove(name)
        types[name] = type
        return type
    }

    private mutating func read(
        _ element: SchemaElement, name: String
    ) throws(SchemaError) -> SchemaType {
        switch element.name {
        case "type": .encoded(try encoded(element, name: name))
        case "composite": .composite(try composite(element, name: name))
        case "enum": .enumeration(try enumeration(element, name: name))
        case "set": .set(try set(element, name: name))
        default:
            throw SchemaError(
                line: element.line, "<\(element.name)> is not type, composite, enum or set")
        }
    }

    // MARK: - Simple types

    private func encoded(
        _ element: SchemaElement, name: String
    ) throws(SchemaError) -> EncodedType {
        let primitive = try primitive(try element.attribute("primitiveType"), element)
        let presence = try Presence(element) ?? .required
        var count = try element.number("length") ?? 1
        var constant: String?
        if presence == .constant {
            let text = primitive == .char ? element.text : element.text.trimmingSpaces
            guard !text.trimmingSpaces.isEmpty else {
                throw SchemaError(line: element.line, "constant \(name) has no value")
            }
            if primitive == .char, element.attributes["length"] == nil { count = text.utf8.count }
            guard primitive == .char || primitive.number(text) != nil else {
                throw SchemaError(
                    line: element.line, "constant \(name): \(text) is not a \(primitive)")
            }
            constant = text.trimmingSpaces
        }
        guard count <= 1 << 16 else {
            throw SchemaError(line: element.line, "type \(name) has \(count) values, at most 65536")
        }
        var null = primitive.null
        if let text = element.attributes["nullValue"] {
            null = try number(text, primitive, element)
        }
        var maximum: UInt64?
        if let text = element.attributes["maxValue"], primitive.isUnsigned,
            case .unsigned(let value) = try number(text, primitive, element)
        {
            maximum = value
        }
        return EncodedType(
            name: name, primitive: primitive, count: count, presence: presence, null: null,
            maximum: maximum, constant: constant, description: element.words)
    }

    private func primitive(
        _ name: String, _ element: SchemaElement
    ) throws(SchemaError) -> Primitive {
        guard let primitive = Primitive(rawValue: name) else {
            throw SchemaError(line: element.line, "unknown primitive type \(name)")
        }
        return primitive
    }

    private func number(
        _ text: String, _ primitive: Primitive, _ element: SchemaElement
    ) throws(SchemaError) -> SchemaNumber {
        guard let value = primitive.number(text) else {
            throw SchemaError(line: element.line, "\(text.trimmingSpaces) is not a \(primitive)")
        }
        return value
    }

    // MARK: - Composites

    private mutating func composite(
        _ element: SchemaElement, name: String
    ) throws(SchemaError) -> CompositeType {
        var members: [CompositeType.Member] = []
        var end = 0
        for child in element.children {
            let memberName = try child.attribute("name")
            if members.contains(where: { $0.name == memberName }) {
                throw SchemaError(line: child.line, "\(name) has two members \(memberName)")
            }
            let type: SchemaType
            if child.name == "ref" {
                type = try self.type(try child.attribute("type"), line: child.line)
            } else {
                // Nested types are known by the outer name too, since only that is unique.
                let nested = child.name == "type" ? memberName : "\(name).\(memberName)"
                type = try read(child, name: nested)
                if child.name != "type" { types[nested] = type }
            }
            let offset = try child.number("offset") ?? end
            guard offset >= end else {
                throw SchemaError(
                    line: child.line,
                    "\(name).\(memberName) has offset \(offset), but bytes up to \(end) are taken")
            }
            members.append(.init(name: memberName, type: type, offset: offset))
            end = offset + type.length
        }
        guard !members.isEmpty else {
            throw SchemaError(line: element.line, "composite \(name) is empty")
        }
        return CompositeType(
            name: name, members: members, length: end, description: element.words)
    }

    // MARK: - Enums and sets

    /// What an enum or a set is encoded as: a primitive or a named type.
    private mutating func encoding(
        _ element: SchemaElement
    ) throws(SchemaError) -> EncodedType {
        let name = try element.attribute("encodingType")
        guard case .encoded(let type) = try type(name, line: element.line), !type.isArray,
            type.primitive.isUnsigned
        else {
            throw SchemaError(
                line: element.line, "encodingType \(name) is not char or an unsigned integer")
        }
        return type
    }

    private mutating func enumeration(
        _ element: SchemaElement, name: String
    ) throws(SchemaError) -> EnumType {
        let encoding = try encoding(element)
        var values: [EnumType.Value] = []
        for child in element.children {
            guard child.name == "validValue" else {
                throw SchemaError(line: child.line, "<\(child.name)> in an enum")
            }
            let value = EnumType.Value(
                name: try child.attribute("name"),
                number: try number(child.text, encoding.primitive, child),
                description: child.words)
            if values.contains(where: { $0.name == value.name || $0.number == value.number }) {
                throw SchemaError(
                    line: child.line, "\(name).\(value.name) repeats a name or a value")
            }
            values.append(value)
        }
        return EnumType(
            name: name, primitive: encoding.primitive, null: encoding.null, values: values,
            description: element.words)
    }

    private mutating func set(
        _ element: SchemaElement, name: String
    ) throws(SchemaError) -> SetType {
        let encoding = try encoding(element)
        guard encoding.primitive != .char else {
            throw SchemaError(line: element.line, "set \(name) is encoded as char")
        }
        var choices: [SetType.Choice] = []
        for child in element.children {
            guard child.name == "choice" else {
                throw SchemaError(line: child.line, "<\(child.name)> in a set")
            }
            let choice = try child.attribute("name")
            guard let bit = Int(child.text.trimmingSpaces),
                (0..<encoding.primitive.length * 8).contains(bit)
            else {
                throw SchemaError(
                    line: child.line,
                    "\(name).\(choice): \(child.text.trimmingSpaces) is not a bit of a "
                        + "\(encoding.primitive)")
            }
            if choices.contains(where: { $0.name == choice || $0.bit == bit }) {
                throw SchemaError(line: child.line, "\(name).\(choice) repeats a name or a bit")
            }
            choices.append(.init(name: choice, bit: bit, description: child.words))
        }
        return SetType(
            name: name, primitive: encoding.primitive, choices: choices,
            description: element.words)
    }
}

extension SchemaElement {
    /// The description attribute, on one line.
    var words: String {
        (attributes["description"] ?? "").split(whereSeparator: \.isWhitespace)
            .joined(separator: " ")
    }
}

extension Presence {
    init?(_ element: SchemaElement) throws(SchemaError) {
        guard let text = element.attributes["presence"] else { return nil }
        guard let presence = Presence(rawValue: text) else {
            throw SchemaError(
                line: element.line, "presence \(text) is not required, optional or constant")
        }
        self = presence
    }
}
