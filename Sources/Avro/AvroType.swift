import Encoding

/// The type of a value in a file that is read: what its writer says of it.
///
/// Source: Apache Avro 1.11 specification, "Schema Declaration" and "Logical Types".
public indirect enum AvroType: Sendable, Equatable {
    case null
    case boolean
    /// An int or long: both are written alike.
    case long
    case float
    case double
    case bytes
    case string
    /// So many bytes.
    case fixed(Int)
    /// An integer in big-endian two's complement: scale, and its bytes, nil for a length in front.
    case decimal(scale: Int, length: Int?)
    case enumeration([String])
    case array(AvroType)
    case map(AvroType)
    case union([AvroType])
    case record(String, [Field])

    /// A field of a record.
    public struct Field: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// Its type.
        public let type: AvroType
    }
}

extension AvroType {
    /// Deepest nesting of a schema that is read.
    private static let deepest = 16
    /// Most types of a schema: names may multiply what they stand for.
    private static let mostTypes = 4096

    /// Reads a schema.
    ///
    /// - Throws: ``AvroError`` for text that is not one, and for types that hold themselves.
    public init(schema: [UInt8]) throws(AvroError) {
        let value: JSONTree
        do throws(JSONScanner.Failure) {
            var scanner = JSONScanner(schema.span.bytes)
            value = try JSONTree(&scanner)
            try scanner.end()
        } catch { throw AvroError("the schema is not JSON: \(error)") }
        var names: [String: AvroType] = [:]
        var count = 0
        self = try Self.type(value, "", &names, &count, depth: 0)
    }

    private static func type(
        _ value: JSONTree, _ space: String, _ names: inout [String: AvroType], _ count: inout Int,
        depth: Int
    ) throws(AvroError) -> AvroType {
        guard depth < deepest else { throw AvroError("the schema is nested too deep") }
        count += 1
        guard count < mostTypes else { throw AvroError("the schema has too many types") }
        switch value {
        case .text(let name):
            if let plain = plain(name) { return plain }
            let full = name.contains(".") || space.isEmpty ? name : "\(space).\(name)"
            guard let known = names[full] ?? names[name] else {
                throw AvroError("the schema names an unknown type: \(name.prefix(80))")
            }
            count += known.count
            guard count < mostTypes else { throw AvroError("the schema has too many types") }
            return known
        case .array(let branches):
            var types: [AvroType] = []
            for branch in branches {
                types.append(try type(branch, space, &names, &count, depth: depth + 1))
            }
            return .union(types)
        case .object(let members):
            return try declared(members, space, &names, &count, depth: depth)
        case .other: throw AvroError("the schema has a type that is neither a name nor declared")
        }
    }

    private static func declared(
        _ members: [(String, JSONTree)], _ space: String, _ names: inout [String: AvroType],
        _ count: inout Int, depth: Int
    ) throws(AvroError) -> AvroType {
        func member(_ name: String) -> JSONTree? { members.last { $0.0 == name }?.1 }
        func text(_ name: String) -> String? {
            if case .text(let text)? = member(name) { return text }
            return nil
        }
        func number(_ name: String) -> Int? {
            if case .other(let text)? = member(name) { return Int(text) }
            return nil
        }
        guard let kind = text("type") else {
            guard let inner = member("type") else {
                throw AvroError("a type of the schema has no type")
            }
            return try type(inner, space, &names, &count, depth: depth + 1)
        }
        let space = text("namespace") ?? space
        let name = text("name") ?? ""
        let fullName = name.contains(".") || space.isEmpty ? name : "\(space).\(name)"
        switch kind {
        case "record", "error":
            guard case .array(let rows)? = member("fields") else {
                throw AvroError("the record \(name.prefix(80)) of the schema has no fields")
            }
            let fields = try fields(rows, space, &names, &count, depth: depth)
            let record = AvroType.record(fullName, fields)
            names[fullName] = record
            return record
        case "array", "map":
            guard let items = member(kind == "array" ? "items" : "values") else {
                throw AvroError("the schema has an \(kind) of nothing")
            }
            let inner = try type(items, space, &names, &count, depth: depth + 1)
            return kind == "array" ? .array(inner) : .map(inner)
        case "enum":
            guard case .array(let symbols)? = member("symbols") else {
                throw AvroError("the schema has an enum without symbols")
            }
            let words = symbols.compactMap { symbol -> String? in
                if case .text(let word) = symbol { return word }
                return nil
            }
            names[fullName] = .enumeration(words)
            return .enumeration(words)
        case "fixed":
            guard let size = number("size"), (0...65_536).contains(size) else {
                throw AvroError("the schema has a fixed without a size")
            }
            var fixed = AvroType.fixed(size)
            if text("logicalType") == "decimal", size <= 16 {
                fixed = .decimal(scale: number("scale") ?? 0, length: size)
            }
            names[fullName] = fixed
            return fixed
        case "bytes" where text("logicalType") == "decimal":
            return .decimal(scale: number("scale") ?? 0, length: nil)
        default:
            return try type(.text(kind), space, &names, &count, depth: depth + 1)
        }
    }

