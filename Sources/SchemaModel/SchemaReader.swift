public import struct Foundation.Data

extension Schema {
    /// Reads an SBE 1.0 schema.
    ///
    /// - Parameter xml: the file's bytes.
    /// - Throws: ``SchemaError`` that names the line.
    public init(xml: Data) throws(SchemaError) {
        let root = try SchemaElementReader.read(xml)
        guard root.name == "messageSchema" else {
            throw SchemaError(line: root.line, "<\(root.name)> is not a messageSchema")
        }
        var reader = BodyReader(
            types: try TypeReader(root), version: try root.identifier("version", default: 0))
        package = root.attributes["package"] ?? ""
        id = try root.identifier("id")
        version = reader.version
        description = root.words
        switch root.attributes["byteOrder"] ?? "littleEndian" {
        case "littleEndian": isBigEndian = false
        case "bigEndian": isBigEndian = true
        case let other:
            throw SchemaError(
                line: root.line, "byteOrder \(other) is not littleEndian or bigEndian")
        }
        try reader.checkHeader(root.attributes["headerType"] ?? "messageHeader", line: root.line)
        messages = []
        for element in root.children where element.name == "message" {
            let message = Message(
                name: try element.attribute("name"), id: try element.identifier("id"),
                description: element.words, body: try reader.body(element))
            if messages.contains(where: { $0.name == message.name || $0.id == message.id }) {
                throw SchemaError(
                    line: element.line, "message \(message.name) repeats a name or an id")
            }
            messages.append(message)
        }
        for element in root.children where element.name != "message" && element.name != "types" {
            throw SchemaError(line: element.line, "<\(element.name)> in a messageSchema")
        }
        types = reader.types.types
    }
}

/// Reads messages and groups.
struct BodyReader {
    var types: TypeReader
    let version: UInt16

    /// The message header has to be the standard's: four UInt16 in their order.
    mutating func checkHeader(_ name: String, line: Int) throws(SchemaError) {
        guard case .composite(let header) = try types.type(name, line: line) else {
            throw SchemaError(line: line, "headerType \(name) is not a composite")
        }
        let expected = ["blockLength", "templateId", "schemaId", "version"]
        let isStandard =
            header.length == 8 && header.members.map(\.name) == expected
            && header.members.allSatisfy { member in
                guard case .encoded(let type) = member.type else { return false }
                return type.primitive == .uint16 && !type.isArray
            }
        guard isStandard else {
            throw SchemaError(
                line: line,
                "\(name) is not (uint16 blockLength, templateId, schemaId, version)")
        }
    }

    mutating func body(_ element: SchemaElement) throws(SchemaError) -> Body {
        var body = Body(blockLength: 0, fields: [], groups: [], data: [])
        var names: Set<String> = []
        var end = 0
        for child in element.children {
            let name = try child.attribute("name")
            guard names.insert(name).inserted else {
                throw SchemaError(line: child.line, "\(name) is there twice")
            }
            switch child.name {
            case "field":
                guard body.isFlat else {
                    throw SchemaError(line: child.line, "field \(name) after a group or data")
                }
                let field = try field(child, name: name, after: end)
                end = max(end, field.offset + field.length)
                body.fields.append(field)
            case "group":
                guard body.data.isEmpty else {
                    throw SchemaError(line: child.line, "group \(name) after data")
                }
                body.groups.append(try group(child, name: name))
            case "data":
                body.data.append(try data(child, name: name))
            default:
                throw SchemaError(
                    line: child.line, "<\(child.name)> is not field, group or data")
            }
        }
        body.blockLength = try element.number("blockLength") ?? end
        guard body.blockLength >= end else {
            throw SchemaError(
                line: element.line,
                "blockLength is \(body.blockLength), the fields take \(end) bytes")
        }
        guard body.blockLength <= Int(UInt16.max) else {
            throw SchemaError(
                line: element.line, "a block of \(body.blockLength) bytes, at most 65535")
        }
        return body
    }

    // MARK: - Fields

