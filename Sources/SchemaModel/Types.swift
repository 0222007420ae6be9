/// Whether a value may be missing.
public enum Presence: String, Sendable {
    case required, optional, constant
}

/// A named encoding that fields refer to.
public indirect enum SchemaType: Sendable {
    case encoded(EncodedType)
    case composite(CompositeType)
    case enumeration(EnumType)
    case set(SetType)

    /// Its name in the schema.
    public var name: String {
        switch self {
        case .encoded(let type): type.name
        case .composite(let type): type.name
        case .enumeration(let type): type.name
        case .set(let type): type.name
        }
    }

    /// Bytes on the wire; 0 for constants.
    public var length: Int {
        switch self {
        case .encoded(let type): type.presence == .constant ? 0 : type.primitive.length * type.count
        case .composite(let type): type.length
        case .enumeration(let type): type.primitive.length
        case .set(let type): type.primitive.length
        }
    }
}

/// A number, a char or a fixed run of them.
public struct EncodedType: Sendable {
    /// Its name in the schema.
    public var name: String
    /// Of each value.
    public var primitive: Primitive
    /// Values in it: more than 1 (or a char array of 1) for an array.
    public var count: Int
    /// As the type says; a field may say otherwise.
    public var presence: Presence
    /// What stands for null.
    public var null: SchemaNumber
    /// The greatest value, where the schema gives one.
    public var maximum: UInt64?
    /// The value of a constant, as text.
    public var constant: String?
    /// The schema's words.
    public var description: String

    /// True when it is more than one value.
    public var isArray: Bool { count != 1 }
}

/// Several values in a row.
public struct CompositeType: Sendable {
    /// A value of a composite.
    public struct Member: Sendable {
        /// Its name in the composite.
        public var name: String
        /// Its encoding.
        public var type: SchemaType
        /// Bytes from the composite's start.
        public var offset: Int
    }

    /// Its name in the schema; `outer.inner` for a nested one.
    public var name: String
    /// Its values, constants included.
    public var members: [Member]
    /// Bytes on the wire.
    public var length: Int
    /// The schema's words.
    public var description: String

    /// True for (uint64 low, int64 high), which reads as one 128-bit number.
    public var isInt128: Bool {
        guard members.count == 2,
            case .encoded(let low) = members[0].type, case .encoded(let high) = members[1].type
        else { return false }
        return members[0].name == "low" && low.primitive == .uint64 && low.count == 1
            && members[1].name == "high" && high.primitive == .int64 && high.count == 1
            && members[1].offset == 8 && length == 16
            && low.presence == .required && high.presence == .required
    }
}

/// A choice among values.
public struct EnumType: Sendable {
    /// A value of it.
    public struct Value: Sendable {
        /// Its name in the schema.
        public var name: String
        /// On the wire.
        public var number: SchemaNumber
        /// The schema's words.
        public var description: String
    }

    /// Its name in the schema.
    public var name: String
    /// On the wire.
    public var primitive: Primitive
    /// What stands for null.
    public var null: SchemaNumber
    /// In the schema's order.
    public var values: [Value]
    /// The schema's words.
    public var description: String

    /// True for an enum that means yes or no.
    public var isBoolean: Bool {
        guard ["boolean", "boolenum", "bool", "booleantype"].contains(name.lowercased()),
            values.count == 2
        else { return false }
        let names = Dictionary(
            values.map { ($0.name.lowercased(), $0.number) },
            uniquingKeysWith: { first, _ in first })
        return (names["no"] ?? names["false"] ?? names["f"]) == .unsigned(0)
            && (names["yes"] ?? names["true"] ?? names["t"]) == .unsigned(1)
    }
}

/// Bits, each with a meaning.
public struct SetType: Sendable {
    /// A bit of it.
    public struct Choice: Sendable {
        /// Its name in the schema.
        public var name: String
        /// From 0, the least significant.
        public var bit: Int
        /// The schema's words.
        public var description: String
    }

    /// Its name in the schema.
    public var name: String
    /// On the wire.
    public var primitive: Primitive
    /// In the schema's order.
    public var choices: [Choice]
    /// The schema's words.
    public var description: String
}
