/// A message schema: what one XML file says.
public struct Schema: Sendable {
    /// Its package name.
    public var package: String
    /// In every message header.
    public var id: UInt16
    /// In every message header that this version's writers write.
    public var version: UInt16
    /// The schema's words.
    public var description: String
    /// True when numbers go over the wire high byte first.
    public var isBigEndian: Bool
    /// Types by name, those nested in composites included.
    public var types: [String: SchemaType]
    /// In the file's order.
    public var messages: [Message]
}

/// A message: its root block and what follows.
public struct Message: Sendable {
    /// Its name in the schema.
    public var name: String
    /// The template id.
    public var id: UInt16
    /// The schema's words.
    public var description: String
    /// Fields, groups and variable data.
    public var body: Body
}

/// What a message and a group entry both have.
public struct Body: Sendable {
    /// Bytes of the block, as this version writes it.
    public var blockLength: Int
    /// In the file's order.
    public var fields: [Field]
    /// In wire order.
    public var groups: [Group]
    /// In wire order, after the groups.
    public var data: [VariableData]

    /// True when an entry is a block and nothing else.
    public var isFlat: Bool { groups.isEmpty && data.isEmpty }

    /// Bytes that the fields of a version take: what a block of it has at least.
    public func fieldLength(version: UInt16) -> Int {
        fields.filter { $0.since <= version }.map { $0.offset + $0.length }.max() ?? 0
    }
}

/// A value in a block.
public struct Field: Sendable {
    /// Its name in the schema.
    public var name: String
    /// Its encoding.
    public var type: SchemaType
    /// Bytes from the block's start.
    public var offset: Int
    /// Whether it may be missing.
    public var presence: Presence
    /// For a constant that refers to an enum's value: that value.
    public var valueReference: EnumType.Value?
    /// The first version that has it.
    public var since: UInt16
    /// The schema's words.
    public var description: String

    /// Bytes on the wire; 0 for constants.
    public var length: Int { presence == .constant ? 0 : type.length }
}

/// Entries, each with a body.
public struct Group: Sendable {
    /// Its name in the schema.
    public var name: String
    /// What comes before the entries.
    public var dimension: Dimension
    /// Of an entry.
    public var body: Body
    /// The first version that has it.
    public var since: UInt16
    /// The schema's words.
    public var description: String
}

/// The header of a group.
public struct Dimension: Sendable {
    /// A number in the header.
    public struct Part: Sendable {
        /// On the wire.
        public var primitive: Primitive
        /// Bytes from the header's start.
        public var offset: Int
    }

    /// The entry's block length.
    public var blockLength: Part
    /// The number of entries.
    public var count: Part
    /// The greatest number of entries.
    public var limit: UInt64
    /// Bytes of the header.
    public var length: Int
}

/// Bytes after a length.
public struct VariableData: Sendable {
    /// Its name in the schema.
    public var name: String
    /// Of the length.
    public var primitive: Primitive
    /// The greatest length.
    public var limit: UInt64
    /// The first version that has it.
    public var since: UInt16
    /// The schema's words.
    public var description: String
}
