import SchemaModel

/// A second way to decode, independent of generated code: walks the schema and lists what it finds.
struct SchemaWalker {
    enum Failure: Error { case truncated, shortBlock, foreign, tooMany }

    let schema: Schema
    private let bytes: [UInt8]
    private var offset = 0
    private var version: UInt16 = 0
    private var lines: [String] = []

    /// The values of a message, `path=value` each, in the schema's order.
    static func values(_ bytes: [UInt8], _ schema: Schema, _ message: Message) throws -> [String] {
        var walker = SchemaWalker(schema: schema, bytes: bytes)
        let block = try walker.take(.uint16)
        guard try walker.take(.uint16) == UInt64(message.id),
            try walker.take(.uint16) == UInt64(schema.id)
        else { throw Failure.foreign }
        walker.version = UInt16(try walker.take(.uint16))
        try walker.body(message.body, blockLength: Int(block), path: "")
        return walker.lines
    }

    private init(schema: Schema, bytes: [UInt8]) {
        self.schema = schema
        self.bytes = bytes
    }

    private mutating func body(_ body: Body, blockLength: Int, path: String) throws {
        let start = offset
        guard blockLength <= bytes.count - start else { throw Failure.truncated }
        for field in body.fields where field.presence != .constant {
            guard field.since <= version else {
                lines.append("\(path)\(field.name)=nil")
                continue
            }
            guard field.offset + field.length <= blockLength else { throw Failure.shortBlock }
            let text = value(
                field.type, at: start + field.offset, optional: field.presence == .optional)
            lines.append("\(path)\(field.name)=\(text)")
        }
        offset = start + blockLength
        for group in body.groups { try self.group(group, path: path) }
        for data in body.data {
            guard data.since <= version else {
                lines.append("\(path)\(data.name)=nil")
                continue
            }
            let length = try take(data.primitive)
            guard length <= data.limit else { throw Failure.tooMany }
            guard length <= UInt64(bytes.count - offset) else { throw Failure.truncated }
            lines.append("\(path)\(data.name)=\(hex(Array(bytes[offset..<offset + Int(length)])))")
            offset += Int(length)
        }
    }

    private mutating func group(_ group: Group, path: String) throws {
        guard group.since <= version else {
            lines.append("\(path)\(group.name).count=0")
            return
        }
        let (start, dimension) = (offset, group.dimension)
        offset = start + dimension.blockLength.offset
        let block = try take(dimension.blockLength.primitive)
        offset = start + dimension.count.offset
        let count = try take(dimension.count.primitive)
        offset = start + dimension.length
        guard offset <= bytes.count else { throw Failure.truncated }
        guard count <= dimension.limit else { throw Failure.tooMany }
        lines.append("\(path)\(group.name).count=\(count)")
        let fieldLength =
            group.body.fields.filter { $0.since <= version && $0.length > 0 }
            .map { $0.offset + $0.length }.max() ?? 0
        guard count == 0 || block >= UInt64(fieldLength) else { throw Failure.shortBlock }
        // Zero-length entries would otherwise be walked four thousand million times.
        guard block > 0 || !group.body.isFlat else { return }
        for index in 0..<count {
            guard block <= UInt64(bytes.count) else { throw Failure.truncated }
            try body(group.body, blockLength: Int(block), path: "\(path)\(group.name)[\(index)].")
        }
    }

    // MARK: - Values

    private mutating func take(_ primitive: Primitive) throws -> UInt64 {
        guard offset + primitive.length <= bytes.count else { throw Failure.truncated }
        defer { offset += primitive.length }
        return word(at: offset, length: primitive.length)
    }

    private func word(at offset: Int, length: Int) -> UInt64 {
        let run = bytes[offset..<offset + length]
        return (schema.isBigEndian ? Array(run) : run.reversed()).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func value(_ type: SchemaType, at offset: Int, optional: Bool) -> String {
        switch type {
        case .encoded(let type) where type.isArray && type.primitive.length == 1:
            return hex(Array(bytes[offset..<offset + type.count]))
        case .encoded(let type) where type.isArray:
            let values = (0..<type.count).map { index in
                number(type.primitive, at: offset + index * type.primitive.length)
            }
            return "[\(values.joined(separator: ","))]"
        case .encoded(let type):
            let text = number(type.primitive, at: offset)
            if type.primitive.isFloat { return optional && text.contains("nan") ? "nil" : text }
            return optional && text == type.null.literal ? "nil" : text
        case .enumeration(let type):
            let text = number(type.primitive, at: offset)
            if optional, text == type.null.literal { return "nil" }
            return type.isBoolean ? "\(text == "1")" : text
        case .set(let type):
            return number(type.primitive, at: offset)
        case .composite(let type) where type.isInt128:
            let low = word(at: offset, length: 8)
            let high = Int64(bitPattern: word(at: offset + 8, length: 8))
            let value = Int128(high) * (Int128(UInt64.max) + 1) + Int128(low)
            return optional && value == .min ? "nil" : "\(value)"
        case .composite(let type):
            let members = type.members.filter { $0.type.length > 0 }.map { member in
                var optional = false
                if case .encoded(let type) = member.type { optional = type.presence == .optional }
                return value(member.type, at: offset + member.offset, optional: optional)
            }
            return "(\(members.joined(separator: ",")))"
        }
    }

    private func number(_ primitive: Primitive, at offset: Int) -> String {
        let word = word(at: offset, length: primitive.length)
        switch primitive {
        case .int8: return "\(Int8(truncatingIfNeeded: word))"
        case .int16: return "\(Int16(truncatingIfNeeded: word))"
        case .int32: return "\(Int32(truncatingIfNeeded: word))"
        case .int64: return "\(Int64(truncatingIfNeeded: word))"
        case .float: return "\(Float(bitPattern: UInt32(word)))"
        case .double: return "\(Double(bitPattern: word))"
        default: return "\(word)"
        }
    }
}