    private static func fields(
        _ rows: [JSONTree], _ space: String, _ names: inout [String: AvroType],
        _ count: inout Int, depth: Int
    ) throws(AvroError) -> [Field] {
        var fields: [Field] = []
        for row in rows {
            guard case .object(let own) = row,
                case .text(let name)? = own.last(where: { $0.0 == "name" })?.1,
                let value = own.last(where: { $0.0 == "type" })?.1
            else { throw AvroError("a field of the schema has no name or type") }
            let type = try type(value, space, &names, &count, depth: depth + 1)
            fields.append(Field(name: name, type: type))
        }
        return fields
    }

    private static func plain(_ name: String) -> AvroType? {
        switch name {
        case "null": .null
        case "boolean": .boolean
        case "int", "long": .long
        case "float": .float
        case "double": .double
        case "bytes": .bytes
        case "string": .string
        default: nil
        }
    }

    /// How many types are in it.
    private var count: Int {
        switch self {
        case .array(let type), .map(let type): 1 + type.count
        case .union(let types): types.reduce(1) { $0 + $1.count }
        case .record(_, let fields): fields.reduce(1) { $0 + $1.type.count }
        default: 1
        }
    }
}

/// A small JSON text as a tree: schemas are read once a file.
private indirect enum JSONTree {
    case text(String)
    case array([JSONTree])
    case object([(String, JSONTree)])
    /// A number, true, false or null, as it is written.
    case other(String)

    init(_ scanner: inout JSONScanner, depth: Int = 0) throws(JSONScanner.Failure) {
        guard depth < JSONScanner.maximumDepth else { throw scanner.failure("nested too deep") }
        var isFirst = true
        switch scanner.peek() {
        case UInt8(ascii: "{"):
            try scanner.take(UInt8(ascii: "{"))
            var members: [(String, JSONTree)] = []
            while try scanner.more(&isFirst, until: UInt8(ascii: "}")) {
                let name = try scanner.text()
                try scanner.take(UInt8(ascii: ":"))
                members.append((name, try JSONTree(&scanner, depth: depth + 1)))
            }
            self = .object(members)
        case UInt8(ascii: "["):
            try scanner.take(UInt8(ascii: "["))
            var elements: [JSONTree] = []
            while try scanner.more(&isFirst, until: UInt8(ascii: "]")) {
                elements.append(try JSONTree(&scanner, depth: depth + 1))
            }
            self = .array(elements)
        case UInt8(ascii: "\""): self = .text(try scanner.text())
        default:
            let start = scanner.position
            try scanner.skip()
            let text = scanner.bytes.extracting(start..<scanner.position).withUnsafeBytes {
                String(decoding: $0, as: UTF8.self)
            }
            self = .other(text.filter { !$0.isWhitespace })
        }
    }
}