    private mutating func field(
        _ element: SchemaElement, name: String, after end: Int
    ) throws(SchemaError) -> Field {
        let reference = element.attributes["valueRef"]
        let typeName: String
        if let type = element.attributes["type"] {
            typeName = type
        } else if let reference, let dot = reference.firstIndex(of: ".") {
            typeName = String(reference[..<dot])
        } else {
            typeName = try element.attribute("type")
        }
        var type = try types.type(typeName, line: element.line)
        var presence = try Presence(element) ?? .required
        var value: EnumType.Value?
        if case .encoded(var encoded) = type {
            if element.attributes["presence"] == nil { presence = encoded.presence }
            if let text = element.attributes["nullValue"] {
                guard let null = encoded.primitive.number(text) else {
                    throw SchemaError(
                        line: element.line, "\(text) is not a \(encoded.primitive)")
                }
                encoded.null = null
                type = .encoded(encoded)
            }
            if presence == .constant, encoded.constant == nil, reference == nil {
                throw SchemaError(line: element.line, "constant \(name) has no value")
            }
        }
        if presence == .constant, let reference {
            value = try self.value(reference, element)
        } else if presence == .constant, case .encoded = type {
        } else if presence == .constant {
            throw SchemaError(line: element.line, "constant \(name) has no valueRef")
        }
        let offset = try element.number("offset") ?? end
        guard offset >= end || presence == .constant else {
            throw SchemaError(
                line: element.line,
                "\(name) has offset \(offset), but bytes up to \(end) are taken")
        }
        return Field(
            name: name, type: type, offset: presence == .constant ? end : offset,
            presence: presence, valueReference: value, since: try since(element),
            description: element.words)
    }

    /// Looks up `enumName.valueName`.
    private mutating func value(
        _ reference: String, _ element: SchemaElement
    ) throws(SchemaError) -> EnumType.Value {
        let parts = reference.split(separator: ".")
        guard parts.count == 2,
            case .enumeration(let type) = try types.type(String(parts[0]), line: element.line),
            let value = type.values.first(where: { $0.name == parts[1] })
        else {
            throw SchemaError(line: element.line, "valueRef \(reference) is not an enum's value")
        }
        return value
    }

    private func since(_ element: SchemaElement) throws(SchemaError) -> UInt16 {
        let since = try element.identifier("sinceVersion", default: 0)
        guard since <= version else {
            throw SchemaError(
                line: element.line, "sinceVersion \(since) is above the schema's \(version)")
        }
        return since
    }

    // MARK: - Groups and data

    private mutating func group(
        _ element: SchemaElement, name: String
    ) throws(SchemaError) -> Group {
        let dimensionName = element.attributes["dimensionType"] ?? "groupSizeEncoding"
        guard case .composite(let type) = try types.type(dimensionName, line: element.line),
            let block = type.unsigned("blockLength"), let count = type.unsigned("numInGroup")
        else {
            throw SchemaError(
                line: element.line,
                "dimensionType \(dimensionName) has no unsigned blockLength and numInGroup")
        }
        let body = try body(element)
        guard UInt64(body.blockLength) <= block.type.primitive.maximum else {
            throw SchemaError(
                line: element.line,
                "a block of \(body.blockLength) bytes does not fit \(block.type.primitive)")
        }
        return Group(
            name: name,
            dimension: Dimension(
                blockLength: .init(primitive: block.type.primitive, offset: block.offset),
                count: .init(primitive: count.type.primitive, offset: count.offset),
                limit: min(
                    count.type.maximum ?? count.type.primitive.maximum, UInt64(Int64.max)),
                length: type.length),
            body: body, since: try since(element), description: element.words)
    }

    private mutating func data(
        _ element: SchemaElement, name: String
    ) throws(SchemaError) -> VariableData {
        let typeName = try element.attribute("type")
        guard case .composite(let type) = try types.type(typeName, line: element.line),
            let length = type.unsigned("length"), length.offset == 0, type.members.count == 2,
            type.members[1].name == "varData",
            type.members[1].offset == length.type.primitive.length
        else {
            throw SchemaError(
                line: element.line, "data type \(typeName) is not (unsigned length, varData)")
        }
        return VariableData(
            name: name, primitive: length.type.primitive,
            limit: min(length.type.maximum ?? length.type.primitive.maximum, UInt64(Int64.max)),
            since: try since(element), description: element.words)
    }
}

extension CompositeType {
    /// A member that is one unsigned integer.
    fileprivate func unsigned(_ name: String) -> (type: EncodedType, offset: Int)? {
        for member in members where member.name == name {
            if case .encoded(let type) = member.type, type.primitive.isUnsigned,
                type.primitive != .char, !type.isArray
            {
                return (type, member.offset)
            }
        }
        return nil
    }
}
