/// A record schema, as its JSON text.
///
/// Source: Apache Avro 1.11 specification, "Schema Declaration".
public struct AvroSchema: Sendable, Equatable {
    /// The type of a field.
    public indirect enum FieldType: Sendable, Equatable {
        case long
        case int
        case double
        case boolean
        case string
        case bytes
        /// µs since the epoch, UTC: a long with the logical type `timestamp-micros`.
        case timestampMicroseconds
        /// A decimal over 16 bytes, big-endian. Each has a type name of its own: several readers
        /// refuse a name that is used twice (docs/decisions/0087).
        case decimal(typeName: String, precision: Int, scale: Int)
        /// Null or the type, null first.
        case optional(FieldType)
        /// An array of records.
        case array(of: AvroSchema)
    }

    /// One field.
    public struct Field: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// Its type.
        public let type: FieldType

        /// Declares a field.
        public init(_ name: String, _ type: FieldType) {
            self.name = name
            self.type = type
        }
    }

    /// Bytes of a decimal: what holds 38 digits.
    public static let decimalLength = 16

    /// The record's name.
    public let name: String
    /// The namespace that the name is in; empty for an inner record.
    public let namespace: String
    /// One sentence.
    public let documentation: String
    /// In order.
    public let fields: [Field]

    /// Declares a record.
    public init(name: String, namespace: String = "", documentation: String = "", fields: [Field]) {
        self.name = name
        self.namespace = namespace
        self.documentation = documentation
        self.fields = fields
    }

    /// One line of JSON, as it is in a container's header.
    public var json: String { text(separator: "") }

    /// JSON with a field to a line, as it is in docs/schemas.
    public var prettyJSON: String { text(separator: "\n    ") + "\n" }

    private func text(separator: String) -> String {
        var members = ["\"type\":\"record\"", "\"name\":\"\(name)\""]
        if !namespace.isEmpty { members.append("\"namespace\":\"\(namespace)\"") }
        if !documentation.isEmpty { members.append("\"doc\":\"\(documentation)\"") }
        let rows = fields.map {
            "\(separator){\"name\":\"\($0.name)\",\"type\":\(Self.text($0.type))}"
        }
        let end = separator.isEmpty ? "" : "\n"
        members.append("\"fields\":[\(rows.joined(separator: ","))\(end)]")
        return "{\(members.joined(separator: ","))}"
    }

    private static func text(_ type: FieldType) -> String {
        switch type {
        case .long: "\"long\""
        case .int: "\"int\""
        case .double: "\"double\""
        case .boolean: "\"boolean\""
        case .string: "\"string\""
        case .bytes: "\"bytes\""
        case .timestampMicroseconds: #"{"type":"long","logicalType":"timestamp-micros"}"#
        case .decimal(let name, let precision, let scale):
            """
            {"type":"fixed","name":"\(name)","size":\(decimalLength),\
            "logicalType":"decimal","precision":\(precision),"scale":\(scale)}
            """
        case .optional(let type): "[\"null\",\(text(type))]"
        case .array(let schema): "{\"type\":\"array\",\"items\":\(schema.json)}"
        }
    }
}
