/// What names a schema to a reader that has it already.
///
/// Source: Apache Avro 1.11 specification, "Parsing Canonical Form for Schemas", "Schema
/// Fingerprints" and "Single-object encoding".
extension AvroSchema {
    /// The schema without what does not matter for reading, in one spelling.
    public var canonicalForm: String { canonical(enclosing: "") }

    /// CRC-64-AVRO of the canonical form.
    public var fingerprint: UInt64 {
        var value = Fingerprints.empty
        for byte in canonicalForm.utf8 {
            value = value >> 8 ^ Fingerprints.table[Int((value ^ UInt64(byte)) & 0xFF)]
        }
        return value
    }

    /// The ten bytes in front of a record in single-object encoding: `C3 01` and the fingerprint,
    /// little-endian.
    public var singleObjectHeader: [UInt8] {
        let fingerprint = fingerprint
        return [0xC3, 0x01] + (0..<8).map { UInt8(truncatingIfNeeded: fingerprint >> ($0 * 8)) }
    }

    private func canonical(enclosing: String) -> String {
        let space = namespace.isEmpty ? enclosing : namespace
        let fullName = space.isEmpty ? name : "\(space).\(name)"
        let fields = fields.map {
            "{\"name\":\"\($0.name)\",\"type\":\(Self.canonical($0.type, enclosing: space))}"
        }
        return "{\"name\":\"\(fullName)\",\"type\":\"record\",\"fields\":["
            + fields.joined(separator: ",") + "]}"
    }

    private static func canonical(_ type: FieldType, enclosing: String) -> String {
        switch type {
        case .long: "\"long\""
        case .int: "\"int\""
        case .double: "\"double\""
        case .boolean: "\"boolean\""
        case .string: "\"string\""
        case .bytes: "\"bytes\""
        case .timestampMicroseconds: "\"long\""
        case .decimal(let name, _, _):
            """
            {"name":"\(enclosing.isEmpty ? name : "\(enclosing).\(name)")","type":"fixed",\
            "size":\(decimalLength)}
            """
        case .optional(let type): "[\"null\",\(canonical(type, enclosing: enclosing))]"
        case .array(let schema):
            "{\"type\":\"array\",\"items\":\(schema.canonical(enclosing: enclosing))}"
        }
    }
}

private enum Fingerprints {
    static let empty: UInt64 = 0xC15D_213A_A4D7_A795

    static let table: [UInt64] = (0..<256).map { byte in
        (0..<8).reduce(UInt64(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? empty : 0) }
    }
}
